/*
 * Keeps events in a store and asks it, all in one program. Other stores are asked in the same way.
 *
 *     node dist/examples/ask.js
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ask, attach, EventSource, parseOptions } from 'eventstorm'
import segments from 'eventstorm/sinks/segments'

const path = await mkdtemp(join(tmpdir(), 'eventstorm-example-'))
const store = segments.create(parseOptions(segments.options, { path }, 'segments'))
const sink = await attach(store, { connect: ['inproc://orders'], batchEvents: 1000 })
const source = new EventSource({ source: 'shop', bind: ['inproc://orders'] })

await source.subscribed()
for (let total = 1; total <= 10; total++) source.emit('order.paid', { total })
for (let total = 1; total <= 100; total++) source.emit('order.placed', { total })
while (sink.counters().received < 110) await new Promise((resolve) => setImmediate(resolve))
await Promise.all([source.drain(), sink.drain()])

const reader = await segments.reader!(`segments:${path}`)
const { columns, rows } = await ask(reader, {
  type: 'order.*',
  from: '1h',
  by: 'type',
  measure: ['count', 'avg(total)'],
})
console.log(columns.join(', '))
for (const row of rows) console.log(row.join(', '))

const latest = await ask(reader, { latest: 1, type: 'order.placed' })
const [, type, , , data] = latest.rows[0]!
console.log(`the latest: ${type}`, data)

await reader[Symbol.asyncDispose]()
await rm(path, { recursive: true })
