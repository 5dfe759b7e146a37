/** Many sources in one process and many sinks in another, for `fan-out` and `scale`: `node bus-roles.js <role> <options as JSON>`. */
import { setTimeout as pause, setImmediate as turn } from 'node:timers/promises'
import * as zmq from 'zeromq'
import { EventSource, type Message, subscribe } from '../lib/index.js'
import type { BusOptions } from './bus.js'
import { marks, play, say, UNBOUNDED, Window } from './role.js'

type RoleOptions = BusOptions & { endpoint: string; part: number; parts: number }

/** Heard by every sink before anything is measured. */
const PROBE = 'scale.probe'
/** Events that may be on the way to the slowest sink, and how often it is told where that one is. */
const WINDOW = 20_000

/** A type in ten groups, for sinks that ask for whole groups. */
const typeOf = (i: number) => `scale.g${i % 10}.t${i}`

/** Patterns that together bring every type. */
function patternsOf({ subscriptions, types }: RoleOptions): string[] {
  if (subscriptions === 1) return ['scale.**']
  if (subscriptions === 10) return Array.from({ length: 10 }, (_, i) => `scale.g${i}.**`)
  return Array.from({ length: subscriptions }, (_, i) => typeOf(i % types))
}

const roles: Record<string, (options: RoleOptions) => Promise<void>> = {
  /** Emits `row` events of a type in a row, then the next type, then the next source. */
  async sources({ endpoint, sources, types, row, bytes, part, parts }) {
    // Each has a socket and one that watches it.
    zmq.context.maxSockets = 8192
    const all = Array.from(
      { length: sources },
      (_, i) =>
        new EventSource({
          source: `bench-${i}`,
          connect: [endpoint],
          batchEvents: 100,
          sendHighWaterMark: UNBOUNDED,
        }),
    )
    for (const source of all) await source.subscribed(PROBE, { timeout: 30_000 })
    say({ ready: true })
    marks()
    const window = new Window(WINDOW / parts)
    let probing = true
    let goal: number | undefined
    process.on('message', (message: { heard?: boolean; upTo?: number }) => {
      if (message.heard) probing = false
      goal = message.upTo ?? goal
    })
    while (probing) {
      all[0]!.emit(PROBE, {})
      await pause(10)
    }
    const names = Array.from({ length: types }, (_, i) => typeOf(i))
    const data = { n: 0, method: 'GET', status: 200, took: 0.5, pad: 'x'.repeat(Math.max(0, bytes - 100)) }
    let n = 0
    let rows = part
    let sinceTurn = 0
    for (;;) {
      while (goal === undefined || n >= goal) await pause(1)
      await window.room(n)
      const source = all[rows % sources]!
      const type = names[Math.floor(rows / sources) % types]!
      for (let i = 0; i < row && n < goal; i++) {
        data.n = n++
        source.emit(type, data)
      }
      rows++
      sinceTurn += row
      if (sinceTurn >= 500 || n >= goal) {
        sinceTurn = 0
        await turn()
        if (n >= goal) say({ sent: n })
      }
    }
  },

  async sinks(options) {
    const { endpoint, sinks, look, parts } = options
    const counts = new Float64Array(sinks)
    const sums = new Float64Array(sinks)
    let told = 0
    let heard = 0
    let goal: number | undefined
    const all = Array.from({ length: sinks }, () =>
      subscribe({
        connect: [endpoint],
        subscribe: [PROBE, ...patternsOf(options)],
        queueEvents: UNBOUNDED,
        queueBytes: '4GiB',
      }),
    )
    const check = () => {
      const least = counts.reduce((a, b) => Math.min(a, b))
      if (least - told >= WINDOW / 10) {
        told = least
        say({ taken: Math.floor(least / parts) })
      }
      if (goal === undefined || least < goal) return
      goal = undefined
      const lost = all.reduce((sum, each) => sum + each.counters().lost, 0)
      say({ arrived: [...counts], sums: [...sums], lost })
    }
    process.on('message', ({ upTo }: { upTo?: number }) => {
      goal = upTo ?? goal
      check()
    })
    say({ ready: true })
    marks()
    for (const [i, sink] of all.entries()) {
      let first = true
      void (async () => {
        for await (const batch of sink) {
          if (first) {
            first = false
            heard++
            if (heard === sinks) say({ heard: true })
          }
          if (look === 'all') {
            for (const { type, data } of batch) {
              if (type === PROBE) continue
              counts[i]! += 1
              sums[i]! += (data as { n: number }).n
            }
          } else {
            for (const message of batch.messages) {
              if (message.type === PROBE) continue
              counts[i]! += message.count
              sums[i]! += numbersIn(message)
            }
          }
          check()
        }
      })()
    }
  },
}

/** Where the number stands in an event whose data begins with it, see throughput-roles.ts. */
const NUMBER_AT = 31

function numbersIn({ body, offset, count }: Message): number {
  let sum = 0
  for (let i = 0, at = offset; i < count; i++) {
    sum += body.readInt32LE(at + NUMBER_AT)
    at += body.readInt32LE(at)
  }
  return sum
}

await play(roles)
