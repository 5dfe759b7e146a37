import type { Bucket, Counts, Spreads, States, Values, Want } from './protocol.js'
import { COUNT, LAST, MAX, MIN, N, type NumberSeries, STATE, SUM, VALUES } from './series.js'
import type { Sketch } from './sketch.js'

/** Numbers for the page: so many digits as a graph can show, so that the text stays short. */
export function short(value: number): number {
  if (Number.isInteger(value)) return value
  const size = Math.abs(value)
  if (size >= 1000) return Math.round(value * 10) / 10
  if (size >= 1) return Math.round(value * 1e4) / 1e4
  return Number(value.toPrecision(5))
}

/** Gathers a bucket, series by series. */
export class BucketWriter {
  #counts: Counts = { i: [], n: [] }
  #values: Values = { i: [], n: [], sum: [], min: [], max: [], last: [] }
  #spreads: Spreads = { i: [], p50: [], p95: [], p99: [] }
  #states: States = { i: [], last: [] }
  #lost: Counts = { i: [], n: [] }
  #want: ReadonlySet<Want>

  constructor(want: ReadonlySet<Want>) {
    this.#want = want
  }

  /** What a series has in a place that has not been settled. */
  add(series: NumberSeries, place: number): void {
    const { i, live, columns } = series
    const at = series.at(place)
    if (columns === COUNT) {
      this.#counts.i.push(i)
      this.#counts.n.push(live[at]!)
    } else if (columns === STATE) {
      if (!this.#want.has('states')) return
      this.#states.i.push(i)
      this.#states.last.push(live[at + 1]!)
    } else if (columns === VALUES) {
      if (this.#want.has('values')) this.#addValues(i, live, at)
      const sketch = series.sketch(place)
      if (sketch && sketch.n > 0 && this.#want.has('spreads')) this.#addSpread(i, sketch)
    }
  }

  lost(i: number, n: number): void {
    if (n <= 0) return
    this.#lost.i.push(i)
    this.#lost.n.push(n)
  }

  /** The bucket; undefined when there is nothing in it and it is not asked for as such. */
  bucket(t: number, open: boolean, always: boolean): Bucket | undefined {
    const bucket: Bucket = open ? { t, open: true } : { t }
    if (this.#counts.i.length > 0) bucket.counts = this.#counts
    if (this.#values.i.length > 0) bucket.values = this.#values
    if (this.#spreads.i.length > 0) bucket.spreads = this.#spreads
    if (this.#states.i.length > 0) bucket.states = this.#states
    if (this.#lost.i.length > 0) bucket.lost = this.#lost
    return always || Object.keys(bucket).length > (open ? 2 : 1) ? bucket : undefined
  }

  #addValues(i: number, live: Float64Array, at: number): void {
    const table = this.#values
    table.i.push(i)
    table.n.push(live[at + N]!)
    table.sum.push(short(live[at + SUM]!))
    table.min.push(short(live[at + MIN]!))
    table.max.push(short(live[at + MAX]!))
    table.last.push(short(live[at + LAST]!))
  }

  #addSpread(i: number, sketch: Sketch): void {
    const table = this.#spreads
    table.i.push(i)
    table.p50.push(short(sketch.quantile(0.5)))
    table.p95.push(short(sketch.quantile(0.95)))
    table.p99.push(short(sketch.quantile(0.99)))
  }
}

/** Which series belong to what is wanted. */
export function isWanted({ subject }: NumberSeries, want: ReadonlySet<Want>, keys: boolean): boolean {
  if (subject.key !== undefined && !keys) return false
  // The events of a type are told always: losses refer to them.
  if (subject.field === undefined) return subject.key === undefined || want.has('counts')
  return want.has('values') || want.has('spreads') || want.has('states')
}
