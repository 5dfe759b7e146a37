import type { Clock } from '../lib/index.js'

interface Timer {
  at: number
  every: number | undefined
  call: () => void
}

/** A clock that stands still until it is told to go on, so that a test owns time. */
export class ControlledClock implements Clock {
  #now: number
  #micros: number
  #timers = new Set<Timer>()

  /** @param now milliseconds since 1970 */
  constructor(now = Date.UTC(2026, 0, 1)) {
    this.#now = now
    this.#micros = now * 1000
  }

  now(): number {
    return this.#now
  }

  micros(): number {
    this.#micros = Math.max(this.#micros + 1, this.#now * 1000)
    return this.#micros
  }

  after(ms: number, call: () => void): () => void {
    return this.#add({ at: this.#now + ms, every: undefined, call })
  }

  every(ms: number, call: () => void): () => void {
    return this.#add({ at: this.#now + ms, every: ms, call })
  }

  /** How many timers are pending. */
  get pending(): number {
    return this.#timers.size
  }

  /**
   * Goes forward by `ms` and calls what falls due on the way, in order. Between two timers promises get their
   * turn, so that what one call sets off can set the next timer.
   */
  async advance(ms: number): Promise<void> {
    const end = this.#now + ms
    for (;;) {
      await new Promise((resolve) => setImmediate(resolve))
      const due = [...this.#timers].filter((timer) => timer.at <= end).sort((a, b) => a.at - b.at)[0]
      if (due === undefined) break
      this.#now = Math.max(this.#now, due.at)
      if (due.every === undefined) this.#timers.delete(due)
      else due.at += due.every
      due.call()
    }
    this.#now = end
    await new Promise((resolve) => setImmediate(resolve))
  }

  #add(timer: Timer): () => void {
    this.#timers.add(timer)
    return () => this.#timers.delete(timer)
  }
}
