import type { Stream, SubscriptionCounters } from '../../lib/index.js'

export const SORT_KEYS = ['rate', 'received', 'lost', 'duplicate', 'type', 'source'] as const
export type SortKey = (typeof SORT_KEYS)[number]

/** What is known of all incarnations of one source, for one type. */
export interface Row {
  type: string
  source: string
  /** Events a second since the last look. */
  rate: number
  received: number
  lost: number
  duplicate: number
}

export interface Totals {
  rate: number
  received: number
  lost: number
  duplicate: number
  malformed: number
  /** By the own queue of `top`. */
  dropped: number
}

/** What an earlier look saw. */
interface Past {
  received: number
  /** Received, by the key of the row. */
  streams: Map<string, number>
  /** How long ago. */
  seconds: number
}

/** Turns growing counters into rates, one look after the other. */
export class TopTable {
  rows: Row[] = []
  totals: Totals = { rate: 0, received: 0, lost: 0, duplicate: 0, malformed: 0, dropped: 0 }
  #past: Past[] = []
  #looks: number

  /** @param looks how many looks a rate is the mean of: more are calmer, one is the latest */
  constructor(looks = 1) {
    this.#looks = looks
  }

  /** @param seconds since the last look */
  look(streams: Iterable<Stream>, counters: SubscriptionCounters, seconds: number): void {
    const rows = new Map<string, Row>()
    for (const { type, source, received, lost, duplicate } of streams) {
      const key = `${type}\n${source}`
      const row = rows.get(key) ?? { type, source, rate: 0, received: 0, lost: 0, duplicate: 0 }
      row.received += received
      row.lost += lost
      row.duplicate += duplicate
      rows.set(key, row)
    }
    for (const past of this.#past) past.seconds += seconds
    const oldest = this.#past[0] ?? { received: 0, streams: new Map(), seconds }
    const rate = (now: number, then = 0) => {
      // Streams are forgotten when there are too many, and then a sum gets smaller.
      return Math.max(0, now - then) / oldest.seconds
    }
    for (const [key, row] of rows) row.rate = rate(row.received, oldest.streams.get(key))
    this.rows = [...rows.values()]
    const { received, lost, duplicate, malformed, dropped } = counters
    this.totals = {
      rate: rate(received, oldest.received),
      received,
      lost,
      duplicate,
      malformed: sum(malformed),
      dropped: sum(dropped),
    }
    const seen = new Map([...rows].map(([key, row]) => [key, row.received]))
    this.#past.push({ received, streams: seen, seconds: 0 })
    if (this.#past.length > this.#looks) this.#past.shift()
  }

  /** Numbers from the largest down, names from A to Z. */
  sorted(by: SortKey): Row[] {
    const byName = (a: Row, b: Row) => compare(a.type, b.type) || compare(a.source, b.source)
    return this.rows.toSorted((a, b) => {
      if (by === 'type') return byName(a, b)
      if (by === 'source') return compare(a.source, b.source) || byName(a, b)
      return b[by] - a[by] || byName(a, b)
    })
  }
}

function sum(counts: Record<string, number>): number {
  return Object.values(counts).reduce((total, each) => total + each, 0)
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}
