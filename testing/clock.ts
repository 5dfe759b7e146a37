import type { Clock } from '../lib/index.js'
import { until } from './until.js'

interface Timer {
  at: number
  every: number | undefined
  call: () => void
}

/**
 * A clock that stands still until it is told to go on, so that a test owns time. Only what is on this clock waits for it:
 * sockets, files and other processes go on by themselves.
 */
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

  /**
   * Goes forward in steps until something has become true: for what takes both time on this clock and what sockets,
   * files and other processes do in their own.
   *
   * @param what what is waited for, to be named when it does not come
   * @param step milliseconds of this clock between two looks. Default: 100.
   * @throws after 15 seconds of real time
   */
  async advanceUntil(what: string, condition: () => unknown, step = 100): Promise<void> {
    await until(what, async () => {
      if (await condition()) return true
      await this.advance(step)
      return condition()
    })
  }

  #add(timer: Timer): () => void {
    this.#timers.add(timer)
    return () => this.#timers.delete(timer)
  }
}
