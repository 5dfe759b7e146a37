/** A key of a type, or the rest of them. */
export interface Key<T> {
  text: string
  /** Events since the last review. */
  count: number
  /** What hangs on it. */
  value: T
}

const MAX_CANDIDATES = 500

/**
 * The most frequent keys of a type; all others share one place. A key that was among the others and has become more
 * frequent than one that has a place gets that place at the next review.
 */
export class TopKeys<T> {
  /** Times that an event fell among the others. */
  overflowed = 0
  readonly other: Key<T>
  #limit: number
  #make: (text: string, other: boolean) => T
  #kept = new Map<string, Key<T>>()
  #candidates = new Map<string, number>()

  constructor(limit: number, make: (text: string, other: boolean) => T) {
    this.#limit = limit
    this.#make = make
    this.other = { text: 'other', count: 0, value: undefined as T }
  }

  get size(): number {
    return this.#kept.size
  }

  /** Where an event with that key belongs. */
  at(text: string): Key<T> {
    let key = this.#kept.get(text)
    if (key === undefined) {
      if (this.#kept.size >= this.#limit) return this.#among(text)
      key = this.#keep(text)
    }
    key.count++
    return key
  }

  /**
   * To be called now and then. A candidate must be twice as frequent, or places would change all the time.
   * @param gone is told what loses its place
   */
  review(gone: (value: T) => void): void {
    const best = [...this.#candidates].sort((a, b) => b[1] - a[1])
    const weakest = [...this.#kept.values()].sort((a, b) => a.count - b.count)
    for (const [i, [text, count]] of best.entries()) {
      const loser = weakest[i]
      if (loser === undefined || count <= 2 * loser.count + 2) break
      this.#kept.delete(loser.text)
      gone(loser.value)
      this.#keep(text).count = count
    }
    this.#candidates.clear()
    for (const key of this.#kept.values()) key.count = Math.floor(key.count / 2)
  }

  *values(): Generator<T> {
    for (const key of this.#kept.values()) yield key.value
    if (this.other.value !== undefined) yield this.other.value
  }

  #among(text: string): Key<T> {
    this.overflowed++
    const count = this.#candidates.get(text)
    if (count !== undefined || this.#candidates.size < MAX_CANDIDATES) {
      this.#candidates.set(text, (count ?? 0) + 1)
    }
    this.other.value ??= this.#make('other', true)
    return this.other
  }

  #keep(text: string): Key<T> {
    const key = { text, count: 0, value: this.#make(text, false) }
    this.#kept.set(text, key)
    return key
  }
}
