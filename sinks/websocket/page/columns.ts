/**
 * Numbers by time, a place for each bucket of `step` milliseconds, the newest `capacity` of them. NaN: there is none.
 * Writing is idempotent: what comes again replaces what is there, in any order.
 */
export class Timeline {
  readonly step: number
  readonly capacity: number
  /** Number of the newest bucket: its begin divided by `step`. */
  head = 0
  #columns = new Set<Float32Array>()

  constructor(step: number, capacity: number) {
    this.step = step
    this.capacity = capacity
  }

  column(): Float32Array {
    const column = new Float32Array(this.capacity).fill(Number.NaN)
    this.#columns.add(column)
    return column
  }

  drop(column: Float32Array): void {
    this.#columns.delete(column)
  }

  bucket(time: number): number {
    return Math.floor(time / this.step)
  }

  /** Makes room for this bucket. False when it is too old to be kept. */
  reach(bucket: number): boolean {
    if (bucket > this.head) {
      const from = Math.max(this.head + 1, bucket - this.capacity + 1)
      if (this.head !== 0) {
        for (const column of this.#columns) {
          for (let each = from; each <= bucket; each++) column[each % this.capacity] = Number.NaN
        }
      }
      this.head = bucket
    }
    return bucket > this.head - this.capacity
  }

  set(column: Float32Array, bucket: number, value: number): void {
    column[bucket % this.capacity] = value
  }

  get(column: Float32Array | undefined, bucket: number): number {
    if (!column || bucket > this.head || bucket <= this.head - this.capacity || bucket < 0) return Number.NaN
    return column[bucket % this.capacity]!
  }
}
