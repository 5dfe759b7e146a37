/** The program of an interoperability test on the TypeScript library: what the other clients are measured against. */

import { setTimeout as pause } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { EventSource } from '../lib/index.js'
import { TYPE, wantedEvent } from './wanted.js'

const text = { type: 'string' } as const
const { values } = parseArgs({
  options: { connect: text, source: text, count: text, rate: text, key: text, 'server-key': text },
})
const { connect, source: name, key, 'server-key': serverKey } = values
const [count, rate] = [Number(values.count), Number(values.rate ?? Infinity)]

const source = new EventSource({
  source: name!,
  connect: [connect!],
  drainTimeout: '30s',
  ...(key !== undefined && { key }),
  ...(serverKey !== undefined && { serverKey: [serverKey] }),
})
await source.subscribed(TYPE, { timeout: 30_000 })
const start = performance.now()
for (let i = 0; i < count; i++) {
  const { time, data, ...extensions } = wantedEvent(i)
  source.emit(TYPE, data, { time, extensions })
  if (i % 100 !== 99) continue
  const ahead = start + (i / rate) * 1000 - performance.now()
  await pause(Math.max(0, ahead))
}
await source.drain()
process.stdout.write(`${JSON.stringify(source.counters())}\n`)
