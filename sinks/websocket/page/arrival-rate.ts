/** Over how long events are counted: one that comes every other second shall not flicker between nothing and one. */
const SPAN = 5000

/** Events a second of the last seconds, from a total that grows. */
export class ArrivalRate {
  /** Oldest first; `now` in milliseconds on the server's clock. */
  #seen: { now: number; total: number }[] = []

  add(now: number, total: number): void {
    const last = this.#seen.at(-1)
    // Another server, or the same one restarted.
    if (last && (total < last.total || now < last.now)) this.#seen = []
    this.#seen.push({ now, total })
    // The newest one that is old enough stays, to count from.
    while (this.#seen.length > 2 && this.#seen[1]!.now <= now - SPAN) this.#seen.shift()
  }

  /** Undefined until there are two looks to tell it from. */
  get perSecond(): number | undefined {
    const [first, last] = [this.#seen[0], this.#seen.at(-1)]
    if (!first || !last || last.now === first.now) return undefined
    return ((last.total - first.total) * 1000) / (last.now - first.now)
  }
}
