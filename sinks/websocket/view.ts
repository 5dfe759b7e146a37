import { compilePatterns } from '../../lib/index.js'
import type { Aggregates } from './aggregates.js'
import { BucketWriter, isWanted } from './columns.js'
import type { Bucket, Hz, Series, SeriesFrame, Strip, Subscribe, Tick, TypeInfo, Want } from './protocol.js'
import type { Recent } from './recent.js'
import type { NumberSeries } from './series.js'

/** What many browsers look at in the same way. */
export interface ViewOptions {
  match: string[]
  want: Want[]
  hz: Exclude<Hz, 0>
  rows: number
  keys: boolean
}

/** What a subscription asks for, so that two that ask for the same share a view. */
export function viewOptions({ match, want, hz, rows = 20, keys = true }: Subscribe): ViewOptions {
  const sorted = <T extends string>(list: readonly T[]) => [...new Set(list)].sort()
  return { match: sorted(match), want: sorted(want), hz: hz === 4 ? 4 : 1, rows, keys }
}

/** A tick as it goes out, and what it is about, for those who do not get it. */
export interface EncodedTick {
  q: number
  bytes: Buffer
  /** The time that its buckets cover. */
  from: number
  to: number
  rows: number
}

/** A series that is new or has changed, the number of one that is gone, or a type of which something changed. */
type Change = NumberSeries | number | string

/** A series, for the page. */
export function seriesInfo({ i, subject, kind, words }: NumberSeries): Series {
  return { i, ...subject, ...(kind ? { kind } : {}), ...(words ? { states: words } : {}) }
}

/** A view: which series it has, and its ticks. */
export class View {
  readonly number: number
  readonly options: ViewOptions
  /** Number of the last tick. */
  q = 0
  /** Changes whenever the list of changes begins anew. */
  generation = 1
  #aggregates: Aggregates
  #limit: number
  #want: ReadonlySet<Want>
  #matches: (type: string) => boolean
  #verdicts = new Map<string, boolean>()
  #known = new Set<NumberSeries>()
  #hidden = new Set<NumberSeries>()
  #changes: Change[] = []
  /** Quarter of the last tick, and the last second that was told as ended. */
  #quarter: number
  #told: number
  #encoded = new Map<number, Buffer>()

  /** @throws PATTERN_INVALID */
  constructor(number: number, options: ViewOptions, aggregates: Aggregates, limit: number) {
    this.number = number
    this.options = options
    this.#aggregates = aggregates
    this.#limit = limit
    this.#want = new Set(options.want)
    this.#matches = compilePatterns(options.match).matches
    this.#quarter = aggregates.quarter - 1
    this.#told = aggregates.second - 1
    for (const type of aggregates.types.values()) {
      if (this.matches(type.type)) for (const series of type.series()) this.#has(series)
    }
    aggregates.listeners.add(this)
  }

  close(): void {
    this.#aggregates.listeners.delete(this)
  }

  /** Series that match and are left out. */
  get hidden(): number {
    return this.#hidden.size
  }

  get series(): number {
    return this.#known.size
  }

  matches(type: string): boolean {
    let verdict = this.#verdicts.get(type)
    if (verdict === undefined) {
      verdict = this.#matches(type)
      if (this.#verdicts.size > 50_000) this.#verdicts.clear()
      this.#verdicts.set(type, verdict)
    }
    return verdict
  }

  changed(series: NumberSeries): void {
    if (this.#known.has(series)) this.#log(series)
  }

  removed(series: NumberSeries): void {
    this.#hidden.delete(series)
    if (this.#known.delete(series)) this.#log(series.i)
  }

  described(type: string): void {
    if (this.matches(type)) this.#log(type)
  }

  /** Where the list of changes ends. */
  get changes(): number {
    return this.#changes.length
  }

  /** What changed among the series since a place in the list of changes, for all who are at that place. */
  seriesFrame(from: number, reset: boolean): Buffer {
    const known = reset ? undefined : this.#encoded.get(from)
    if (known) return known
    const add = new Map<number, Series>()
    const del = new Set<number>()
    const types = new Map<string, TypeInfo>()
    const tellType = (name: string) => {
      const info = types.has(name) ? undefined : this.#aggregates.infoOf(name)
      if (info) types.set(name, info)
    }
    for (const change of this.#changes.slice(reset ? 0 : from)) {
      if (typeof change === 'number') {
        if (!add.delete(change)) del.add(change)
      } else if (typeof change === 'string') tellType(change)
      else {
        add.set(change.i, seriesInfo(change))
        tellType(change.subject.type)
      }
    }
    const frame: SeriesFrame = {
      f: 'series',
      view: this.number,
      ...(reset ? { reset: true as const } : {}),
      add: [...add.values()],
      del: [...del],
      types: [...types.values()],
      hidden: this.hidden,
    }
    const bytes = Buffer.from(JSON.stringify(frame))
    if (!reset) this.#encoded.set(from, bytes)
    return bytes
  }

  /** The next tick. */
  tick(now: number, strip: Strip, recent: Recent): EncodedTick {
    const { second, oldest, quarter } = this.#aggregates
    const buckets: Bucket[] = []
    const last = this.options.hz === 4 ? second : second - 1
    for (let at = oldest; at <= last; at++) {
      const bucket = this.#bucket(at, at === second)
      if (bucket) buckets.push(bucket)
    }
    const tick: Tick = { f: 't', view: this.number, q: ++this.q, now, strip, buckets }
    const { rows, skipped } = this.#want.has('rows')
      ? recent.since(
          this.#quarter,
          (type) => this.matches(type),
          Math.ceil(this.options.rows / this.options.hz),
        )
      : { rows: [], skipped: 0 }
    if (skipped > 0) tick.skipped = skipped
    let json = JSON.stringify(tick)
    // Rows are JSON already.
    if (rows.length > 0) json = `${json.slice(0, -1)},"rows":[${rows.join(',')}]}`
    const from = buckets[0]?.t ?? this.#told * 1000
    this.#quarter = quarter
    this.#told = second - 1
    return { q: this.q, bytes: Buffer.from(json), from, to: (last + 1) * 1000, rows: rows.length }
  }

  #bucket(second: number, open: boolean): Bucket | undefined {
    const place = this.#aggregates.place(second)
    const writer = new BucketWriter(this.#want)
    const isNews = second > this.#told && !open
    for (const series of this.#aggregates.at(second)) {
      if (series.gone || (!isNews && series.changed(place) <= this.#quarter)) continue
      if (!this.matches(series.subject.type)) continue
      if (series.i === 0) this.#addLost(writer, series, place)
      else if (this.#has(series)) writer.add(series, place)
    }
    return writer.bucket(second * 1000, open, isNews)
  }

  #addLost(writer: BucketWriter, series: NumberSeries, place: number): void {
    const type = this.#aggregates.types.get(series.subject.type)
    if (type && this.#has(type.events)) writer.lost(type.events.i, series.n(place))
  }

  /** Whether the view has that series, which it gets when it fits in. */
  #has(series: NumberSeries): boolean {
    if (this.#known.has(series)) return true
    if (!isWanted(series, this.#want, this.options.keys)) return false
    if (this.#known.size >= this.#limit) {
      this.#hidden.add(series)
      return false
    }
    this.#known.add(series)
    this.#log(series)
    return true
  }

  #log(change: Change): void {
    this.#encoded.clear()
    this.#changes.push(change)
    if (this.#changes.length <= 1000 + 3 * this.#known.size) return
    this.#changes = [...this.#known]
    this.generation++
  }
}
