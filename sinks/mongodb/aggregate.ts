import type { Document } from 'mongodb'
import { compareKeys, dataToJson, type EventQuery, type Measure, percentile } from '../../lib/index.js'
import { pathOf } from './match.js'

/** Rows that are put in order at once; a question that has more is refused. */
export const MAX_GROUPS = 200_000

/**
 * What follows the $match: one group for each row, with `k0`, `k1` ... of `by` and `m0`, `m1` ... of `measure`. Without
 * $dateTrunc, which takes MongoDB 5.
 *
 * @param native whether the server has $percentile; else the values themselves are fetched
 */
export function pipelineFor(query: EventQuery, native: boolean): Document[] {
  const { every, by, measures } = query
  const keys: Document = {}
  if (every !== undefined) keys.t = bucket(every)
  for (const [i, field] of by.entries()) keys[`k${i}`] = orNull(`$${pathOf(field)}`, query)
  const names = Object.keys(keys)
  const group: Document = { _id: names.length > 0 ? keys : null, n: { $sum: 1 } }
  const sizes: Document = {}
  for (const [i, measure] of measures.entries()) {
    if (!('field' in measure)) continue
    group[`m${i}`] = accumulate(measure, native)
    // Of no number at all there is no sum, but MongoDB says 0.
    if (measure.kind === 'sum') group[`c${i}`] = { $sum: { $cond: [isNumber(pathOf(measure.field)), 1, 0] } }
    // The set itself may be large.
    if (measure.kind === 'distinct') sizes[`m${i}`] = { $size: { $setDifference: [`$m${i}`, [null]] } }
  }
  return [
    { $group: group },
    { $limit: MAX_GROUPS + 1 },
    ...(Object.keys(sizes).length > 0 ? [{ $addFields: sizes }] : []),
  ]
}

/** A field that is missing is a key of its own beside null. Counts are added up here; FerretDB has no $ifNull. */
const orNull = (path: string, query: EventQuery) => (onlyCounts(query) ? path : { $ifNull: [path, null] })

const onlyCounts = ({ measures }: EventQuery) =>
  measures.every(({ kind }) => kind === 'count' || kind === 'rate')

/** Begin of the bucket, milliseconds since 1970; down, also before 1970, where $mod is negative. */
function bucket(every: number): Document {
  const time = { $toLong: '$time' }
  const over = { $mod: [{ $add: [{ $mod: [time, every] }, every] }, every] }
  return { $subtract: [time, over] }
}

/** Numbers lie between null and texts in MongoDB's order of everything; $isNumber takes MongoDB 4.4. */
const isNumber = (path: string) => ({ $and: [{ $gt: [`$${path}`, null] }, { $lt: [`$${path}`, ''] }] })

type FieldMeasure = Extract<Measure, { field: unknown }>

function accumulate(measure: FieldMeasure, native: boolean): Document {
  const place = pathOf(measure.field)
  const path = `$${place}`
  const figure = { $cond: [isNumber(place), path, null] }
  switch (measure.kind) {
    case 'sum':
    case 'avg':
      return { [`$${measure.kind}`]: path }
    case 'min':
    case 'max':
      return { [`$${measure.kind}`]: figure }
    case 'distinct':
      return { $addToSet: path }
    case 'percentile':
      return native
        ? { $percentile: { input: path, p: [measure.at], method: 'approximate' } }
        : { $push: figure }
  }
}

/** The groups as rows: in the order of their keys as text, which no server has, and what has none last. */
export function answerRows(query: EventQuery, groups: Document[], native: boolean): unknown[][] {
  const { every, by, measures, span, limit } = query
  if (every === undefined && by.length === 0 && groups.length === 0) groups = [{ n: 0 }]
  const keysOf = (group: Document) => {
    const keys = by.map((_, i) => toText(group._id[`k${i}`]))
    if (every !== undefined) keys.unshift(new Date(Number(group._id.t)).toISOString())
    return keys
  }
  if (onlyCounts(query)) groups = added(groups, keysOf)
  const rows = groups.map((group) => {
    const keys = keysOf(group)
    const values = measures.map((measure, i) => {
      const value = group[`m${i}`]
      switch (measure.kind) {
        case 'count':
          return group.n
        case 'rate':
          return group.n / ((every ?? span!) / 1000)
        case 'sum':
          return group[`c${i}`] ? toFigure(value) : null
        case 'distinct':
          return value ?? 0
        case 'percentile':
          return native ? toFigure(value?.[0]) : percentile(figuresOf(value), measure.at)
        default:
          return toFigure(value)
      }
    })
    return { keys, values }
  })
  return rows
    .sort((a, b) => compareKeys(a.keys, b.keys))
    .slice(0, limit)
    .map(({ keys, values }) => [...keys, ...values])
}

/** Groups whose keys are the same as text. */
function added(groups: Document[], keysOf: (group: Document) => unknown[]): Document[] {
  const sums = new Map<string, Document>()
  for (const group of groups) {
    const name = JSON.stringify(keysOf(group))
    const sum = sums.get(name)
    if (sum) sum.n += group.n
    else sums.set(name, group)
  }
  return [...sums.values()]
}

const figuresOf = (values: unknown[] = []) => values.flatMap((value) => toFigure(value) ?? [])

function toFigure(value: unknown): number | null {
  return value === null || value === undefined ? null : Number(value.toString())
}

function toText(value: unknown): string | null {
  if (value === null || value === undefined) return null
  return typeof value === 'object' ? dataToJson(value) : String(value)
}
