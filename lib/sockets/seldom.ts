import type { Clock } from '../clock.js'

/** Matters remembered at most; whoever makes them up is told of less exactly, but does not fill the memory. */
const MAX_MATTERS = 1000

/** Says when something that strangers can cause as often as they like is worth a line in a log. */
export class Seldom {
  #clock: Clock
  #every: number
  #told = new Map<string, number>()

  /** @param every time between two lines about the same matter, milliseconds */
  constructor(clock: Clock, every = 60_000) {
    this.#clock = clock
    this.#every = every
  }

  /** Whether the matter was not told for long enough; it counts as told then. */
  isDue(matter: string): boolean {
    const now = this.#clock.now()
    const before = this.#told.get(matter)
    // A clock that was set back says nothing of how long it was.
    if (before !== undefined && now >= before && now - before < this.#every) return false
    if (this.#told.size >= MAX_MATTERS) this.#told.clear()
    this.#told.set(matter, now)
    return true
  }
}
