import type { Clock } from '../clock.js'

/** What is known of an end's connections; `opened - disconnected` are open. */
export type ConnectionCounters = {
  /** Made, before anything was said. */
  opened: number
  /** Whose handshake succeeded. */
  connected: number
  disconnected: number
  /** Handshakes that failed: not ZeroMQ, another version, not allowed, too many, or not done in time. */
  refused: number
  /** The part of `refused` that was not done in time. */
  timedOut: number
  /** The part of `refused` that was one connection too many. */
  overCount: number
  /** The part of `refused` that came too soon after others of the same key. */
  overRate: number
}

export const noConnections = (): ConnectionCounters => ({
  opened: 0,
  connected: 0,
  disconnected: 0,
  refused: 0,
  timedOut: 0,
  overCount: 0,
  overRate: 0,
})

/** The sum of what several sockets count. */
export function sumConnections(ends: readonly { connections: ConnectionCounters }[]): ConnectionCounters {
  const sum = noConnections()
  for (const { connections } of ends) {
    for (const key of Object.keys(sum) as (keyof ConnectionCounters)[]) sum[key] += connections[key]
  }
  return sum
}

export interface ConnectionLimits {
  /** Peers at an endpoint that is bound; with keys, those that were let in. */
  maxConnections: number
  /** Handshakes a second for one key. */
  maxConnectionRate: number
  /** Time for a handshake, milliseconds. */
  handshakeTimeout: number
}

/** Keys whose rate is watched within one second. */
const MAX_KEYS = 10_000

/**
 * How many peers one end has, from what libzmq tells of its connections, and whether there is room for one more. It
 * tells of each connection that ends, but not whether that one had been let in: those that failed are told of before,
 * save peers of ancient versions. So whenever nobody has come for longer than a handshake may take, all that are open
 * have been let in, and the count is set right by that.
 */
export class Connections {
  readonly counters = noConnections()
  #limits: ConnectionLimits
  #clock: Clock
  #openedAt: number
  /** Of those that were let in, how many have gone. */
  #left = 0
  /** Refused, and not closed yet. */
  #leaving = 0
  /** Let in, and not told of yet. */
  #coming = 0
  #second = 0
  #rates = new Map<string, number>()

  constructor(limits: ConnectionLimits, clock: Clock) {
    this.#limits = limits
    this.#clock = clock
    this.#openedAt = clock.now()
  }

  opened(): void {
    const now = this.#clock.now()
    const { counters } = this
    if (now - this.#openedAt > this.#limits.handshakeTimeout) {
      this.#left = counters.connected - (counters.opened - counters.disconnected)
      this.#leaving = 0
      this.#coming = 0
    }
    this.#openedAt = now
    counters.opened++
  }

  connected(): void {
    this.counters.connected++
    if (this.#coming > 0) this.#coming--
  }

  refused(timedOut = false): void {
    this.counters.refused++
    if (timedOut) this.counters.timedOut++
    this.#leaving++
  }

  disconnected(): void {
    this.counters.disconnected++
    if (this.#leaving > 0) this.#leaving--
    else this.#left++
  }

  /** Peers that were let in and are there. */
  get peers(): number {
    return Math.max(0, this.counters.connected - this.#left)
  }

  /**
   * Whether there is room for one more peer, which is then expected; if not, it is counted.
   * @param key undefined where there are no keys
   */
  admit(key: string | undefined): 'admitted' | 'overCount' | 'overRate' {
    const verdict =
      this.peers + this.#coming >= this.#limits.maxConnections
        ? 'overCount'
        : key !== undefined && this.#rateOf(key) > this.#limits.maxConnectionRate
          ? 'overRate'
          : 'admitted'
    if (verdict === 'admitted') this.#coming++
    else this.counters[verdict]++
    return verdict
  }

  /** How often the key has come within this second. */
  #rateOf(key: string): number {
    const second = Math.floor(this.#clock.now() / 1000)
    if (second !== this.#second || this.#rates.size >= MAX_KEYS) this.#rates.clear()
    this.#second = second
    const count = (this.#rates.get(key) ?? 0) + 1
    this.#rates.set(key, count)
    return count
  }
}
