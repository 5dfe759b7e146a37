import { BLOCK, Block, type BucketReader } from './block.js'
import type { Budget } from './budget.js'

const NONE: Block[] = []

/**
 * The last `length` buckets of a series. Blocks of them are made when something happens in their time and given back
 * when it is past, so that a series in which little happens costs little.
 */
export class Ring {
  /** Oldest first. */
  #blocks = NONE
  #length: number
  #memory: Budget

  constructor(length: number, memory: Budget) {
    this.#length = length
    this.#memory = memory
  }

  /** Writes a bucket, unless the memory is used up. */
  write(bucket: number, row: ArrayLike<number>, columns: number): void {
    this.#reach(bucket - (bucket % BLOCK), columns).write(bucket, row, columns)
  }

  /** Reads the buckets from `from` up to but without `to`, oldest first. */
  read(from: number, to: number, call: BucketReader): void {
    for (const block of this.#blocks) {
      if (block.first < to && block.first + BLOCK > from) block.read(from, to, call)
    }
  }

  /** Gives back what is older than the ring is long. */
  sweep(newest: number): void {
    const old = this.#blocks.findIndex(({ first }) => first + BLOCK > newest - this.#length)
    if (old === 0 || this.#blocks === NONE) return
    for (const block of this.#blocks.splice(0, old === -1 ? this.#blocks.length : old)) block.free()
    if (this.#blocks.length === 0) this.#blocks = NONE
  }

  /** Gives back everything. */
  clear(): void {
    for (const block of this.#blocks) block.free()
    this.#blocks = NONE
  }

  #reach(first: number, columns: number): Block {
    const last = this.#blocks.at(-1)
    if (last?.first === first) return last
    const at = this.#blocks.findIndex((block) => block.first >= first)
    if (at !== -1 && this.#blocks[at]!.first === first) return this.#blocks[at]!
    const block = new Block(first, columns, this.#memory)
    if (this.#blocks === NONE) this.#blocks = [block]
    // Time goes on, but for a clock that was set back.
    else if (at === -1) this.#blocks.push(block)
    else this.#blocks.splice(at, 0, block)
    return block
  }
}
