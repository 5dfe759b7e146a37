/*
 * A source of one's own: it counts down and ends. To run it from the command line, make it the default export of a module
 * and call `eventstorm source ./countdown.js`.
 *
 *     node dist/examples/own-source.js
 */
import { defineSource, duration, parseOptions, startSource, subscribe, z } from 'eventstorm'

const countdown = defineSource({
  name: 'countdown',
  summary: 'Counts down and ends.',
  types: ['countdown.tick', 'countdown.end'],
  options: z.strictObject({
    from: z.int().min(1).default(3).meta({ description: 'Where to begin.' }),
    interval: duration().prefault('1s').meta({ description: 'Time between two ticks.', argument: 'time' }),
  }),
  create({ from, interval }) {
    let stop = () => {}
    return {
      // The framework stamps, numbers, encodes, batches and sends; the clock is lent, so that a test can own it.
      async open(emit, { clock, finish, subscribed }) {
        await subscribed('countdown.tick', 5000)
        let left = from
        stop = clock.every(interval, () => {
          if (left > 0) return emit({ type: 'countdown.tick', data: { left: left-- } })
          emit({ type: 'countdown.end', data: null })
          finish()
        })
      },
      close: () => stop(),
    }
  },
})

const events = subscribe({ connect: ['inproc://countdown'] })
const component = countdown.create(parseOptions(countdown.options, { interval: '10ms' }, 'countdown'))
const source = await startSource(component, { source: 'pad-1', bind: ['inproc://countdown'] })

loop: for await (const batch of events) {
  for (const { source, type, seq, data } of batch) {
    console.log(source, type, seq, data)
    if (type === 'countdown.end') break loop
  }
}
await source.ended
