/** Buckets in a block: what is allocated at once. */
const BLOCK = 128

/** A bound that many share: what is used of it, and how often something did not fit. */
export class Budget {
  used = 0
  refused = 0
  readonly limit: number

  constructor(limit: number) {
    this.limit = limit
  }

  take(amount: number): boolean {
    if (this.used + amount > this.limit) {
      this.refused++
      return false
    }
    this.used += amount
    return true
  }

  give(amount: number): void {
    this.used -= amount
  }
}

interface Block {
  /** Number of its first bucket, counted from 1970 in steps. */
  first: number
  columns: number
  values: Float32Array
}

/**
 * The last `length` buckets of a series, in a few columns, the first of which is above 0 where there is something.
 * Blocks are made when something happens in their time and given back when it is past, so that a series in which little
 * happens costs little.
 */
export class Ring {
  #blocks: (Block | undefined)[] = []
  #length: number
  #memory: Budget

  constructor(length: number, memory: Budget) {
    this.#length = length
    this.#memory = memory
  }

  get empty(): boolean {
    return this.#blocks.every((block) => block === undefined)
  }

  /** Writes a bucket, unless the memory is used up. */
  write(bucket: number, values: ArrayLike<number>, columns: number): void {
    const block = this.#reach(bucket, columns)
    if (block === undefined) return
    const at = (bucket - block.first) * block.columns
    for (let i = 0; i < block.columns; i++) block.values[at + i] = values[i] ?? 0
  }

  /** Calls with each bucket from `from` up to but without `to` that has something, and where its columns begin. */
  read(
    from: number,
    to: number,
    call: (bucket: number, values: Float32Array, at: number, columns: number) => void,
  ): void {
    const blocks = this.#blocks.filter((block) => block !== undefined && block.first < to) as Block[]
    for (const { first, columns, values } of blocks.sort((a, b) => a.first - b.first)) {
      const end = Math.min(to, first + BLOCK)
      for (let bucket = Math.max(from, first); bucket < end; bucket++) {
        const at = (bucket - first) * columns
        if (values[at]! > 0) call(bucket, values, at, columns)
      }
    }
  }

  /** Gives back what is older than the ring is long. */
  sweep(newest: number): void {
    for (const [i, block] of this.#blocks.entries()) {
      if (block !== undefined && block.first + BLOCK <= newest - this.#length) this.#free(i)
    }
  }

  /** Gives back everything. */
  clear(): void {
    for (let i = 0; i < this.#blocks.length; i++) this.#free(i)
  }

  #reach(bucket: number, columns: number): Block | undefined {
    const first = bucket - (bucket % BLOCK)
    const place = (first / BLOCK) % (Math.ceil(this.#length / BLOCK) + 1)
    const known = this.#blocks[place]
    if (known?.first === first && known.columns >= columns) return known
    // A series that has got percentiles goes on in wider rows; what it has had of this block stays.
    const wider = known?.first === first ? known : undefined
    if (!wider) this.#free(place)
    if (!this.#memory.take(BLOCK * columns * 4)) return wider
    const block = { first, columns, values: new Float32Array(BLOCK * columns) }
    if (wider) {
      for (let i = 0; i < BLOCK; i++) {
        const row = wider.values.subarray(i * wider.columns, (i + 1) * wider.columns)
        block.values.set(row, i * columns)
      }
      this.#free(place)
    }
    while (this.#blocks.length <= place) this.#blocks.push(undefined)
    this.#blocks[place] = block
    return block
  }

  #free(place: number): void {
    const block = this.#blocks[place]
    if (block === undefined) return
    this.#memory.give(block.values.byteLength)
    this.#blocks[place] = undefined
  }
}
