/** The programs of the bench of floods: a router, an honest source and sink that may have keys, and a stranger. */
import { setTimeout as pause } from 'node:timers/promises'
import { type Counters, EventRouter, EventSource, subscribe } from '../lib/index.js'
import { EVENT_TYPE, type Hit, hit } from './event.js'
import { type Attack, admitted, FLOODS } from './flood.js'
import { monotonic, play, say, told } from './role.js'

interface RoleOptions extends Attack {
  /** The router's options. */
  router: object
  /** Of whoever dials: its keys, if any. */
  keys: object
  endpoint: string
  rate: number
  flood: string
}

const roles: Record<string, (options: RoleOptions) => Promise<void>> = {
  async router({ router: options }) {
    const router = new EventRouter({
      bindSources: ['tcp://127.0.0.1:0'],
      bindSinks: ['tcp://127.0.0.1:0'],
      ...options,
    })
    process.on('message', ({ look }: { look?: boolean }) => {
      if (!look) return
      const { sourceConnections, sinkConnections, resets } = router.counters() as Counters &
        Record<string, unknown>
      const flood = [...router.streams()].find((stream) => stream.source === 'flood')
      say({
        peak: process.resourceUsage().maxRSS / 1024,
        resets,
        refused: [sourceConnections, sinkConnections].reduce(
          (sum: number, each) => sum + (each as { refused: number }).refused,
          0,
        ),
        ofFlood: { received: flood?.received ?? 0, lost: flood?.lost ?? 0 },
      })
    })
    say({ ready: router.sourceEndpoints[0], sinks: router.sinkEndpoints[0] })
  },

  /** Emits at a steady pace until it is told to stop. */
  async source({ endpoint, rate, keys }) {
    const source = new EventSource({ source: 'honest', connect: [endpoint], ...keys })
    await source.subscribed(EVENT_TYPE, { timeout: 10_000 })
    let going = true
    // A process that had to wait may read both words at once.
    process.on('message', ({ halt }: { halt?: boolean }) => {
      if (halt) going = false
    })
    say({ ready: true })
    await told()
    const start = performance.now()
    let n = 0
    do {
      await pause(1)
      const due = Math.ceil(((performance.now() - start) / 1000) * rate)
      for (; n < due; n++) source.emit(EVENT_TYPE, { ...hit(n), emitted: monotonic() })
    } while (going)
    await pause(1)
    say({ sent: source.counters().sent })
  },

  async sink({ endpoint, keys }) {
    const events = subscribe({ connect: [endpoint], subscribe: [EVENT_TYPE], ...keys })
    const latencies: number[] = []
    let received = 0
    process.on('message', ({ look }: { look?: boolean }) => {
      if (!look) return
      const sorted = latencies.toSorted((a, b) => a - b)
      const at = (share: number) => (sorted[Math.floor(share * sorted.length)] ?? Number.NaN) / 1000
      const { lost, dropped } = events.counters()
      say({ received, lost: lost + dropped.overflow, p50: at(0.5), p99: at(0.99) })
    })
    say({ ready: true })
    for await (const batch of events) {
      for (const { data } of batch) {
        received++
        latencies.push(monotonic() - (data as Hit & { emitted: number }).emitted)
      }
    }
  },

  /** Floods for some time, then says how much that was. */
  async stranger({ flood, ...attack }) {
    say({ ready: true })
    await told()
    say({ flooded: await (flood === 'admitted' ? admitted(attack) : FLOODS[flood]!(attack)) })
    // Its end is not part of it.
    await pause(60_000)
  },
}

await play(roles)
