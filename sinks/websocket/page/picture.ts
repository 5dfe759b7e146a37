import type { Span } from './marks.js'
import type { PanelLine, Reading } from './panels.js'
import { type Entry, identity, type Store } from './store.js'

/** What one picture shows. Times are seconds since 1970; NaN is a gap. */
export interface Picture {
  from: number
  to: number
  times: Float64Array
  /** For each line of the chart. */
  values: Float64Array[]
  /** What the scale has to hold, when that is more than these values. */
  extent?: [low: number, high: number]
  lost: Span[]
  unknown: Span[]
  /** Until then nobody knows whether events were lost. */
  blind?: number
}

/** Nothing is known of this time; unlike NaN, which says that there was no value. */
export const UNKNOWN = Number.POSITIVE_INFINITY

/** The number that a line shows for a bucket; NaN when there is none. */
export function read(store: Store, { columns }: Entry, reading: Reading, bucket: number): number {
  const { timeline } = store
  switch (reading) {
    case 'mean':
      return timeline.get(columns.sum, bucket) / timeline.get(columns.n, bucket)
    case 'rate':
      return store.known(bucket)
        ? ((timeline.get(columns.n, bucket) || 0) / timeline.step) * 1000
        : Number.NaN
    case 'increase':
      return store.known(bucket)
        ? ((timeline.get(columns.sum, bucket) || 0) / timeline.step) * 1000
        : Number.NaN
    default:
      return timeline.get(columns[reading], bucket)
  }
}

/** The numbers of a line in that store, which need not be the one that its entry comes from. */
export function entryIn(store: Store, { entry }: PanelLine): Entry {
  return store.entries.get(identity(entry.series)) ?? { series: entry.series, columns: {}, written: 0 }
}

/** Buffers of a chart, used again for every picture of the same length. */
export class PictureMaker {
  #times = new Float64Array(0)
  #values: Float64Array[] = []

  /**
   * @param from,to the window, milliseconds
   * @param end nothing after it is drawn: the last bucket that has ended, or where the user has paused
   */
  make(store: Store, type: string, lines: PanelLine[], from: number, to: number, end: number): Picture {
    const { timeline } = store
    const first = timeline.bucket(from)
    const beyond = Math.max(first, timeline.bucket(Math.min(to, end)))
    const length = beyond - first
    if (this.#times.length !== length) this.#times = new Float64Array(length)
    if (this.#values.length !== lines.length || this.#values[0]?.length !== length) {
      this.#values = lines.map(() => new Float64Array(length))
    }
    const half = timeline.step / 2
    for (let k = 0; k < length; k++) this.#times[k] = ((first + k) * timeline.step + half) / 1000
    lines.forEach((line, i) => {
      const column = this.#values[i]!
      const entry = entryIn(store, line)
      for (let k = 0; k < length; k++) {
        const bucket = first + k
        column[k] = store.known(bucket) ? read(store, entry, line.reading, bucket) : UNKNOWN
      }
    })
    return {
      from: from / 1000,
      to: to / 1000,
      times: this.#times,
      values: this.#values,
      lost: lostSpans(store, type, first, beyond),
      ...(store.lossesFrom > from && { blind: Math.min(store.lossesFrom, to) / 1000 }),
      unknown: unknownSpans(store, first, beyond, timeline.bucket(to)),
    }
  }
}

/** Least and greatest of all values that are there; low is above high when there is none. */
export function extentOf(
  values: Float64Array[],
  skip: (index: number) => boolean = () => false,
): [low: number, high: number] {
  let low = Number.POSITIVE_INFINITY
  let high = Number.NEGATIVE_INFINITY
  values.forEach((column, i) => {
    if (skip(i)) return
    for (const value of column) {
      if (value < low) low = value
      if (value > high && value !== UNKNOWN) high = value
    }
  })
  return [low, high]
}

/**
 * One picture that is handed out line by line to graphs of their own, so that all are of the same time and have one
 * scale. Whoever comes for a line again gets it from a new one.
 */
export class SharedPicture {
  #maker = new PictureMaker()
  #taken = new Set<number>()
  #whole: Picture | undefined

  take(line: number, make: (maker: PictureMaker) => Picture): Picture {
    if (this.#whole === undefined || this.#taken.has(line)) {
      this.#taken.clear()
      const whole = make(this.#maker)
      this.#whole = { ...whole, extent: extentOf(whole.values) }
    }
    this.#taken.add(line)
    return { ...this.#whole, values: this.#whole.values.slice(line, line + 1) }
  }
}

/** Neighbouring buckets with losses are one span. */
export function lostSpans(store: Store, type: string, first: number, beyond: number): Span[] {
  const spans: Span[] = []
  const { timeline, entries } = store
  const column = entries.get(identity({ type }))?.columns.lost
  if (!column) return spans
  let open: Span | undefined
  for (let bucket = first; bucket < beyond; bucket++) {
    const events = timeline.get(column, bucket)
    if (!(events > 0)) {
      open = undefined
      continue
    }
    if (!open) {
      open = { from: (bucket * timeline.step) / 1000, to: 0, events: 0 }
      spans.push(open)
    }
    open.to = ((bucket + 1) * timeline.step) / 1000
    open.events += events
  }
  return spans
}

/**
 * Holes in what is known, of two buckets or more; what was before anything was known is no hole. After the end of the
 * picture's data there is one when the data ended a while ago.
 */
function unknownSpans(store: Store, first: number, beyond: number, last: number): Span[] {
  const spans: Span[] = []
  const { step } = store.timeline
  let since = -1
  let begun = false
  for (let bucket = Math.max(first - 1, 0); bucket <= beyond; bucket++) {
    const known = bucket < beyond && store.known(bucket)
    if (known) {
      if (begun && since !== -1 && bucket - since > 1) {
        spans.push({ from: (since * step) / 1000, to: (bucket * step) / 1000, events: 0 })
      }
      begun = true
      since = -1
    } else if (since === -1) since = bucket
  }
  if (begun && since !== -1 && last - since > 4) {
    spans.push({ from: (since * step) / 1000, to: ((last + 1) * step) / 1000, events: 0 })
  }
  return spans
}

/**
 * How many buckets without a value a line may span: three times the usual distance of its values, since a gauge that
 * is read every two seconds has no hole every other second.
 */
export function reachOf(values: Float64Array): number {
  const distances = new Uint32Array(LONGEST_DISTANCE + 1)
  let previous = -1
  let seen = 0
  for (let i = 0; i < values.length; i++) {
    if (!Number.isFinite(values[i]!)) continue
    if (previous !== -1) {
      distances[Math.min(i - previous, LONGEST_DISTANCE)]!++
      seen++
    }
    previous = i
  }
  let usual = 1
  for (let passed = distances[1]!; passed * 2 < seen; passed += distances[usual]!) usual++
  return usual * 3
}

/** Buckets; values that are usually further apart are points rather than a line. */
const LONGEST_DISTANCE = 100

/** The value at a place, or the nearest one before it that its line still spans. */
export function valueAt(values: Float64Array, index: number): number {
  const reach = reachOf(values)
  for (let i = index; i >= 0 && index - i <= reach; i--) {
    if (values[i] === UNKNOWN) return Number.NaN
    if (Number.isFinite(values[i]!)) return values[i]!
  }
  return Number.NaN
}
