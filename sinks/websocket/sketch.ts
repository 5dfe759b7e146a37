/** Neighbouring buckets differ by this factor, so that their middles are within 1 % of every value in them. */
const GAMMA = 1.02
const SCALE = 1 / Math.log(GAMMA)
const MIDDLE = 2 / (1 + GAMMA)
/** Smaller values, and negative ones, count as 0. */
const SMALLEST = 1e-9
/** 17 decades; when values spread wider, the smallest ones share a bucket. */
const MAX_BUCKETS = 2048
const GROWTH = 64

/** Percentiles within 1 % of the value, of any number of values; two of them add up to one. */
export class Sketch {
  n = 0
  #zeros = 0
  /** Number of the bucket that `#counts[0]` is. */
  #low = 0
  #counts = new Uint32Array(0)

  add(value: number): void {
    this.n++
    if (value < SMALLEST) this.#zeros++
    else {
      const bucket = Math.ceil(Math.log(value) * SCALE)
      const at = bucket - this.#low
      if (at >= 0 && at < this.#counts.length) this.#counts[at]!++
      else this.#grow(bucket, 1)
    }
  }

  merge(other: Sketch): void {
    if (other.n === 0) return
    this.n += other.n
    this.#zeros += other.#zeros
    for (let i = other.#counts.length - 1; i >= 0; i--) {
      const count = other.#counts[i]!
      if (count > 0) this.#grow(other.#low + i, count)
    }
  }

  clear(): void {
    this.n = this.#zeros = 0
    // A wide one may have its place where the next values are not.
    if (this.#counts.length > MAX_BUCKETS / 4) this.#counts = new Uint32Array(0)
    else this.#counts.fill(0)
  }

  /** The value below which the share `q` (0 to 1) of the values lies; 0 when there are none. */
  quantile(q: number): number {
    let rest = Math.ceil(q * this.n) - this.#zeros
    if (rest <= 0) return 0
    let i = 0
    for (; i < this.#counts.length; i++) {
      rest -= this.#counts[i]!
      if (rest <= 0) break
    }
    return GAMMA ** (this.#low + i) * MIDDLE
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
