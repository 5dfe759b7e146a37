import {
  type Comparison,
  compilePatterns,
  dataToJson,
  type EventQuery,
  type Field,
  type Measure,
  type StormEvent,
} from '../lib/index.js'

/** What a store has to answer, computed from the events themselves, one after the other. */
export function answerFrom(events: readonly StormEvent[], query: EventQuery): unknown[][] {
  const found = events.filter((event) => isAskedFor(event, query))
  const { latest, every, by, limit } = query
  if (latest !== undefined) {
    return found
      .sort((a, b) => b.time.getTime() - a.time.getTime() || b.epoch - a.epoch || b.seq - a.seq)
      .slice(0, Math.min(latest, limit))
      .map(({ time, type, source, seq, data }) => [
        time.toISOString(),
        type,
        source,
        seq,
        JSON.parse(dataToJson(data)),
      ])
  }
  const groups = new Map<string, { keys: (string | null)[]; events: StormEvent[] }>()
  if (every === undefined && by.length === 0) groups.set('[]', { keys: [], events: [] })
  for (const event of found) {
    const keys = by.map((field) => textOf(fieldOf(event, field)))
    if (every !== undefined)
      keys.unshift(new Date(Math.floor(event.time.getTime() / every) * every).toISOString())
    const name = JSON.stringify(keys)
    const group = groups.get(name) ?? { keys, events: [] }
    groups.set(name, group)
    group.events.push(event)
  }
  return [...groups.values()]
    .sort((a, b) => inOrder(a.keys, b.keys))
    .slice(0, limit)
    .map((group) => [...group.keys, ...query.measures.map((each) => measured(group.events, each, query))])
}

type Value = number | string

const COMPARE: Record<Comparison['operator'], (left: Value, right: Value) => boolean> = {
  '=': (left, right) => left === right,
  '!=': (left, right) => left !== right,
  '<': (left, right) => left < right,
  '<=': (left, right) => left <= right,
  '>': (left, right) => left > right,
  '>=': (left, right) => left >= right,
}

function isAskedFor(
  event: StormEvent,
  { types, from = -Infinity, to = Infinity, where }: EventQuery,
): boolean {
  const time = event.time.getTime()
  if (time < from || time >= to) return false
  if (types.length > 0 && !compilePatterns(types).matches(event.type)) return false
  return where.every(({ field, operator, value }) => {
    const found = fieldOf(event, field)
    const left = typeof value === 'number' ? figureOf(found) : textOf(found)
    if (left === null) return false
    return COMPARE[operator](left, value)
  })
}

function measured(events: StormEvent[], each: Measure, { every, span }: EventQuery): unknown {
  if (each.kind === 'rate') return events.length / ((every ?? span!) / 1000)
  if (!('field' in each)) return events.length
  const values = events.map((event) => fieldOf(event, each.field))
  if (each.kind === 'distinct') return new Set(values.map(textOf).filter((text) => text !== null)).size
  const figures = values.flatMap((value) => figureOf(value) ?? []).sort((a, b) => a - b)
  if (figures.length === 0) return null
  const sum = figures.reduce((total, figure) => total + figure, 0)
  if (each.kind === 'sum') return sum
  if (each.kind === 'avg') return sum / figures.length
  if (each.kind === 'min') return figures[0]
  if (!('at' in each)) return figures.at(-1)
  const place = each.at * (figures.length - 1)
  const low = figures[Math.floor(place)]!
  return low + (figures[Math.ceil(place)]! - low) * (place - Math.floor(place))
}

function fieldOf(event: StormEvent, field: Field): unknown {
  if ('column' in field) return event[field.column]
  let value: unknown = event.data
  for (const key of field.path) value = (value as Record<string, unknown> | null | undefined)?.[key]
  return value
}

function textOf(value: unknown): string | null {
  if (value === null || value === undefined) return null
  return typeof value === 'object' ? dataToJson(value) : String(value)
}

const figureOf = (value: unknown) => (typeof value === 'number' ? value : null)

function inOrder(a: (string | null)[], b: (string | null)[]): number {
  for (const [i, left] of a.entries()) {
    const right = b[i]!
    if (left === right) continue
    if (left === null || right === null) return left === null ? 1 : -1
    return left < right ? -1 : 1
  }
  return 0
}
