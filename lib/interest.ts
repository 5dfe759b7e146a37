import { isReserved } from './event.js'

/**
 * What the subscribers of a publishing end want: the mirror of libzmq's own set of prefixes, so that nothing
 * is encoded that nobody asked for. ZeroMQ reports the first subscription to a prefix and the end of the last.
 */
export class Interest {
  /** Goes up with every change. */
  version = 0
  /** Prefix -> since when, microseconds. Bytes as latin1 text: a prefix may end inside a UTF-8 character. */
  #prefixes = new Map<string, number>()
  #limit: number
  #overflowed: number | undefined

  /** @param limit prefixes remembered; beyond it everything counts as wanted, which is safe but not lean. */
  constructor(limit = 100_000) {
    this.#limit = limit
  }

  get size(): number {
    return this.#prefixes.size
  }

  change(prefix: Buffer, wanted: boolean, micros: number): void {
    const key = prefix.toString('latin1')
    if (!wanted) this.#prefixes.delete(key)
    else if (this.#prefixes.size < this.#limit) this.#prefixes.set(key, this.#prefixes.get(key) ?? micros)
    else this.#overflowed ??= micros
    if (this.#prefixes.size === 0) this.#overflowed = undefined
    this.version++
  }

  /** Since when events of this type are wanted without a break, microseconds; undefined when they are not. */
  since(type: string): number | undefined {
    const topic = latin1(type)
    let since = this.#overflowed
    // The empty prefix stands for wildcards, which do not ask for reserved types.
    for (let end = isReserved(type) ? 1 : 0; end <= topic.length; end++) {
      const at = this.#prefixes.get(topic.slice(0, end))
      if (at !== undefined && (since === undefined || at < since)) since = at
    }
    return since
  }

  /** Whether some subscription could bring events under this literal prefix to somebody. */
  touches(prefix: string): boolean {
    if (this.since(prefix) !== undefined) return true
    const start = latin1(prefix)
    for (const each of this.#prefixes.keys()) if (each.startsWith(start)) return true
    return false
  }
}

const latin1 = (text: string) => Buffer.from(text).toString('latin1')
