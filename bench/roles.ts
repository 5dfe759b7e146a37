/**
 * The programs that benches run as processes of their own: `node roles.js <role> <options as JSON>`. A role says
 * over its channel when it is ready and what it found.
 */
import { setTimeout as pause, setImmediate as turn } from 'node:timers/promises'
import { EventRouter, EventSource, subscribe } from '../lib/index.js'
import { EVENT_TYPE, type Hit, hit } from './event.js'
import { cpu, marks, monotonic, play, say, tally, told, UNBOUNDED } from './role.js'

interface RoleOptions {
  count: number
  endpoint: string
  sinks: string
  /** Events a second, for the roles that keep a pace. */
  rate: number
}

const roles: Record<string, (options: RoleOptions) => Promise<void>> = {
  async sender({ count, endpoint }) {
    const source = new EventSource({ source: 'bench', connect: [endpoint], sendHighWaterMark: UNBOUNDED })
    await source.subscribed(EVENT_TYPE, { timeout: 10_000 })
    say({ ready: true })
    await told()
    const used = cpu()
    for (let n = 0; n < count; n++) {
      source.emit(EVENT_TYPE, hit(n))
      if (n % 500 === 499) await turn()
    }
    await turn()
    say({ sent: source.counters().sent, cpu: used() })
  },

  /** Emits with the default bounds, and watches its own memory meanwhile. */
  async watchedSender({ count, endpoint }) {
    const source = new EventSource({ source: 'bench', connect: [endpoint] })
    await source.subscribed(EVENT_TYPE, { timeout: 10_000 })
    say({ ready: true })
    await told()
    const memory: number[] = []
    for (let n = 0; n < count; n++) {
      source.emit(EVENT_TYPE, hit(n))
      if (n % 500 === 499) await turn()
      if (n % Math.floor(count / 20) === 0) memory.push(process.memoryUsage().rss)
    }
    say({ sent: source.counters().sent, memory })
    await pause(60_000)
  },

  async receiver({ count, endpoint }) {
    const events = subscribe({
      ...(endpoint ? { connect: [endpoint] } : { bind: ['tcp://127.0.0.1:0'] }),
      subscribe: [EVENT_TYPE],
      queueEvents: UNBOUNDED,
      queueBytes: '4GiB',
    })
    say({ ready: events.endpoints[0] ?? endpoint })
    const add = tally(count, () => ({
      lost: events.counters().lost,
      dropped: events.counters().dropped.overflow,
    }))
    for await (const batch of events) for (const event of batch) add(event.data as Hit)
  },

  /** Emits at a steady pace, each event with the time it was emitted at. */
  async pacedSender({ count, endpoint, rate }) {
    const source = new EventSource({ source: 'bench', connect: [endpoint] })
    await source.subscribed(EVENT_TYPE, { timeout: 10_000 })
    say({ ready: true })
    await told()
    const start = performance.now()
    let n = 0
    while (n < count) {
      const due = Math.min(count, Math.ceil(((performance.now() - start) / 1000) * rate))
      for (; n < due; n++) source.emit(EVENT_TYPE, { ...hit(n), emitted: monotonic() })
      await pause(1)
    }
    say({ sent: source.counters().sent })
  },

  async latencyReceiver({ count, endpoint }) {
    const events = subscribe({
      ...(endpoint ? { connect: [endpoint] } : { bind: ['tcp://127.0.0.1:0'] }),
      subscribe: [EVENT_TYPE],
    })
    say({ ready: events.endpoints[0] ?? endpoint })
    const latencies: number[] = []
    const add = tally(count, () => {
      latencies.sort((a, b) => a - b)
      const at = (share: number) =>
        latencies[Math.min(latencies.length - 1, Math.floor(share * latencies.length))]
      return { lost: events.counters().lost, p50: at(0.5), p99: at(0.99), max: latencies.at(-1) }
    })
    for await (const batch of events) {
      for (const event of batch) {
        const data = event.data as Hit & { emitted: number }
        latencies.push(monotonic() - data.emitted)
        add(data)
      }
    }
  },

  async router() {
    const router = new EventRouter({
      bindSources: ['tcp://127.0.0.1:0'],
      bindSinks: ['tcp://127.0.0.1:0'],
      sendHighWaterMark: UNBOUNDED,
    })
    say({ ready: router.sourceEndpoints[0], sinks: router.sinkEndpoints[0] })
    marks()
  },
}

await play(roles)
