import type { Budget } from './budget.js'

/** Buckets in a block. */
export const BLOCK = 128
/** Up to so many, each one says which bucket it is. */
const FEW = 64
const SMALLEST = 2
/** What a block takes beside its numbers, bytes, about. */
const OVERHEAD = 160

/** Called with each bucket that has something, and where its columns begin. */
export type BucketReader = (bucket: number, values: Float32Array, at: number, columns: number) => void

/**
 * Neighbouring buckets in a few columns, the first of which is above 0 where there is something. While few of them have
 * something, there is a row for each of these, with its place in front; then a row for every place.
 */
export class Block {
  /** Number of its first bucket, counted from 1970 in steps. */
  readonly first: number
  #columns: number
  #values = new Float32Array(0)
  /** Rows that are used; undefined when every place has one. */
  #rows: number | undefined = 0
  #memory: Budget
  #taken = 0

  constructor(first: number, columns: number, memory: Budget) {
    this.first = first
    this.#columns = columns
    this.#memory = memory
  }

  /** Gives its memory back. */
  free(): void {
    this.#memory.give(this.#taken)
    this.#taken = 0
  }

  /** Writes a bucket, unless the memory is used up. */
  write(bucket: number, row: ArrayLike<number>, columns: number): void {
    // A series that has got percentiles goes on in wider rows.
    if (columns > this.#columns && !this.#become(this.#rows === undefined, columns, 0)) return
    const at = this.#reach(bucket - this.first)
    if (at === -1) return
    for (let i = 0; i < this.#columns; i++) this.#values[at + i] = row[i] ?? 0
  }

  /** Reads the buckets from `from` up to but without `to`, oldest first. */
  read(from: number, to: number, call: BucketReader): void {
    const values = this.#values
    const columns = this.#columns
    if (this.#rows === undefined) {
      const end = Math.min(to - this.first, BLOCK)
      for (let place = Math.max(from - this.first, 0); place < end; place++) {
        if (values[place * columns]! > 0) call(this.first + place, values, place * columns, columns)
      }
      return
    }
    for (let at = 0; at < this.#rows * (columns + 1); at += columns + 1) {
      const bucket = this.first + values[at]!
      if (bucket >= from && bucket < to && values[at + 1]! > 0) call(bucket, values, at + 1, columns)
    }
  }

  /** Where the columns of a place begin, made room for; -1 when there is no memory. */
  #reach(place: number): number {
    const columns = this.#columns
    if (this.#rows === undefined) return place * columns
    const wide = columns + 1
    const last = (this.#rows - 1) * wide
    if (this.#rows > 0 && this.#values[last] === place) return last + 1
    const comesNext = this.#rows === 0 || place > this.#values[last]!
    const isFull = (this.#rows + 1) * wide > this.#values.length
    // Time goes on, but for a clock that was set back.
    if (!comesNext || (isFull && this.#rows >= FEW)) {
      return this.#become(true, columns, 0) ? place * columns : -1
    }
    if (isFull && !this.#become(false, columns, Math.max(SMALLEST, this.#rows * 2))) return -1
    const at = this.#rows * wide
    this.#values[at] = place
    this.#rows++
    return at + 1
  }

  /** Another form with the same content. @param rows how many there shall be room for, unless every place has one */
  #become(dense: boolean, columns: number, rows: number): boolean {
    const room = Math.max(rows, this.#rows ?? 0, SMALLEST)
    const length = dense ? BLOCK * columns : room * (columns + 1)
    const bytes = length * 4 + OVERHEAD
    if (!this.#memory.take(bytes - this.#taken)) return false
    const values = new Float32Array(length)
    let at = 0
    this.read(this.first, this.first + BLOCK, (bucket, old, from, width) => {
      const place = bucket - this.first
      if (dense) at = place * columns
      else values[at++] = place
      for (let i = 0; i < width; i++) values[at + i] = old[from + i]!
      at += columns
    })
    this.#values = values
    this.#columns = columns
    this.#rows = dense ? undefined : at / (columns + 1)
    this.#taken = bytes
    return true
  }
}
