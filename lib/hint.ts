/*
 * How events like to be shown. A source declares it, the framework sends it on the reserved type `_meta.<type>`, and a
 * sink that draws reads it with `readHint`: what comes over the wire is a stranger's.
 */

const FIELD_KINDS = ['duration', 'gauge', 'counter', 'amount', 'state'] as const
/** A time that something took; a value that goes up and down; a total that only grows; an amount per event; a word. */
export type FieldKind = (typeof FIELD_KINDS)[number]

const SHOWS = ['line', 'area', 'stacked', 'bars', 'heat', 'stat', 'state', 'table', 'hide'] as const
export type Show = (typeof SHOWS)[number]

const AGGREGATES = ['sum', 'mean', 'min', 'max', 'last', 'p50', 'p95', 'p99'] as const
/** How several values become one. */
export type Aggregate = (typeof AGGREGATES)[number]

/** How a field of the data likes to be shown. */
export interface FieldHint {
  title?: string
  /** `ms`, `s`, `B`, `%`, `B/s`, or any short word that stands behind the number. */
  unit?: string
  kind?: FieldKind
  show?: Show
  aggregate?: Aggregate
  /** Digits behind the point, 0 to 9. */
  decimals?: number
  /** The ends of the axis. */
  min?: number
  max?: number
  /** Thresholds, in the field's own unit. */
  warn?: number
  critical?: number
  /** On which side of a threshold it is good. Default: low. */
  better?: 'low' | 'high'
  /** Index into a palette, 0 to 11. */
  color?: number
}

/** How events of a type like to be shown. */
export interface TypeHint {
  title?: string
  /** A sentence. */
  description?: string
  /** Types of one group stand together under its name. */
  group?: string
  /** Types with a lower number come first. Default: 100. */
  order?: number
  show?: Show
  color?: number
  /** Fields by whose values the type is split, at most 3; `source` is the event's source. */
  key?: string[]
  /** Columns of a table of events, in order: fields, or `time`, `type`, `source`, `seq`. At most 12. */
  columns?: string[]
  /** Silent for longer than this (milliseconds) means that something is wrong. */
  stale?: number
  /** By path in the data, such as `request_time` or `cpu.usage`; at most 64. The first one is the main value. */
  fields?: Record<string, FieldHint>
}

/** The reserved type on which hints about `type` travel. */
export const hintType = (type: string) => `_meta.${type}`

/** The type that a hint is about, or undefined when the events of `type` are no hints. */
export const typeOfHint = (type: string) => (type.startsWith('_meta.') ? type.slice(6) : undefined)

const MAX_NAME = 60
const MAX_TITLE = 120
const MAX_SENTENCE = 256
const MAX_FIELDS = 64
const LONGEST = 1e15

type Read<T> = (value: unknown) => T | undefined

// Control characters, and those that turn the direction of what follows.
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is taken out
const UNSHOWN = /[\0-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069\ufffe\uffff]/g

const text =
  (limit: number): Read<string> =>
  (value) => {
    if (typeof value !== 'string') return undefined
    const clean = value
      .slice(0, 4 * limit)
      .replace(UNSHOWN, '')
      .trim()
    return clean === '' ? undefined : clean.length > limit ? `${clean.slice(0, limit - 1)}…` : clean
  }

const number =
  (from: number, to: number): Read<number> =>
  (value) =>
    typeof value === 'number' && value >= from && value <= to ? value : undefined

const index =
  (end: number): Read<number> =>
  (value) =>
    Number.isInteger(value) ? number(0, end)(value) : undefined

const oneOf =
  <T extends string>(words: readonly T[]): Read<T> =>
  (value) =>
    words.find((word) => word === value)

const texts =
  (count: number): Read<string[]> =>
  (value) => {
    if (!Array.isArray(value)) return undefined
    const good = value.slice(0, count).map(text(MAX_SENTENCE))
    return good.length > 0 && good.every((each) => each !== undefined) ? (good as string[]) : undefined
  }

type Readers<T> = { [K in keyof T]-?: Read<NonNullable<T[K]>> }

/** The members that are known and good; undefined when there is none. */
function members<T>(value: unknown, readers: Readers<T>): T | undefined {
  if (value === null || typeof value !== 'object') return undefined
  const read: Record<string, unknown> = {}
  for (const [name, reader] of Object.entries(readers) as [string, Read<unknown>][]) {
    const good = Object.hasOwn(value, name) ? reader((value as Record<string, unknown>)[name]) : undefined
    if (good !== undefined) read[name] = good
  }
  return Object.keys(read).length > 0 ? (read as T) : undefined
}

const FIELD_READERS: Readers<FieldHint> = {
  title: text(MAX_TITLE),
  unit: text(12),
  kind: oneOf(FIELD_KINDS),
  show: oneOf(SHOWS),
  aggregate: oneOf(AGGREGATES),
  decimals: index(9),
  min: number(-LONGEST, LONGEST),
  max: number(-LONGEST, LONGEST),
  warn: number(-LONGEST, LONGEST),
  critical: number(-LONGEST, LONGEST),
  better: oneOf(['low', 'high'] as const),
  color: index(11),
}

const fields: Read<Record<string, FieldHint>> = (value) => {
  if (value === null || typeof value !== 'object' || Array.isArray(value)) return undefined
  const read: [string, FieldHint][] = []
  for (const [path, hint] of Object.entries(value).slice(0, MAX_FIELDS)) {
    const good = members(hint, FIELD_READERS)
    if (good && path.length <= MAX_SENTENCE && path !== '__proto__') read.push([path, good])
  }
  return read.length > 0 ? Object.fromEntries(read) : undefined
}

const TYPE_READERS: Readers<TypeHint> = {
  title: text(MAX_TITLE),
  description: text(MAX_SENTENCE),
  group: text(MAX_NAME),
  order: number(-1e6, 1e6),
  show: oneOf(SHOWS),
  color: index(11),
  key: texts(3),
  columns: texts(12),
  stale: number(1, LONGEST),
  fields,
}

/**
 * A hint out of what anybody sent: what is not known is left out, what is not as it should be too, texts are cut.
 * Never throws; undefined when nothing is left.
 */
export function readHint(value: unknown): TypeHint | undefined {
  return members(value, TYPE_READERS)
}
