import { compilePatterns } from '../../lib/index.js'
import type { Aggregates } from './aggregates.js'
import { isWanted, short } from './columns.js'
import type { History, SeriesHistory, TypeInfo, Want } from './protocol.js'
import {
  addRow,
  COARSE,
  COUNT,
  LAST,
  MAX,
  MIN,
  N,
  type NumberSeries,
  SPREAD,
  STATE,
  SUM,
  TIERS,
  VALUES,
  withSpread,
} from './series.js'
import type { TypeState } from './type-state.js'
import { seriesInfo } from './view.js'

export interface HistoryQuestion {
  match: string[]
  want: Want[]
  from: number
  to: number
  step: number
  keys: boolean
}

const WANTS: readonly Want[] = ['counts', 'values', 'spreads', 'states']
const DEFAULT_SPAN = 300_000

/** A question from the parameters of a URL; what is not told or wrong has its default. @throws PATTERN_INVALID */
export function historyQuestion(given: URLSearchParams, now: number): HistoryQuestion {
  const time = (name: string, otherwise: number) => {
    const text = given.get(name)
    const value = text === null || text === '' ? Number.NaN : Number(text)
    return Number.isFinite(value) ? Math.floor(value) : otherwise
  }
  const match = given.getAll('match').slice(0, 64)
  const want = given.getAll('want').filter((each): each is Want => WANTS.includes(each as Want))
  const to = Math.min(time('to', now), now)
  return {
    match: match.length > 0 ? match : ['**'],
    want: want.length > 0 ? want : [...WANTS],
    to,
    from: time('from', to - DEFAULT_SPAN),
    step: time('step', TIERS[0]!.step),
    keys: given.get('keys') !== '0',
  }
}

/** What is known of a time that is past. The present second is left out. */
export function history(
  aggregates: Aggregates,
  { match, want: wanted, from: asked, to, step: askedStep, keys }: HistoryQuestion,
  { epoch, now, limit }: { epoch: number; now: number; limit: number },
): History {
  const { matches } = compilePatterns(match)
  const want = new Set(wanted)
  const tier = TIERS.find((each) => each.step >= askedStep && asked >= now - each.length) ?? TIERS.at(-1)!
  const seconds = tier.step / 1000
  const first = Math.ceil(Math.max(asked, now - tier.length, epoch - tier.step) / tier.step)
  const end = Math.max(first, Math.min(Math.ceil(to / tier.step), Math.ceil(aggregates.second / seconds)))
  const reader = new Reader(aggregates, seconds, first, end)
  const series: SeriesHistory[] = []
  const types: TypeInfo[] = []
  let hidden = 0
  for (const name of aggregates.names()) {
    if (!matches(name)) continue
    types.push(aggregates.infoOf(name)!)
    const type = aggregates.types.get(name)
    if (type === undefined) continue
    for (const each of type.series()) {
      if (!isWanted(each, want, keys)) continue
      if (series.length >= limit) hidden++
      else series.push(reader.read(each, type))
    }
  }
  return {
    epoch,
    now,
    step: tier.step,
    from: first * tier.step,
    to: end * tier.step,
    hidden,
    series,
    types,
  }
}

/** Reads the buckets of series between two times: settled ones from the rings, the last seconds from where they live. */
class Reader {
  #aggregates: Aggregates
  #seconds: number
  #first: number
  #end: number

  constructor(aggregates: Aggregates, seconds: number, first: number, end: number) {
    this.#aggregates = aggregates
    this.#seconds = seconds
    this.#first = first
    this.#end = end
  }

  read(series: NumberSeries, type: TypeState): SeriesHistory {
    const found: SeriesHistory = { ...seriesInfo(series), at: [] }
    const { columns } = series
    if (columns !== STATE) found.n = []
    if (columns === STATE) found.last = []
    if (columns === VALUES) Object.assign(found, { sum: [], min: [], max: [], last: [] })
    if (series.spread) Object.assign(found, { p50: [], p95: [], p99: [] })
    this.#each(series, (bucket, row) => push(found, bucket - this.#first, row, columns))
    if (series === type.events) this.#addLost(found, type)
    return found
  }

  #addLost(found: SeriesHistory, type: TypeState): void {
    const lostAt: number[] = []
    const lost: number[] = []
    if (type.lost === undefined) return
    this.#each(type.lost, (bucket, row) => {
      lostAt.push(bucket - this.#first)
      lost.push(row[N]!)
    })
    if (lost.length > 0) Object.assign(found, { lostAt, lost })
  }

  #each(series: NumberSeries, call: (bucket: number, row: ArrayLike<number>) => void): void {
    const { second, places } = this.#aggregates
    // The last bucket of a ring and the seconds that still live may be parts of the same ten seconds.
    let open: { bucket: number; row: Float64Array } | undefined
    const pass = (bucket: number, row: ArrayLike<number>, merge: boolean) => {
      if (open && open.bucket !== bucket) {
        call(open.bucket, open.row)
        open = undefined
      }
      if (!merge) call(bucket, row)
      else if (open) addRow(open.row.length > row.length ? open.row.subarray(0, row.length) : open.row, row)
      else open = { bucket, row: Float64Array.from(row) }
    }
    const livingFrom = Math.floor((second - places + 1) / this.#seconds)
    series.read(this.#seconds, this.#first, this.#end, (bucket, row) =>
      pass(bucket, row, this.#seconds === COARSE && bucket >= livingFrom),
    )
    for (let at = second - places + 1; at < second; at++) {
      const bucket = Math.floor(at / this.#seconds)
      if (bucket < this.#first || bucket >= this.#end) continue
      const place = ((at % places) + places) % places
      if (series.n(place) <= 0) continue
      const start = series.at(place)
      const row = series.live.subarray(start, start + series.columns)
      pass(bucket, withSpread(row, series.sketch(place)), this.#seconds === COARSE)
    }
    if (open) call(open.bucket, open.row)
  }
}

function push(found: SeriesHistory, at: number, row: ArrayLike<number>, columns: number): void {
  found.at.push(at)
  if (columns === COUNT) found.n!.push(row[N]!)
  else if (columns === STATE) found.last!.push(row[1]!)
  else {
    found.n!.push(row[N]!)
    found.sum!.push(short(row[SUM]!))
    found.min!.push(short(row[MIN]!))
    found.max!.push(short(row[MAX]!))
    found.last!.push(short(row[LAST]!))
    if (found.p50) {
      const spread = row.length >= SPREAD
      found.p50.push(spread ? short(row[VALUES]!) : short(row[LAST]!))
      found.p95!.push(spread ? short(row[VALUES + 1]!) : short(row[MAX]!))
      found.p99!.push(spread ? short(row[VALUES + 2]!) : short(row[MAX]!))
    }
  }
}
