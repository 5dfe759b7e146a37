import type { StormEvent, Stream, TypeHint } from '../../lib/index.js'
import { Budget } from './budget.js'
import type { Strip, TypeInfo } from './protocol.js'
import type { Secrets } from './secrets.js'
import { COUNT, NumberSeries, type Subject } from './series.js'
import { type Home, TypeState } from './type-state.js'

export interface AggregateLimits {
  types: number
  series: number
  fields: number
  keys: number
  /** Bytes of rings. */
  memory: number
  /** How late an event may be, whole seconds. */
  late: number
}

/** Told what comes and goes among the series. */
export interface SeriesListener {
  changed(series: NumberSeries): void
  removed(series: NumberSeries): void
  /** A type has another hint, or is expected. */
  described(type: string): void
}

/** Seconds between two reviews of keys. */
const REVIEW = 10
const SWEEP = 60
/** A type in which nothing happened for so long, seconds, is forgotten. */
const FORGET_AFTER = 86_400
/** And so long when there are nearly too many. */
const FORGET_SOON = 600

/** What happened, second by second, of all types. */
export class Aggregates implements Home {
  readonly secrets: Secrets
  readonly refused = { types: 0, series: 0, fields: 0, keys: 0, words: 0, late: 0, early: 0 }
  readonly memory: Budget
  readonly limits: AggregateLimits
  readonly types = new Map<string, TypeState>()
  readonly listeners = new Set<SeriesListener>()
  /** Number of series that there are, those of losses left out. */
  size = 0
  quarter = 1
  /** The present second, since 1970. */
  second = 0
  /** Seconds that may still change, and one more: the places that series have for them. */
  readonly places: number
  /** What there is in each place. */
  #touched: NumberSeries[][]
  #next = 1
  #lastType: TypeState | undefined
  /** Types that are known to exist and are not among `types`: when they were seen, and what the store has. */
  #silent = new Map<string, { seen: number; stored?: number }>()
  #hints = new Map<string, TypeHint>()
  #fixedHints: Record<string, TypeHint>
  #isWanted: (type: string) => boolean
  #newest = 0
  #lost = new WeakMap<Stream, number>()

  /** @param isWanted which types the sink has subscribed to */
  constructor(
    limits: AggregateLimits,
    secrets: Secrets,
    now: number,
    hints: Record<string, TypeHint> = {},
    isWanted: (type: string) => boolean = () => true,
  ) {
    this.limits = limits
    this.#isWanted = isWanted
    this.secrets = secrets
    this.places = limits.late + 2
    this.memory = new Budget(limits.memory)
    this.#touched = Array.from({ length: this.places }, () => [])
    this.#fixedHints = hints
    this.second = Math.floor(now / 1000)
  }

  /** Time of the newest event, milliseconds since 1970; 0 while there is none. */
  get newest(): number {
    return this.#newest
  }

  place(second: number): number {
    return second % this.places
  }

  /** The oldest second that may still change. */
  get oldest(): number {
    return this.second - this.limits.late
  }

  /** The series in which something happened in that second, which must not be older than `oldest`. */
  at(second: number): readonly NumberSeries[] {
    return this.#touched[this.place(second)]!
  }

  /** Goes on to the present: seconds that can no longer change are settled. */
  advance(now: number): void {
    const present = Math.floor(now / 1000)
    // A clock that was set back: the seconds go on where they are until it has caught up.
    const from = Math.max(this.second, present - this.places)
    if (from > this.second) for (let i = this.places - 1; i >= 0; i--) this.#settle(this.second - i)
    for (let second = from + 1; second <= present; second++) {
      this.#settle(second - this.places)
      this.second = second
      if (second % REVIEW === 0) for (const type of this.types.values()) type.review()
      if (second % SWEEP === 0) this.#sweep()
    }
  }

  /** @returns whether the event was in time */
  add(event: StormEvent): boolean {
    const ms = event.time.getTime()
    let second = Math.floor(ms / 1000)
    if (second > this.second) {
      second = this.second
      this.refused.early++
    } else if (ms > this.#newest) this.#newest = ms
    const type = this.#lastType?.type === event.type ? this.#lastType : this.#typeOf(event.type)
    if (type === undefined) return true
    this.#lastType = type
    type.seen = this.second * 1000
    if (second < this.oldest) {
      this.refused.late++
      return false
    }
    type.add(event, this.place(second))
    return true
  }

  /** A hint that came from a source; undefined takes it back. */
  describe(name: string, hint: TypeHint | undefined): void {
    if (hint === undefined) this.#hints.delete(name)
    else if (this.#hints.size < this.limits.types) this.#hints.set(name, hint)
    const type = this.types.get(name)
    const merged = this.hintOf(name)
    if (type === undefined) {
      if (hint !== undefined) this.expect(name)
      return
    }
    if (JSON.stringify(type.hint) === JSON.stringify(merged)) return
    type.describe(merged)
    for (const each of this.listeners) each.described(name)
  }

  /** There are events of that type, though none came; the store has its last one in the hour that begins at `stored`. */
  expect(name: string, stored?: number): void {
    if (this.types.has(name) || !this.#isWanted(name)) return
    const known = this.#silent.get(name)
    if (known === undefined && this.#silent.size >= this.limits.types) return
    this.#silent.set(name, { seen: 0, ...known, ...(stored !== undefined && { stored }) })
    for (const each of this.listeners) each.described(name)
  }

  /** What is known of a type, for the page. */
  infoOf(name: string): TypeInfo | undefined {
    const type = this.types.get(name)
    const silent = type ? undefined : this.#silent.get(name)
    if (silent === undefined && type === undefined) return undefined
    const hint = type ? type.hint : this.hintOf(name)
    return {
      type: name,
      ...(type ? { rate: this.rate(type), seen: type.seen } : { rate: 0, ...silent! }),
      ...(hint && { hint }),
    }
  }

  /** All types of which anything is known, those that are silent last. */
  *names(): Generator<string> {
    yield* this.types.keys()
    yield* this.#silent.keys()
  }

  /** What the configuration says goes before what the source says. */
  hintOf(type: string): TypeHint | undefined {
    const said = this.#hints.get(type)
    const fixed = this.#fixedHints[type]
    if (said === undefined || fixed === undefined) return fixed ?? said
    const fields = { ...said.fields }
    for (const [path, hint] of Object.entries(fixed.fields ?? {})) fields[path] = { ...fields[path], ...hint }
    return { ...said, ...fixed, ...(Object.keys(fields).length > 0 ? { fields } : {}) }
  }

  /** Counts what was lost since the last call, to the types it was lost from. */
  countLost(streams: Iterable<Stream>): void {
    for (const stream of streams) {
      const before = this.#lost.get(stream) ?? 0
      if (stream.lost === before) continue
      this.#lost.set(stream, stream.lost)
      if (stream.type.startsWith('_')) continue
      this.#typeOf(stream.type)?.countLost(this.place(this.second), stream.lost - before)
    }
  }

  rate(type: TypeState): number {
    return Math.round((type.events.total(this.second - 59, this.second) / 59) * 100) / 100
  }

  series(subject: Subject, columns: number): NumberSeries | undefined {
    if (this.size >= this.limits.series) {
      this.refused.series++
      return undefined
    }
    this.size++
    return new NumberSeries(this.#next++, subject, columns, this)
  }

  lostSeries(type: string): NumberSeries {
    return new NumberSeries(0, { type }, COUNT, this)
  }

  touched(series: NumberSeries, place: number): void {
    this.#touched[place]!.push(series)
  }

  changed(series: NumberSeries): void {
    for (const each of this.listeners) each.changed(series)
  }

  removed(series: NumberSeries): void {
    this.size--
    series.clear()
    for (const each of this.listeners) each.removed(series)
  }

  /** What the page's strip tells of the types. */
  strip(now: number): Pick<Strip, 'types' | 'age'> {
    return { types: this.types.size, age: this.#newest === 0 ? null : Math.max(0, now - this.#newest) }
  }

  #typeOf(name: string): TypeState | undefined {
    const known = this.types.get(name)
    if (known !== undefined) return known
    if (this.types.size >= this.limits.types) {
      this.refused.types++
      return undefined
    }
    const events = this.series({ type: name }, COUNT)
    if (events === undefined) return undefined
    const type = new TypeState(name, this, events, this.hintOf(name))
    this.types.set(name, type)
    this.#silent.delete(name)
    return type
  }

  #settle(second: number): void {
    const place = this.place(second)
    const list = this.#touched[place]!
    for (const series of list) series.settle(second, place)
    this.#touched[place] = []
  }

  #sweep(): void {
    const crowded = this.types.size > 0.9 * this.limits.types || this.size > 0.9 * this.limits.series
    const patience = crowded ? FORGET_SOON : FORGET_AFTER
    for (const [name, type] of this.types) {
      if (this.second - type.seen / 1000 > patience) {
        type.clear()
        this.types.delete(name)
        if (type.hint) this.#silent.set(name, { seen: type.seen })
        if (this.#lastType === type) this.#lastType = undefined
        continue
      }
      for (const series of type.series()) series.sweep(this.second)
      type.lost?.sweep(this.second)
    }
  }
}
