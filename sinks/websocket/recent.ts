import { compilePatterns, type StormEvent } from '../../lib/index.js'
import type { RowMaker } from './clip.js'

/** Rows of a type that one quarter of a second may have. */
const ROWS = 20
/** Rows that are made in a quarter of a second, of all types. */
const ROWS_IN_ALL = 400
/** Quarters that are remembered for ticks: those of the slowest one, and some for timers that come late. */
const QUARTERS = 8
/** Rows that are kept of a type, and in all. */
const KEPT = 200
const KEPT_IN_ALL = 20_000

/** What arrived of a type in a quarter of a second. */
interface Arrived {
  n: number
  events: StormEvent[]
  /** Rows as JSON, oldest first. */
  rows: string[]
}

/** The latest events, as rows: those of the last second for ticks, and some of each type for who asks. */
export class Recent {
  #maker: RowMaker
  #now = new Map<string, Arrived>()
  #quarters: { quarter: number; types: Map<string, Arrived> }[] = []
  #kept = new Map<string, { t: number; json: string }[]>()
  #keptInAll = 0

  constructor(maker: RowMaker) {
    this.#maker = maker
  }

  add(event: StormEvent): void {
    let arrived = this.#now.get(event.type)
    if (arrived === undefined) {
      arrived = { n: 0, events: [], rows: [] }
      this.#now.set(event.type, arrived)
    }
    const { events } = arrived
    // The latest ones, in a circle.
    if (events.length < ROWS) events.push(event)
    else events[arrived.n % ROWS] = event
    arrived.n++
  }

  /** The quarter is over: rows are made of what it had. */
  close(quarter: number): void {
    const types = this.#now
    this.#now = new Map()
    let room = ROWS_IN_ALL
    const each = Math.max(1, Math.floor(ROWS_IN_ALL / Math.max(1, types.size)))
    for (const [type, arrived] of types) {
      const start = arrived.n > ROWS ? arrived.n % ROWS : 0
      const inOrder = [...arrived.events.slice(start), ...arrived.events.slice(0, start)]
      arrived.events = []
      const made = inOrder.slice(-Math.min(each, room))
      if (room <= 0) continue
      room -= made.length
      for (const event of made) {
        const json = JSON.stringify(this.#maker.row(event))
        arrived.rows.push(json)
        this.#keep(type, event.time.getTime(), json)
      }
    }
    this.#quarters.push({ quarter, types })
    if (this.#quarters.length > QUARTERS) this.#quarters.shift()
  }

  /** The newest rows after that quarter, newest first, as JSON, and how many events are not among them. */
  since(
    quarter: number,
    matches: (type: string) => boolean,
    limit: number,
  ): { rows: string[]; skipped: number } {
    const rows: string[] = []
    let n = 0
    for (let i = this.#quarters.length - 1; i >= 0; i--) {
      const { quarter: at, types } = this.#quarters[i]!
      if (at <= quarter) break
      // Each type in turn, so that a busy one does not push out the others.
      const own = [...types].filter(([type]) => matches(type)).map(([, arrived]) => arrived)
      for (const each of own) n += each.n
      for (let back = 1; back <= ROWS && rows.length < limit; back++) {
        for (const { rows: made } of own) {
          if (rows.length < limit && made.length >= back) rows.push(made[made.length - back]!)
        }
      }
    }
    return { rows, skipped: n - rows.length }
  }

  /** Rows that are kept, newest first, as JSON. @throws PATTERN_INVALID */
  rows(match: readonly string[], limit: number): string[] {
    const { matches } = compilePatterns(match)
    const found = [...this.#kept].flatMap(([type, rows]) => (matches(type) ? rows : []))
    return found
      .sort((a, b) => b.t - a.t)
      .slice(0, limit)
      .map(({ json }) => json)
  }

  get kept(): number {
    return this.#keptInAll
  }

  readonly limit = KEPT_IN_ALL

  #keep(type: string, t: number, json: string): void {
    let rows = this.#kept.get(type)
    if (rows === undefined) {
      rows = []
      this.#kept.set(type, rows)
    }
    rows.push({ t, json })
    this.#keptInAll++
    // In one go now and then, rather than a shift for each.
    if (rows.length > 1.5 * KEPT) this.#keptInAll -= rows.splice(0, rows.length - KEPT).length
    if (this.#keptInAll <= KEPT_IN_ALL) return
    // The type that was silent for longest goes.
    const [silent] = [...this.#kept].reduce((a, b) => (a[1].at(-1)!.t <= b[1].at(-1)!.t ? a : b))
    this.#keptInAll -= this.#kept.get(silent)!.length
    this.#kept.delete(silent)
  }
}
