import { EventstormError, show } from '../errors.js'
import { duration, list, z } from '../options.js'
import { compilePatterns } from '../pattern.js'

/*
 * How any store is asked: one small vocabulary, written by a user, read here, answered by the store's reader.
 */

/** A question as a user writes it. */
export const queryOptions = z.strictObject({
  type: list().meta({ description: "Event types, such as http.hit or 'http.**'.", argument: 'pattern' }),
  from: z.string().optional().meta({
    description: 'Events of this time and later: 2026-01-31T12:00:00Z, or 1h for an hour ago.',
    argument: 'time',
  }),
  to: z.string().optional().meta({ description: 'Events before this time.', argument: 'time' }),
  where: list().meta({
    description:
      'A comparison of a field: status>=500, path=/login; with =, !=, <, <=, >, >=. All must hold.',
    argument: 'comparison',
  }),
  every: duration().pipe(z.number().min(1)).optional().meta({ description: 'A row for each so long.' }),
  by: list().meta({
    description: 'A row for each value: type, source, or a field of the data such as status or user.name.',
    argument: 'field',
  }),
  measure: list().meta({
    description:
      'What is told of each row: count (default), rate (a second), sum(f), avg(f), min(f), max(f), p50(f) to p99(f), distinct(f).',
    argument: 'measure',
  }),
  latest: z
    .int()
    .min(1)
    .optional()
    .meta({ description: 'The latest so many events themselves, newest first.', argument: 'n' }),
  limit: z.int().min(1).default(10_000).meta({ description: 'Rows in an answer at most.', argument: 'n' }),
})

/** A column of the store, or a place in the data. */
export type Field = { name: string } & ({ column: 'type' | 'source' } | { path: string[] })

/** One condition of a question, such as `status>=500`. */
export interface Comparison {
  field: Field
  operator: '=' | '!=' | '<' | '<=' | '>' | '>='
  /** A number compares with numbers; a text with the text of the value. A field that is not there matches nothing. */
  value: number | string
}

/** What is computed of the events of a row: how many, their rate, or something of a field. */
export type Measure = { name: string } & (
  | { kind: 'count' | 'rate' }
  | { kind: 'sum' | 'avg' | 'min' | 'max' | 'distinct'; field: Field }
  /** `at` is 0.99 for p99. */
  | { kind: 'percentile'; at: number; field: Field }
)

/** A question as a store's reader gets it. */
export interface EventQuery {
  /** Empty for all types. */
  types: string[]
  /** Milliseconds since 1970, the first one in, the second one not. */
  from: number | undefined
  to: number | undefined
  where: Comparison[]
  /** Milliseconds. */
  every: number | undefined
  by: Field[]
  measures: Measure[]
  /** For `rate` without `every`: the length of the whole time asked for, milliseconds. */
  span: number | undefined
  /** Undefined when measures are wanted. */
  latest: number | undefined
  limit: number
}

/**
 * Rows of values as JSON has them. With `every` there is a column `time` (ISO 8601, the begin), then those of `by`,
 * then those of `measure`. With `latest` they are time, type, source, seq and data (as Extended JSON).
 */
export interface QueryAnswer {
  columns: string[]
  rows: unknown[][]
}

/** Asks one store; what it cannot answer it refuses with QUERY_INVALID. */
export interface StoreReader extends AsyncDisposable {
  /**
   * May be called while other calls are at work. When `signal` aborts, nobody waits for the answer any more: the work
   * is to be ended, in the store too where it can be.
   */
  query(query: EventQuery, signal?: AbortSignal): Promise<QueryAnswer>
  /**
   * One SELECT over a view `events`, for stores that understand SQL; it can change nothing, and reach nothing else.
   * @param limit rows in the answer at most
   */
  sql?(text: string, limit: number, signal?: AbortSignal): Promise<QueryAnswer>
}

const refuse = (message: string) => new EventstormError('QUERY_INVALID', message)

/**
 * @param now milliseconds since 1970
 * @throws QUERY_INVALID, PATTERN_INVALID
 */
export function parseQuery(given: z.output<typeof queryOptions>, now: number): EventQuery {
  const { type, every, latest, limit } = given
  compilePatterns(type)
  const from = given.from === undefined ? undefined : readTime(given.from, 'from', now)
  const to = given.to === undefined ? undefined : readTime(given.to, 'to', now)
  if (from !== undefined && to !== undefined && from >= to)
    throw refuse('from: expected a time before that of to')
  const measures = given.measure.map(readMeasure)
  const by = given.by.map(parseField)
  if (latest !== undefined && (every !== undefined || by.length + measures.length > 0)) {
    throw refuse('latest: it tells events themselves, so it goes without every, by and measure')
  }
  const span = from === undefined ? undefined : (to ?? now) - from
  if (measures.some(({ kind }) => kind === 'rate') && every === undefined && span === undefined) {
    throw refuse('measure: rate needs a length of time; give every, or from')
  }
  return {
    types: type,
    from,
    to,
    where: given.where.map(readComparison),
    every,
    by,
    measures: measures.length > 0 ? measures : [{ name: 'count', kind: 'count' }],
    span,
    latest,
    limit,
  }
}

function readTime(text: string, option: string, now: number): number {
  const ago = /^\d+(\.\d+)?(ms|s|m|h|d)$/.test(text) ? duration().parse(text) : undefined
  const time = ago === undefined ? Date.parse(text) : now - ago
  if (Number.isNaN(time)) {
    throw refuse(
      `${option}: expected a time such as 2026-01-31T12:00:00Z, or 1h for an hour ago, got ${show(text)}`,
    )
  }
  return time
}

/** A field as a user writes it: type, source, status, user.name or data.status. @throws QUERY_INVALID */
export function parseField(text: string): Field {
  if (text === 'type' || text === 'source') return { name: text, column: text }
  const path = text.split('.')
  if (path[0] === 'data' && path.length > 1) path.shift()
  if (path.some((key) => key === '')) {
    throw refuse(
      `expected type, source, or a field of the data such as status or user.name, got ${show(text)}`,
    )
  }
  return { name: text, path }
}

function readComparison(text: string): Comparison {
  const [, field, operator, raw] = /^\s*([^=!<>]+?)\s*(!=|<=|>=|=|<|>)\s*(.*)$/s.exec(text) ?? []
  if (field === undefined || raw === undefined) {
    throw refuse(`where: expected a comparison such as status>=500 or path=/login, got ${show(text)}`)
  }
  const value = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(raw) ? Number(raw) : raw
  return { field: parseField(field), operator: operator as Comparison['operator'], value }
}

const KINDS = ['sum', 'avg', 'min', 'max', 'distinct'] as const

function readMeasure(text: string): Measure {
  if (text === 'count' || text === 'rate') return { name: text, kind: text }
  const [, name, argument] = /^(\w+(?:\.\d+)?)\((.+)\)$/.exec(text) ?? []
  const kind = KINDS.find((each) => each === name)
  if (kind) return { name: text, kind, field: parseField(argument!) }
  const [, figure] = /^p(\d\d?(?:\.\d+)?)$/.exec(name ?? '') ?? []
  if (figure)
    return { name: text, kind: 'percentile', at: Number(figure) / 100, field: parseField(argument!) }
  throw refuse(
    `measure: expected count, rate, sum(f), avg(f), min(f), max(f), p50(f) to p99(f) or distinct(f), got ${show(text)}`,
  )
}
