import { type Comparison, dataToJson, type Field, type StormEvent } from '../../lib/index.js'

/*
 * The values of fields as every store tells them: those of the data as Extended JSON. Text is compared with the text of a
 * value, numbers with numbers alone.
 */

/** The value at a place in the data; what is no plain document or list is looked into as its Extended JSON. */
function valueAt(data: unknown, path: string[]): unknown {
  let value = data
  for (const key of path) {
    if (value === null || typeof value !== 'object') return undefined
    if (!Array.isArray(value) && Object.getPrototypeOf(value) !== Object.prototype) {
      value = JSON.parse(dataToJson(value))
      if (value === null || typeof value !== 'object') return undefined
    }
    if (Array.isArray(value) && !/^\d+$/.test(key)) return undefined
    if (!Object.hasOwn(value as object, key)) return undefined
    value = (value as Record<string, unknown>)[key]
  }
  return value
}

/** The value of a field as text; null when there is none. */
export function textOf(event: StormEvent, field: Field): string | null {
  if ('column' in field) return event[field.column]
  const value = valueAt(event.data, field.path)
  if (value === undefined || value === null) return null
  return typeof value === 'string' ? value : dataToJson(value)
}

/** The value of a field as a number; null when it is none. */
export function figureOf(event: StormEvent, field: Field): number | null {
  if ('column' in field) return null
  const value = valueAt(event.data, field.path)
  if (typeof value === 'number') return Number.isFinite(value) ? value : null
  if (typeof value !== 'object' || value === null) return null
  // BSON's own numbers are numbers in JSON.
  const plain: unknown = '_bsontype' in value ? JSON.parse(dataToJson(value)) : null
  return typeof plain === 'number' ? plain : null
}

/** Whether a comparison holds; it does not where the field is not there. */
export function holds(event: StormEvent, { field, operator, value }: Comparison): boolean {
  const left = typeof value === 'number' ? figureOf(event, field) : textOf(event, field)
  if (left === null) return false
  switch (operator) {
    case '=':
      return left === value
    case '!=':
      return left !== value
    case '<':
      return left < value
    case '<=':
      return left <= value
    case '>':
      return left > value
    case '>=':
      return left >= value
  }
}
