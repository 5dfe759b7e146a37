/** The TypeScript source of the bench `clients`; what it prints is what those in other languages print. */
import { setImmediate as turn } from 'node:timers/promises'
import { EventSource } from '../lib/index.js'
import { EVENT_TYPE, hit } from './event.js'

const [endpoint, count] = process.argv.slice(2) as [string, string]
const source = new EventSource({ source: 'bench', connect: [endpoint], sendHighWaterMark: 1_000_000 })
await source.subscribed(EVENT_TYPE, { timeout: 30_000 })
const start = performance.now()
const before = process.cpuUsage()
for (let n = 0; n < Number(count); n++) {
  source.emit(EVENT_TYPE, hit(n))
  if (n % 100 === 99) await turn()
}
await source.drain(60_000)
const { user, system } = process.cpuUsage(before)
const { sent } = source.counters()
console.log(JSON.stringify({ sent, cpu: (user + system) / 1e6, seconds: (performance.now() - start) / 1000 }))
