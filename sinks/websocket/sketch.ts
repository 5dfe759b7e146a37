/** Neighbouring buckets differ by this factor, so that their middles are within 1 % of every value in them. */
const GAMMA = 1.02
const SCALE = 1 / Math.log(GAMMA)
const MIDDLE = 2 / (1 + GAMMA)
/** Smaller values, and negative ones, count as 0. */
const SMALLEST = 1e-9
/** 17 decades; when values spread wider, the smallest ones share a bucket. */
const MAX_BUCKETS = 2048
const GROWTH = 64
/** So many values are kept one by one. */
const FEW = 16
const NONE = new Uint32Array(0)

/** Percentiles within 1 % of the value, of any number of values; two of them add up to one. */
export class Sketch {
  n = 0
  #zeros = 0
  /** Number of the bucket that `#counts[0]` is. */
  #low = 0
  #counts = NONE
  /** The buckets of the first values, in the order in which they came; undefined once they are counted instead. */
  #few: number[] | undefined

  add(value: number): void {
    this.n++
    if (value < SMALLEST) this.#zeros++
    else {
      const bucket = Math.ceil(Math.log(value) * SCALE)
      const at = bucket - this.#low
      if (at >= 0 && at < this.#counts.length) this.#counts[at]!++
      else if (this.#counts === NONE && this.#isAmongFew(bucket)) return
      else this.#grow(bucket, 1)
    }
  }

  merge(other: Sketch): void {
    if (other.n === 0) return
    this.n += other.n
    this.#zeros += other.#zeros
    for (const bucket of other.#few ?? []) {
      if (this.#counts !== NONE || !this.#isAmongFew(bucket)) this.#grow(bucket, 1)
    }
    if (other.#counts !== NONE) this.#countFew()
    for (let i = other.#counts.length - 1; i >= 0; i--) {
      const count = other.#counts[i]!
      if (count > 0) this.#grow(other.#low + i, count)
    }
  }

  clear(): void {
    // A wide one may have its place where the next values are not, and few values need none.
    if (this.n <= FEW || this.#counts.length > MAX_BUCKETS / 4) this.#counts = NONE
    else this.#counts.fill(0)
    this.n = this.#zeros = 0
    this.#few = undefined
  }

  /** The value below which the share `q` (0 to 1) of the values lies; 0 when there are none. */
  quantile(q: number): number {
    let rest = Math.ceil(q * this.n) - this.#zeros
    if (rest <= 0) return 0
    if (this.#few) {
      const sorted = this.#few.length > 1 ? this.#few.sort((a, b) => a - b) : this.#few
      return GAMMA ** sorted[Math.min(rest, sorted.length) - 1]! * MIDDLE
    }
    let i = 0
    for (; i < this.#counts.length; i++) {
      rest -= this.#counts[i]!
      if (rest <= 0) break
    }
    return GAMMA ** (this.#low + i) * MIDDLE
  }

  /** Whether there was room for it among the values that are kept one by one. */
  #isAmongFew(bucket: number): boolean {
    if (this.#few === undefined) {
      this.#few = [bucket]
      return true
    }
    if (this.#few.length < FEW) {
      this.#few.push(bucket)
      return true
    }
    this.#countFew()
    return false
  }

  /** From now on values are counted. */
  #countFew(): void {
    const few = this.#few ?? []
    this.#few = undefined
    for (const bucket of few) this.#grow(bucket, 1)
  }

  #grow(bucket: number, count: number): void {
    // First the room: it is another array then.
    const at = this.#reach(bucket)
    this.#counts[at]! += count
  }

  /** Where that bucket is, made room for. */
  #reach(bucket: number): number {
    const { length } = this.#counts
    const high = this.#low + length
    if (length > 0 && bucket >= this.#low && bucket < high) return bucket - this.#low
    let low = length === 0 ? bucket - GROWTH / 2 : Math.min(this.#low, bucket - GROWTH / 2)
    const end = length === 0 ? bucket + GROWTH / 2 : Math.max(high, bucket + GROWTH / 2)
    low = Math.max(low, end - MAX_BUCKETS)
    const counts = new Uint32Array(end - low)
    for (let i = 0; i < length; i++) counts[Math.max(0, this.#low + i - low)]! += this.#counts[i]!
    this.#counts = counts
    this.#low = low
    return Math.max(0, bucket - low)
  }
}
