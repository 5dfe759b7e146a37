import type { Data, StormEvent, TypeHint } from '../../lib/index.js'
import { clipText } from './clip.js'
import { Field, FieldNode } from './fields.js'
import { TopKeys } from './keys.js'
import type { Secrets } from './secrets.js'
import { COUNT, type NumberSeries, STATE, type Subject, VALUES } from './series.js'

/** What a type needs from the whole. */
export interface Home {
  secrets: Secrets
  /** A new series; undefined when there are too many. */
  series(subject: Subject, columns: number): NumberSeries | undefined
  /** For what was lost of a type. */
  lostSeries(type: string): NumberSeries
  /** Something happened in a series for the first time in that place. */
  touched(series: NumberSeries, place: number): void
  /** What is known of a series has changed. */
  changed(series: NumberSeries): void
  removed(series: NumberSeries): void
  /** Counts what did not fit. */
  refused: { fields: number; keys: number; words: number }
  limits: { fields: number; keys: number }
  /** The present quarter of a second. */
  quarter: number
}

/** The series of one key. */
interface KeySeries {
  text: string
  events: NumberSeries | undefined
  fields: (NumberSeries | undefined)[]
  other: boolean
}

const MAX_DEPTH = 4
const MAX_ITEMS = 16
const MAX_MEMBERS = 256

/** Everything that is counted of a type of events. */
export class TypeState {
  readonly type: string
  readonly events: NumberSeries
  /** Events noticed as lost, in the same way; never among the series of a view. */
  lost: NumberSeries | undefined
  hint: TypeHint | undefined
  /** When an event of it last came, milliseconds since 1970. */
  seen = 0
  #home: Home
  #root = new FieldNode('', '', 0)
  #beyond = new FieldNode('\0', '\0', 0)
  #fields: Field[] = []
  #keyPaths: string[][] = []
  #keys: TopKeys<KeySeries> | undefined
  #key: KeySeries | undefined
  #source = ''

  constructor(type: string, home: Home, events: NumberSeries, hint: TypeHint | undefined) {
    this.type = type
    this.#home = home
    this.events = events
    this.#beyond.skip = true
    this.describe(hint)
  }

  get fields(): number {
    return this.#fields.length
  }

  get keys(): number {
    return this.#keys?.size ?? 0
  }

  /** A hint came, or another one. */
  describe(hint: TypeHint | undefined): void {
    const before = this.hint?.key?.join('\n')
    this.hint = hint
    for (const field of this.#fields) this.#redefine(field, hint?.fields?.[field.path])
    if (before === hint?.key?.join('\n')) return
    for (const key of this.#keys?.values() ?? []) this.#drop(key)
    const paths = (hint?.key ?? []).map((path) => path.split('.'))
    this.#keyPaths = paths.filter((path) => !path.some((name) => this.#home.secrets.has(name)))
    this.#keys = undefined
    if (this.#keyPaths.length === 0) return
    this.#keys = new TopKeys<KeySeries>(this.#home.limits.keys, (text, other) => this.#makeKey(text, other))
  }

  /** Counts an event into the place of its second. */
  add({ data, source }: StormEvent, place: number): void {
    const { quarter } = this.#home
    if (this.events.count(place, 1, quarter)) this.#home.touched(this.events, place)
    this.#key = undefined
    this.#source = source
    if (this.#keys !== undefined) {
      const key = this.#keys.at(this.#keyOf(data, source))
      this.#key = key.value
      const { events } = key.value
      if (events?.count(place, 1, quarter)) this.#home.touched(events, place)
    }
    if (data !== null && typeof data === 'object') this.#members(this.#root, data, place)
    // Data that are a value themselves are a field without a name.
    else if (data !== undefined && data !== null)
      this.#value(this.#root.child('value', 0, this.#make), data, place)
  }

  countLost(place: number, n: number): void {
    this.lost ??= this.#home.lostSeries(this.type)
    if (n > 0) {
      if (this.lost.count(place, n, this.#home.quarter)) this.#home.touched(this.lost, place)
      return
    }
    // What came late after all is taken off as far as it was counted in this very second.
    const counted = this.lost.n(place)
    this.lost.count(place, -Math.min(counted, -n), this.#home.quarter)
  }

  /** To be called now and then. */
  review(): void {
    this.#keys?.review((key) => this.#drop(key))
    if (this.#keys) this.#home.refused.keys += this.#keys.overflowed
    if (this.#keys) this.#keys.overflowed = 0
  }

  /** All of its series but that of what was lost. */
  *series(): Generator<NumberSeries> {
    yield this.events
    for (const field of this.#fields) if (field.series) yield field.series
    for (const key of this.#keys?.values() ?? []) {
      if (key.events) yield key.events
      for (const each of key.fields) if (each) yield each
    }
  }

  clear(): void {
    for (const each of this.series()) this.#home.removed(each)
    this.lost?.clear()
  }

  #members(node: FieldNode, data: object, place: number): void {
    if (Array.isArray(data)) {
      const end = Math.min(data.length, MAX_ITEMS)
      for (let i = 0; i < end; i++) this.#value(node.child(INDEXES[i]!, i, this.#make), data[i], place)
      return
    }
    let at = 0
    for (const name in data) {
      if (at >= MAX_MEMBERS) return
      const child = node.child(name, at++, this.#make)
      if (!child.skip) this.#value(child, (data as Record<string, Data>)[name], place)
    }
  }

  #value(node: FieldNode, value: Data, place: number): void {
    if (typeof value === 'number') this.#number(node, value, place)
    else if (typeof value === 'string') this.#word(node, value, place)
    else if (typeof value === 'boolean') this.#word(node, value ? 'true' : 'false', place)
    else if (typeof value === 'object' && value !== null && node.depth < MAX_DEPTH) {
      // Dates, bytes and BSON's own types are no documents.
      if (Array.isArray(value) || Object.getPrototypeOf(value) === Object.prototype)
        this.#members(node, value, place)
    }
  }

  #number(node: FieldNode, value: number, place: number): void {
    const field = node.field ?? this.#open(node, true)
    if (field === undefined || field.off || !Number.isFinite(value)) return
    if (field.kind === 'state') {
      this.#word(node, String(value), place)
      return
    }
    const own = this.#seriesOf(field)
    const keyed = this.#key && this.#keyedSeriesOf(field, this.#key)
    if (field.trend !== undefined) this.#watch(field, keyed ?? own, value)
    const amount =
      field.kind === 'counter' ? field.increase(`${this.#source}\0${this.#key?.text ?? ''}`, value) : value
    const { quarter } = this.#home
    if (own?.value(place, value, amount, quarter)) this.#home.touched(own, place)
    if (keyed?.value(place, value, amount, quarter)) this.#home.touched(keyed, place)
  }

  #word(node: FieldNode, text: string, place: number): void {
    const field = node.field ?? this.#open(node, false)
    if (field === undefined || field.off || field.kind !== 'state') return
    const before = field.words.length
    const word = field.word(text.length > 64 ? `${text.slice(0, 63)}…` : text)
    if (field.off) {
      this.#close(field)
      return
    }
    if (word === -1) this.#home.refused.words++
    const own = this.#seriesOf(field)
    const keyed = this.#key && this.#keyedSeriesOf(field, this.#key)
    const { quarter } = this.#home
    for (const series of [own, keyed]) {
      if (series === undefined) continue
      if (field.words.length > before) this.#home.changed(series)
      if (series.state(place, word, quarter)) this.#home.touched(series, place)
    }
  }

  #watch(field: Field, series: NumberSeries | undefined, value: number): void {
    if (series === undefined) return
    const { trend } = field
    if (trend!.isCounter(series, value)) this.#setKind(field, 'counter')
    if (trend!.decided) field.trend = undefined
  }

  /** A field of the type, unless there are too many. */
  #open(node: FieldNode, isNumber: boolean): Field | undefined {
    if (this.#fields.length >= this.#home.limits.fields) {
      this.#home.refused.fields++
      return undefined
    }
    const field = new Field(node.path, this.#fields.length, isNumber, this.hint?.fields?.[node.path])
    // A key's own value says nothing that the key does not say.
    if (this.hint?.key?.includes(node.path)) field.off = true
    if (!isNumber && field.kind !== 'state') field.off = true
    this.#fields.push(field)
    node.field = field
    return field
  }

  #redefine(field: Field, hint: Field['hint']): void {
    field.hint = hint
    field.off = hint?.show === 'hide' || (this.hint?.key?.includes(field.path) ?? false)
    if (field.off) this.#close(field)
    const wasState = field.kind === 'state'
    if (hint?.kind === undefined || hint.kind === field.kind) return
    // Numbers and words have columns of their own.
    if (wasState !== (hint.kind === 'state')) this.#close(field)
    field.trend = undefined
    this.#setKind(field, hint.kind)
  }

  #setKind(field: Field, kind: Field['kind']): void {
    field.kind = kind
    for (const series of this.#allOf(field)) {
      series.kind = kind
      if (field.spread) series.keepSpread()
      this.#home.changed(series)
    }
  }

  *#allOf(field: Field): Generator<NumberSeries> {
    if (field.series) yield field.series
    for (const key of this.#keys?.values() ?? []) {
      const series = key.fields[field.index]
      if (series) yield series
    }
  }

  #close(field: Field): void {
    for (const series of this.#allOf(field)) this.#home.removed(series)
    field.series = undefined
    for (const key of this.#keys?.values() ?? []) key.fields[field.index] = undefined
  }

  #seriesOf(field: Field): NumberSeries | undefined {
    field.series ??= this.#makeSeries(field, { type: this.type, field: field.path })
    return field.series
  }

  #keyedSeriesOf(field: Field, key: KeySeries): NumberSeries | undefined {
    const known = key.fields[field.index]
    if (known !== undefined) return known
    const subject = {
      type: this.type,
      field: field.path,
      key: key.text,
      ...(key.other ? { other: true as const } : {}),
    }
    const made = this.#makeSeries(field, subject)
    while (key.fields.length < field.index) key.fields.push(undefined)
    key.fields[field.index] = made
    return made
  }

  #makeSeries(field: Field, subject: Subject): NumberSeries | undefined {
    const series = this.#home.series(subject, field.kind === 'state' ? STATE : VALUES)
    if (series === undefined) return undefined
    series.kind = field.kind
    if (field.kind === 'state') series.words = field.words
    if (field.spread) series.keepSpread()
    this.#home.changed(series)
    return series
  }

  #makeKey(text: string, other: boolean): KeySeries {
    const subject = { type: this.type, key: text, ...(other ? { other: true as const } : {}) }
    return { text, other, events: this.#home.series(subject, COUNT), fields: [] }
  }

  #drop(key: KeySeries): void {
    if (key.events) this.#home.removed(key.events)
    for (const each of key.fields) if (each) this.#home.removed(each)
  }

  #keyOf(data: Data, source: string): string {
    let text = ''
    for (const path of this.#keyPaths) {
      let value: unknown = data
      if (path.length === 1 && path[0] === 'source') value = source
      else for (const name of path) value = (value as Record<string, unknown> | null | undefined)?.[name]
      const part =
        typeof value === 'string'
          ? value
          : typeof value === 'object' || value === undefined
            ? '–'
            : String(value)
      text = text === '' ? part : `${text} · ${part}`
    }
    return text.length > 64 ? clipText(this.#home.secrets.mask(text)) : this.#home.secrets.mask(text)
  }

  #make = (parent: FieldNode, name: string): FieldNode => {
    const path = parent.path === '' ? name : `${parent.path}.${name}`
    const known = this.#fields.length < this.#home.limits.fields && this.#nodes < 4 * this.#home.limits.fields
    if (!known || path.length > 256) {
      this.#home.refused.fields++
      return this.#beyond
    }
    this.#nodes++
    const node = new FieldNode(name, path, parent.depth + 1)
    node.skip = this.#home.secrets.has(name)
    return node
  }
  #nodes = 0
}

const INDEXES = Array.from({ length: MAX_ITEMS }, (_, i) => String(i))
