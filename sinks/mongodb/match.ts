import type { Document } from 'mongodb'
import { type Comparison, type EventQuery, EventstormError, type Field, show } from '../../lib/index.js'

const OPERATORS = { '=': '$eq', '!=': '$ne', '<': '$lt', '<=': '$lte', '>': '$gt', '>=': '$gte' } as const

/** Where a field is in a document. @throws QUERY_INVALID */
export function pathOf(field: Field): string {
  if ('column' in field) return field.column
  const odd = field.path.find((key) => key.startsWith('$'))
  if (odd !== undefined) {
    throw new EventstormError(
      'QUERY_INVALID',
      `MongoDB cannot be asked for a field that begins with "$", got ${show(odd)}`,
    )
  }
  return ['data', ...field.path].join('.')
}

/** The events that are asked for, in the form that uses indexes. */
export function matchFor({ from, to, where }: EventQuery, types: string[] | undefined): Document {
  const all: Document[] = []
  if (types) all.push({ type: types.length === 1 ? types[0] : { $in: types } })
  if (from !== undefined) all.push({ time: { $gte: new Date(from) } })
  if (to !== undefined) all.push({ time: { $lt: new Date(to) } })
  all.push(...where.map(compare))
  return all.length > 1 ? { $and: all } : (all[0] ?? {})
}

function compare({ field, operator, value }: Comparison): Document {
  const path = pathOf(field)
  // MongoDB compares numbers with numbers and texts with texts, but for $ne, which all others pass too.
  if (typeof value === 'number') {
    const test = { [OPERATORS[operator]]: value }
    return { [path]: operator === '!=' ? { ...test, $type: 'number' } : test }
  }
  // A boolean is as text what it is written as.
  const spelt = value === 'true' ? [value, true] : value === 'false' ? [value, false] : [value]
  if (operator === '=') return { [path]: spelt.length > 1 ? { $in: spelt } : value }
  if (operator === '!=') return { [path]: { $nin: [...spelt, null] } }
  return { [path]: { [OPERATORS[operator]]: value } }
}
