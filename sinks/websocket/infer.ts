import type { FieldKind } from './protocol.js'

/** What a field is, told from its name, in any of the spellings requestTime, request_time and request-time. */

const DURATION =
  /(^|_)(ms|msec|millis|milliseconds|us|micros|ns|s|sec|secs|seconds|duration|latency|elapsed|delay|took|rtt|time)$/
const AMOUNT = /(^|_)(bytes|size|length|amount|price|cost)$/
const TOTAL = /(^|_)total$/
const PER_TIME =
  /(^|_)(per_second|per_sec|ps|rate|percent|pct|ratio|percentage|percents|used|available|free|usage|load|temperature)($|_)/
/** Numbers that are names: of no use as a graph, but a few of them are states. */
const NAME =
  /(^|_)(status|code|level|severity|facility|priority|port|pid|uid|gid|id|version|year|seq|number|line|errno)$/

const words = (name: string) =>
  name
    .replace(/([a-z0-9])([A-Z])/g, '$1_$2')
    .replace(/[-. ]/g, '_')
    .toLowerCase()

/** What a number of that name likely is; undefined when the name says nothing. */
export function kindByName(name: string): FieldKind | undefined {
  const text = words(name)
  if (NAME.test(text)) return 'state'
  if (PER_TIME.test(text)) return 'gauge'
  if (DURATION.test(text)) return 'duration'
  if (AMOUNT.test(text)) return 'amount'
  if (TOTAL.test(text)) return 'gauge'
  return undefined
}

/** Rises that make a field without a telling name a counter, when it has never fallen. */
const RISES = 30

/** Tells whether the values of a field only ever rise. */
export class Trend {
  #rises = 0
  #fell = false
  /** Most fields have one series; a map for it would cost more than all else. */
  #first: { of: object; value: number } | undefined
  #last: Map<object, number> | undefined

  /** @returns whether it is a counter by now; `of` is the series that the value belongs to */
  isCounter(of: object, value: number): boolean {
    if (this.#fell) return false
    const last = this.#first?.of === of ? this.#first.value : this.#last?.get(of)
    if (last !== undefined && value < last) {
      this.#fell = true
      this.#first = this.#last = undefined
      return false
    }
    if (last !== undefined && value > last) this.#rises++
    if (this.#first === undefined || this.#first.of === of) this.#first = { of, value }
    else {
      this.#last ??= new Map()
      if (last !== undefined || this.#last.size < 100) this.#last.set(of, value)
    }
    return this.#rises >= RISES
  }

  get decided(): boolean {
    return this.#fell || this.#rises >= RISES
  }
}
