import type { Bucket, Counts, History, Row, Series, SeriesFrame, Strip, Tick, TypeInfo } from '../protocol.js'
import { ArrivalRate } from './arrival-rate.js'
import { Timeline } from './columns.js'

/** What a bucket may tell of a series. */
export type Measure = 'n' | 'sum' | 'min' | 'max' | 'last' | 'p50' | 'p95' | 'p99' | 'lost'

const MEASURES = ['n', 'sum', 'min', 'max', 'last', 'p50', 'p95', 'p99'] as const

/** A series with its numbers. It outlives the server: after a restart the same series goes on under another number. */
export interface Entry {
  series: Series
  columns: Partial<Record<Measure, Float32Array>>
  /** Last bucket in which something happened; 0: none. */
  written: number
}

/** Rows kept for the table. */
export const MOST_ROWS = 500

/** Entries of servers that are gone, kept beside those of the present one. */
const MOST_ENTRIES = 2000

export const identity = (series: Pick<Series, 'type' | 'field' | 'key'>): string =>
  JSON.stringify([series.type, series.field ?? null, series.key ?? null])

/**
 * Everything that the page knows: series and their buckets, types, rows. Ticks and history are merged into it by
 * (series, time), in whichever order they come. Knows nothing of sockets and of drawing.
 */
export class Store {
  readonly timeline: Timeline
  readonly types = new Map<string, TypeInfo>()
  readonly entries = new Map<string, Entry>()
  rows: Row[] = []
  strip: Strip | undefined
  arrivals = new ArrivalRate()
  /** Rows that were left out for this browser: by rate on the server, and by skipped ticks. */
  skipped = 0
  /** Series and types that the server left out. */
  hidden = 0
  epoch = 0
  /** Counts up with every change of the list of types and series. */
  revision = 0
  /** Of the time before it nobody knows whether events were lost, milliseconds. */
  lossesFrom = 0
  #numbers = new Map<number, Entry>()
  #known: Float32Array
  /** End of the last bucket that has ended, milliseconds. */
  complete = 0
  /** Begin of the first bucket of which anything is known, milliseconds. */
  since = Number.POSITIVE_INFINITY

  constructor(step: number, capacity: number) {
    this.timeline = new Timeline(step, capacity)
    this.#known = this.timeline.column()
  }

  /** Whether anything is known of that time; if so, a series without a value had none. */
  known(bucket: number): boolean {
    return this.timeline.get(this.#known, bucket) === 1
  }

  /** Another server, or the same one restarted: numbers mean something else, what is drawn stays. */
  begin(epoch: number, types: TypeInfo[]): void {
    if (epoch !== this.epoch) this.#numbers.clear()
    this.epoch = epoch
    this.#addTypes(types)
  }

  applySeries({ reset, add, del, types, hidden }: SeriesFrame): void {
    if (reset) this.#numbers.clear()
    this.#addTypes(types)
    for (const series of add) this.#enter(series)
    for (const i of del) {
      const entry = this.#numbers.get(i)
      this.#numbers.delete(i)
      if (entry) this.#forget(entry)
    }
    this.hidden = hidden
    this.revision++
  }

  applyTick({ now, strip, buckets, rows, skipped = 0 }: Tick): void {
    this.strip = strip
    this.arrivals.add(now, strip.total.n)
    this.skipped += skipped
    for (const bucket of buckets) {
      if (this.timeline.step === 1000) this.#applyBucket(bucket)
    }
    if (rows?.length) this.rows = [...rows, ...this.rows].slice(0, MOST_ROWS)
  }

  #applyBucket(bucket: Bucket): void {
    const at = this.timeline.bucket(bucket.t)
    if (!this.timeline.reach(at)) return
    this.timeline.set(this.#known, at, 1)
    this.since = Math.min(this.since, bucket.t)
    if (!bucket.open) this.complete = Math.max(this.complete, bucket.t + this.timeline.step)
    const { counts, values, spreads, states, lost } = bucket
    for (const table of [counts, values, spreads, states]) if (table) this.#writeTable(at, table)
    if (lost) this.#writeLost(at, lost)
  }

  #writeTable(at: number, table: { i: number[] }): void {
    for (const measure of MEASURES) {
      const column = (table as Partial<Record<Measure, number[]>>)[measure]
      if (!column) continue
      table.i.forEach((i, place) => {
        const entry = this.#numbers.get(i)
        if (entry) this.#write(entry, measure, at, column[place])
      })
    }
  }

  #writeLost(at: number, { i: numbers, n }: Counts): void {
    numbers.forEach((i, place) => {
      const entry = this.#numbers.get(i)
      if (entry) this.#write(entry, 'lost', at, n[place])
    })
  }

  /** Buckets that had not ended when the server answered are left to the ticks. */
  applyHistory(history: History): void {
    const { timeline } = this
    if (history.step !== timeline.step) return
    if (history.epoch !== this.epoch) return
    this.#addTypes(history.types)
    const first = timeline.bucket(history.from)
    const end = Math.min(timeline.bucket(history.to), timeline.bucket(history.now))
    if (end <= first) return
    timeline.reach(end - 1)
    const oldest = Math.max(first, timeline.head - timeline.capacity + 1)
    this.since = Math.min(this.since, oldest * timeline.step)
    for (let at = oldest; at < end; at++) timeline.set(this.#known, at, 1)
    this.complete = Math.max(this.complete, end * timeline.step)
    for (const { at, lostAt, lost, n, sum, min, max, last, p50, p95, p99, ...series } of history.series) {
      const entry = this.#enter(series)
      const columns = { n, sum, min, max, last, p50, p95, p99 }
      for (const measure of MEASURES) {
        const column = columns[measure]
        if (!column) continue
        at.forEach((place, k) => {
          const bucket = first + place
          if (bucket >= oldest && bucket < end) this.#write(entry, measure, bucket, column[k])
        })
      }
      lostAt?.forEach((place, k) => {
        const bucket = first + place
        if (bucket >= oldest && bucket < end) this.#write(entry, 'lost', bucket, lost?.[k])
      })
    }
    this.hidden = history.hidden
    this.revision++
  }

  /** What was lost of a type, told in buckets of whatever length, and from when on that is known. */
  applyLosses(type: string, { series, from, to, step }: History): void {
    this.lossesFrom = from < to ? from : Number.POSITIVE_INFINITY
    const entry = this.#enter({ i: -1, type })
    entry.columns.lost?.fill(Number.NaN)
    const mine = series.find((each) => each.field === undefined && each.key === undefined)
    mine?.lostAt?.forEach((place, k) => {
      const bucket = this.timeline.bucket(from + place * step)
      const before = this.timeline.get(entry.columns.lost, bucket) || 0
      this.#write(entry, 'lost', bucket, before + (mine.lost?.[k] ?? 0))
    })
  }

  #write(entry: Entry, measure: Measure, bucket: number, value: number | null | undefined): void {
    if (typeof value !== 'number') return
    let column = entry.columns[measure]
    if (!column) {
      column = this.timeline.column()
      entry.columns[measure] = column
    }
    this.timeline.set(column, bucket, value)
    if (bucket > entry.written && measure !== 'lost') entry.written = bucket
  }

  #enter(series: Series): Entry {
    const name = identity(series)
    let entry = this.entries.get(name)
    if (entry) entry.series = series
    else {
      entry = { series, columns: {}, written: 0 }
      this.entries.set(name, entry)
      if (this.entries.size > MOST_ENTRIES) this.#forgetOldest()
    }
    this.#numbers.set(series.i, entry)
    if (!this.types.has(series.type)) this.types.set(series.type, { type: series.type, rate: 0, seen: 0 })
    return entry
  }

  #forget(entry: Entry): void {
    for (const column of Object.values(entry.columns)) this.timeline.drop(column)
    this.entries.delete(identity(entry.series))
  }

  #forgetOldest(): void {
    const present = new Set(this.#numbers.values())
    for (const entry of this.entries.values()) {
      if (!present.has(entry)) this.#forget(entry)
    }
  }

  #addTypes(types: TypeInfo[]): void {
    for (const info of types) this.types.set(info.type, info)
    if (types.length > 0) this.revision++
  }

  /** Whether there ever was something of that type, if only losses. */
  hasHeard(type: string): boolean {
    return this.entries.has(identity({ type }))
  }

  /** When an event of that type last came, milliseconds since 1970; 0: none since the server started. */
  lastOf(type: string): number {
    const written = this.entries.get(identity({ type }))?.written ?? 0
    return Math.max(this.types.get(type)?.seen ?? 0, written * this.timeline.step)
  }

  /** Events of a type a second, over the last `buckets` that have ended before `end` (a bucket). */
  rate(type: string, end: number, buckets = 5): number {
    const entry = this.entries.get(identity({ type }))
    let sum = 0
    let known = 0
    for (let at = end - buckets; at < end; at++) {
      if (!this.known(at)) continue
      known++
      const n = this.timeline.get(entry?.columns.n, at)
      if (!Number.isNaN(n)) sum += n
    }
    // Rare events need a longer look.
    if (buckets === 5 && sum < 10) return this.rate(type, end, 60)
    return known === 0 ? Number.NaN : (sum / known / this.timeline.step) * 1000
  }
}
