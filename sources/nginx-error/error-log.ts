import type { Data, LineParser, NewEvent } from '../../lib/index.js'
import { type WallClock, wallClock } from '../../lib/syslog/index.js'
import { beginsEntry, mayGoOn, parseEntry } from './parse.js'

/** Longest entry that is joined. nginx cuts its messages at 2,048 bytes, whatever lines they have. */
const MAX_ENTRY_CHARACTERS = 4096

/**
 * Makes events of the lines of an error log. What FastCGI servers say comes with their line feeds, so an entry may
 * have several lines; it is held until it is whole, until another one begins, or for about a second.
 */
export class ErrorLog implements LineParser {
  #wallClock: WallClock
  #held: string | undefined
  /** Whether it was held at the last look at the clock already. */
  #waited = false

  /** @throws RangeError when there is no such zone */
  constructor(zone: string) {
    this.#wallClock = wallClock(zone)
  }

  line(line: string): NewEvent[] | { unparsed: string } {
    if (beginsEntry(line)) {
      const events = this.end()
      this.#take(line, events)
      return events
    }
    if (this.#held === undefined) {
      return { unparsed: 'expected an entry of nginx: 2026/01/31 12:00:00 [level] pid#tid: message' }
    }
    const joined = `${this.#held}\n${line}`
    this.#held = undefined
    const events: NewEvent[] = []
    this.#take(joined, events)
    return events
  }

  expire(): NewEvent[] {
    if (this.#waited) return this.end()
    this.#waited = this.#held !== undefined
    return []
  }

  end(): NewEvent[] {
    const events: NewEvent[] = []
    if (this.#held !== undefined) this.#give(this.#held, events)
    this.#held = undefined
    return events
  }

  save(): Data {
    return this.#held === undefined ? undefined : { held: this.#held }
  }

  restore(saved: Data): void {
    const { held } = saved as { held: string }
    if (beginsEntry(held)) this.#held = held
  }

  #take(text: string, events: NewEvent[]): void {
    if (text.length <= MAX_ENTRY_CHARACTERS && mayGoOn(text)) this.#held = text
    else this.#give(text, events)
    this.#waited = false
  }

  #give(text: string, events: NewEvent[]): void {
    const { time, error } = parseEntry(text, this.#wallClock)!
    events.push({ type: 'http.error', data: error, time: new Date(time) })
  }
}
