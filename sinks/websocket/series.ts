import type { Budget } from './budget.js'
import type { FieldKind } from './protocol.js'
import { Ring } from './ring.js'
import { Sketch } from './sketch.js'

/** What is kept of a bucket: so many columns. */
export const COUNT = 1
export const STATE = 2
export const VALUES = 5
export const SPREAD = 8

/** Where the columns of values are; the percentiles follow. */
export const N = 0
export const SUM = 1
export const MIN = 2
export const MAX = 3
export const LAST = 4

const SECOND = 1000
export const COARSE = 10
/** How many buckets of a second and of ten seconds are kept: an hour and a day. */
const FINE_LENGTH = 3600
const COARSE_LENGTH = 8640
export const TIERS = [
  { step: SECOND, length: FINE_LENGTH * SECOND },
  { step: COARSE * SECOND, length: COARSE_LENGTH * COARSE * SECOND },
]

/** What the series of one sink share. */
export interface Surroundings {
  memory: Budget
  /** Seconds that may still change, each in a place of its own. */
  places: number
}

const NOTHING = new Float64Array(0)

/** What a series is about. */
export interface Subject {
  type: string
  field?: string
  key?: string
  other?: true
}

/**
 * The numbers of one series: exact for the last seconds, which may still change, and as columns of rings from there
 * on. A second lives in the place `second % places` until it is `settle`d.
 */
export class NumberSeries {
  readonly i: number
  readonly subject: Subject
  kind: FieldKind | undefined
  /** Of a state: the words, which all series of a field share. */
  words: string[] | undefined
  readonly columns: number
  /** A row for each place: its columns, and the quarter of a second in which it changed last. None while it rests. */
  live = NOTHING
  /** It is over; whoever still has it lets it be. */
  gone = false
  /** Second that was settled last with something in it. */
  last = 0
  #places: number
  #sketches: (Sketch | undefined)[] | undefined
  #fine: Ring
  #coarse: Ring
  /** The ten seconds that are being gathered. */
  #tenAt = 0
  #ten: Float64Array | undefined
  #tenSketch: Sketch | undefined

  constructor(i: number, subject: Subject, columns: number, { memory, places }: Surroundings) {
    this.i = i
    this.subject = subject
    this.columns = columns
    this.#places = places
    this.#fine = new Ring(FINE_LENGTH, memory)
    this.#coarse = new Ring(COARSE_LENGTH, memory)
  }

  /** Whether percentiles are kept. */
  get spread(): boolean {
    return this.#sketches !== undefined
  }

  /** From now on percentiles are kept. */
  keepSpread(): void {
    this.#sketches ??= []
  }

  /** Where the row of a place begins. */
  at(place: number): number {
    return place * (this.columns + 1)
  }

  /** How many there are in a place. */
  n(place: number): number {
    return this.live[this.at(place)] ?? 0
  }

  /** When a place changed last, as the number of a quarter of a second. */
  changed(place: number): number {
    return this.live[this.at(place) + this.columns] ?? 0
  }

  /** Counts `n` more. Returns whether they are the first ones in that place. */
  count(place: number, n: number, quarter: number): boolean {
    const at = this.#wake(place, quarter)
    const before = this.live[at]!
    this.live[at] = before + n
    return before === 0
  }

  state(place: number, word: number, quarter: number): boolean {
    const at = this.#wake(place, quarter)
    const first = this.live[at] === 0
    this.live[at]!++
    this.live[at + 1] = word
    return first
  }

  /** @param amount what is added to the sum: the value, or a counter's increase */
  value(place: number, value: number, amount: number, quarter: number): boolean {
    const at = this.#wake(place, quarter)
    const { live } = this
    const first = live[at] === 0
    live[at]!++
    live[at + SUM]! += amount
    if (first || value < live[at + MIN]!) live[at + MIN] = value
    if (first || value > live[at + MAX]!) live[at + MAX] = value
    live[at + LAST] = value
    if (this.#sketches !== undefined) {
      const sketch = this.#sketches[place] ?? new Sketch()
      this.#sketches[place] = sketch
      sketch.add(value)
    }
    return first
  }

  sketch(place: number): Sketch | undefined {
    return this.#sketches?.[place]
  }

  /** The second will not change any more: into the rings with it. */
  settle(second: number, place: number): void {
    if (this.n(place) === 0 || this.gone) return
    const at = this.at(place)
    const row = this.live.subarray(at, at + this.columns)
    this.last = second
    const sketch = this.#sketches?.[place]
    this.#fine.write(second, withSpread(row, sketch), sketch ? SPREAD : this.columns)
    this.#gather(Math.floor(second / COARSE), row, sketch)
    row.fill(0)
    sketch?.clear()
  }

  /** Gives back what is too old, and what a series in which nothing happens need not have. */
  sweep(second: number): void {
    this.#fine.sweep(second)
    this.#coarse.sweep(Math.floor(second / COARSE))
    if (second - this.last < 60 || this.#isLive()) return
    this.#flushTen()
    this.#ten = this.#tenSketch = undefined
    this.live = NOTHING
    if (this.#sketches) this.#sketches = []
  }

  /** Gives back everything; the series is over. */
  clear(): void {
    this.gone = true
    this.#fine.clear()
    this.#coarse.clear()
  }

  /** Events from second `from` up to but without `to`, settled ones and those that still may change. */
  total(from: number, to: number): number {
    let sum = 0
    this.#fine.read(from, to, (_, values, at) => {
      sum += values[at]!
    })
    // What has not been settled is newer than all that was.
    for (let second = Math.max(from, this.last + 1, to - this.#places); second < to; second++) {
      sum += this.n(second % this.#places)
    }
    return sum
  }

  /**
   * Calls with each settled bucket in which something happened, oldest first. Buckets are numbered from 1970 in steps
   * of `step` seconds, 1 or 10.
   */
  read(step: number, from: number, to: number, call: (bucket: number, row: ArrayLike<number>) => void): void {
    const ring = step === 1 ? this.#fine : this.#coarse
    ring.read(from, to, (bucket, values, at, columns) => call(bucket, values.subarray(at, at + columns)))
    if (step > 1 && this.#ten && this.#ten[N]! > 0 && this.#tenAt >= from && this.#tenAt < to)
      call(this.#tenAt, withSpread(this.#ten, this.#tenSketch))
  }

  /** Whether there is anything that has not been settled. */
  #isLive(): boolean {
    for (let place = 0; place < this.#places; place++) if (this.n(place) !== 0) return true
    return false
  }

  /** A place is written: where its row begins. */
  #wake(place: number, quarter: number): number {
    const wide = this.columns + 1
    if (this.live === NOTHING) this.live = new Float64Array(this.#places * wide)
    this.live[place * wide + this.columns] = quarter
    return place * wide
  }

  #gather(ten: number, row: Float64Array, sketch: Sketch | undefined): void {
    if (ten !== this.#tenAt) this.#flushTen()
    this.#tenAt = ten
    this.#ten ??= new Float64Array(this.columns)
    addRow(this.#ten, row)
    if (sketch) {
      this.#tenSketch ??= new Sketch()
      this.#tenSketch.merge(sketch)
    }
  }

  #flushTen(): void {
    if (this.#ten === undefined || this.#ten[N] === 0) return
    const spread = this.#tenSketch !== undefined && this.#tenSketch.n > 0
    this.#coarse.write(this.#tenAt, withSpread(this.#ten, this.#tenSketch), spread ? SPREAD : this.columns)
    this.#ten.fill(0)
    this.#tenSketch?.clear()
  }
}

/** Adds a later row to an earlier one. */
export function addRow(sum: Float64Array, row: ArrayLike<number>): void {
  const first = sum[N] === 0
  sum[N]! += row[N]!
  if (sum.length === STATE) sum[1] = row[1]!
  if (sum.length < VALUES) return
  sum[SUM]! += row[SUM]!
  sum[MIN] = first ? row[MIN]! : Math.min(sum[MIN]!, row[MIN]!)
  sum[MAX] = first ? row[MAX]! : Math.max(sum[MAX]!, row[MAX]!)
  sum[LAST] = row[LAST]!
}

const wide = new Float64Array(SPREAD)

/** A row with its percentiles; valid until the next call. */
export function withSpread(row: Float64Array, sketch: Sketch | undefined): Float64Array {
  if (sketch === undefined || sketch.n === 0) return row
  wide.set(row)
  wide[VALUES] = sketch.quantile(0.5)
  wide[VALUES + 1] = sketch.quantile(0.95)
  wide[VALUES + 2] = sketch.quantile(0.99)
  return wide
}
