/** Who sends and who stores in `bench/segments`: `node segments-roles.js send|store|ask <options as JSON>`. */
import { setTimeout as pause } from 'node:timers/promises'
import { ask, attach, EventSource } from '../lib/index.js'
import segments from '../sinks/segments/segments.js'
import { hit } from './event.js'

interface Options {
  path: string
  endpoint: string
  rate: number
  count: number
}

/** As many as a chart by type usually has. */
const TYPES = Array.from({ length: 20 }, (_, i) => `shop.kind-${i}`)

const say = (report: object) => process.send!(report)
const told = () => new Promise<void>((resolve) => process.once('message', () => resolve()))

const roles: Record<string, (options: Options) => Promise<void>> = {
  async send({ endpoint, rate, count }) {
    const source = new EventSource({ source: 'bench', connect: [endpoint] })
    await source.subscribed(TYPES[0], { timeout: 10_000 })
    say({ ready: true })
    await told()
    const start = performance.now()
    for (let n = 0; n < count; ) {
      const due = Math.min(count, Math.ceil(((performance.now() - start) / 1000) * rate))
      for (; n < due; n++) source.emit(TYPES[n % TYPES.length]!, hit(n))
      await pause(2)
    }
    await source.drain(60_000)
    const { sent } = source.counters()
    say({ sent, seconds: (performance.now() - start) / 1000 })
    await pause(60_000)
  },

  /** With the bounds that everybody has. */
  async store({ path, count }) {
    const sink = await attach(segments.create(segments.options.parse({ path })), {
      ...segments.defaults,
      bind: ['tcp://127.0.0.1:0'],
      subscribe: ['shop.*'],
    })
    say({ ready: sink.endpoints[0] })
    const before = process.cpuUsage()
    await told()
    const end = () => {
      const { received, lost, dropped, queued } = sink.counters()
      return queued === 0 && received + lost >= count && dropped
    }
    for (let waited = 0; !end() && waited < 60_000; waited += 50) await pause(50)
    await sink.drain(30_000)
    const { user, system } = process.cpuUsage(before)
    say({ ...sink.counters(), cpu: (user + system) / 1e6 })
  },

  /** A question in a process that has done nothing yet. */
  async ask({ path }) {
    const start = performance.now()
    await using reader = await segments.reader!(`segments:${path}`)
    const answer = await ask(reader, { every: '1m', by: 'type', measure: 'count' })
    const events = answer.rows.reduce((sum, row) => sum + Number(row[2]), 0)
    say({ asked: performance.now() - start, sinceStart: performance.now(), rows: answer.rows.length, events })
  },
}

process.once('disconnect', () => process.exit())

const [name = '', options = '{}'] = process.argv.slice(2)
await roles[name]!(JSON.parse(options))
