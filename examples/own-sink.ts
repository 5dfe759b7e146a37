/*
 * A sink of one's own: it counts events by type. To run it from the command line, make it the default export of a
 * module and call `eventstorm sink ./tally.js`.
 *
 *     node dist/examples/own-sink.js
 */
import { attach, defineSink, EventSource, parseOptions, z } from 'eventstorm'

const tally = defineSink({
  name: 'tally',
  summary: 'Counts events by type.',
  options: z.strictObject({
    least: z.int().min(1).default(1).meta({ description: 'Types with fewer events are not shown.' }),
  }),
  create({ least }) {
    const counts = new Map<string, number>()
    return {
      // Calls never overlap. Throwing a SinkError says what happens next: retry, reconnect, skip or stop.
      write(batch) {
        // Type and number stand in the header of a message: no event needs to be decoded for this.
        for (const { type, count } of batch.messages) counts.set(type, (counts.get(type) ?? 0) + count)
      },
      close() {
        for (const [type, count] of counts) if (count >= least) console.log(`${type} ${count}`)
      },
      counters: () => ({ types: counts.size }),
    }
  },
})

const source = new EventSource({ source: 'shop', bind: ['inproc://shop'] })
const component = tally.create(parseOptions(tally.options, { least: 2 }, 'tally'))
const sink = await attach(component, { connect: ['inproc://shop'] })

await source.subscribed()
for (let i = 0; i < 1000; i++) source.emit('order.placed', { i })
for (let i = 0; i < 10; i++) source.emit('order.paid', { i })
source.emit('shop.closed')

while (sink.counters().received < 1011) await new Promise((resolve) => setImmediate(resolve))
await Promise.all([source.drain(), sink.drain()])
const { received, lost, written } = sink.counters()
console.log(`received ${received}, lost ${lost}, written ${written}`)
