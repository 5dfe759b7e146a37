import {
  compareKeys,
  type EventQuery,
  EventstormError,
  type Measure,
  percentile,
  type StormEvent,
} from '../../lib/index.js'
import { figureOf, textOf } from './fields.js'

/** What a group and a number in it take, about. */
const GROUP_BYTES = 256
const VALUE_BYTES = 16

interface Group {
  keys: (number | string | null)[]
  values: Accumulator[]
}

/** One measure of one group. */
interface Accumulator {
  add(event: StormEvent): void
  result(): number | null
}

/** Gathers measures over events that come one by one, in any order. */
export class Fold {
  #query: EventQuery
  #groups = new Map<string, Group>()
  #bytes = 0
  #maxBytes: number

  /** @param maxBytes what it may hold, about */
  constructor(query: EventQuery, maxBytes: number) {
    this.#query = query
    this.#maxBytes = maxBytes
    // One row for everything is there also when there is nothing.
    if (query.every === undefined && query.by.length === 0) this.#group([])
  }

  /** @throws QUERY_INVALID when there is too much to be held */
  add(event: StormEvent): void {
    const { every, by } = this.#query
    const keys: Group['keys'] = by.map((field) => textOf(event, field))
    if (every !== undefined) keys.unshift(Math.floor(event.time.getTime() / every) * every)
    for (const value of this.#group(keys).values) value.add(event)
  }

  /** Rows in the order of their keys, `limit` at most. */
  rows(): unknown[][] {
    const { every, limit } = this.#query
    const groups = [...this.#groups.values()].sort((a, b) => compareKeys(a.keys, b.keys)).slice(0, limit)
    return groups.map(({ keys, values }) => [
      ...keys.map((key, i) => (i === 0 && every !== undefined ? new Date(key as number).toISOString() : key)),
      ...values.map((value) => value.result()),
    ])
  }

  #group(keys: Group['keys']): Group {
    const key = keys.length === 0 ? '' : JSON.stringify(keys)
    let group = this.#groups.get(key)
    if (group === undefined) {
      group = { keys, values: this.#query.measures.map((measure) => this.#accumulator(measure)) }
      this.#groups.set(key, group)
      this.#hold(GROUP_BYTES + 2 * key.length)
    }
    return group
  }

  #accumulator(measure: Measure): Accumulator {
    const hold = (bytes: number) => this.#hold(bytes)
    switch (measure.kind) {
      case 'count':
        return counting((count) => count)
      case 'rate': {
        const seconds = (this.#query.every ?? this.#query.span!) / 1000
        return counting((count) => count / seconds)
      }
      case 'distinct': {
        const seen = new Set<string>()
        return {
          add(event) {
            const text = textOf(event, measure.field)
            if (text === null || seen.has(text)) return
            seen.add(text)
            hold(2 * text.length + 4 * VALUE_BYTES)
          },
          result: () => seen.size,
        }
      }
      case 'percentile': {
        const figures: number[] = []
        const add = (figure: number) => {
          figures.push(figure)
          hold(VALUE_BYTES)
        }
        return figuring(measure.field, add, () => percentile(figures, measure.at))
      }
      default: {
        let count = 0
        let sum = 0
        let min = Infinity
        let max = -Infinity
        const add = (figure: number) => {
          count++
          sum += figure
          if (figure < min) min = figure
          if (figure > max) max = figure
        }
        const results = { sum: () => sum, avg: () => sum / count, min: () => min, max: () => max }
        const result = results[measure.kind]
        return figuring(measure.field, add, () => (count === 0 ? null : result()))
      }
    }
  }

  #hold(bytes: number): void {
    this.#bytes += bytes
    if (this.#bytes <= this.#maxBytes) return
    throw new EventstormError(
      'QUERY_INVALID',
      `the answer would take more than ${this.#maxBytes} bytes of memory; ask for fewer groups or a shorter time, or raise readMemory in the address of the store`,
    )
  }
}

function counting(result: (count: number) => number): Accumulator {
  let count = 0
  return {
    add() {
      count++
    },
    result: () => result(count),
  }
}

function figuring(
  field: Parameters<typeof figureOf>[1],
  add: (figure: number) => void,
  result: () => number | null,
): Accumulator {
  return {
    add(event) {
      const figure = figureOf(event, field)
      if (figure !== null) add(figure)
    },
    result,
  }
}
