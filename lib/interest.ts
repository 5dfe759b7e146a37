import { isReserved } from './event.js'

/** A prefix that is wanted from now on, or no longer. */
export type Change = readonly [prefix: Buffer, wanted: boolean]

/** What asks for everything, reserved types included. */
const EVERYTHING = [Buffer.alloc(0), Buffer.from('_')]

/**
 * What the subscribers of a publishing end want: the mirror of libzmq's own set of prefixes, so that nothing
 * is encoded that nobody asked for. ZeroMQ reports the first subscription to a prefix and the end of the last.
 *
 * It has a bound. Beyond it prefixes are no longer told apart, and everything is wanted instead: that costs traffic, and
 * nobody misses an event.
 */
export class Interest {
  /** Goes up with every change. */
  version = 0
  /** Prefixes beyond the limit. */
  beyond = 0
  /** Prefix -> since when, microseconds. Bytes as latin1 text: a prefix may end inside a UTF-8 character. */
  #prefixes = new Map<string, number>()
  #limit: number
  /** Since when everything is wanted. */
  #overflowed: number | undefined

  /** @param limit prefixes told apart */
  constructor(limit: number) {
    this.#limit = limit
  }

  /** Prefixes that are told apart. */
  get size(): number {
    return this.#prefixes.size
  }

  /** @returns what came to be wanted by that, or is no longer: mostly the prefix itself, or nothing */
  change(prefix: Buffer, wanted: boolean, micros: number): Change[] {
    this.version++
    const key = prefix.toString('latin1')
    if (wanted) {
      if (this.#prefixes.has(key)) return []
      if (this.#prefixes.size >= this.#limit) return this.#overflow(micros)
      this.#prefixes.set(key, micros)
    } else if (!this.#prefixes.delete(key)) {
      return this.beyond > 0 && --this.beyond === 0 ? this.#subside() : []
    }
    return this.#coversAll(key) ? [] : [[prefix, wanted]]
  }

  /** Nothing is wanted any more. @returns what was */
  clear(): Change[] {
    const gone = [...this.#prefixes.keys()].map((key): Change => [Buffer.from(key, 'latin1'), false])
    if (this.beyond > 0) gone.push(...this.#everything(false))
    this.#prefixes.clear()
    this.beyond = 0
    this.#overflowed = undefined
    this.version++
    return gone
  }

  /** Whether that very prefix is wanted. */
  has(prefix: Buffer): boolean {
    const key = prefix.toString('latin1')
    return this.#prefixes.has(key) || this.#coversAll(key)
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

  #overflow(micros: number): Change[] {
    this.beyond++
    if (this.beyond > 1) return []
    this.#overflowed = micros
    return this.#everything(true)
  }

  #subside(): Change[] {
    this.#overflowed = undefined
    return this.#everything(false)
  }

  #everything(wanted: boolean): Change[] {
    return EVERYTHING.filter((each) => !this.#prefixes.has(each.toString('latin1'))).map((each) => [
      each,
      wanted,
    ])
  }

  #coversAll(key: string): boolean {
    return this.beyond > 0 && (key === '' || key === '_')
  }
}

const latin1 = (text: string) => Buffer.from(text).toString('latin1')
