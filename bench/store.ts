import type { Hit } from './event.js'

/** What `bench/stores` needs to know of one store; the default export of `store-<name>.ts`. */
export interface StoreBench<Place = unknown> {
  /** What the sink is compared with, in a few words. */
  loop: string
  /** Starts whatever has to run and says where it is, as JSON; undefined and why, when it cannot run here. */
  start(): Promise<{ place: Place; stop(): PromiseLike<void> } | string>
  /** The options of the sink of that name. */
  sink(place: Place): object
  /**
   * The fastest way to store that the driver has, with what the sink makes too (the same indexes, the same durability):
   * connects, and returns what stores the events and resolves when all are there.
   */
  open(place: Place): Promise<(events: Iterable<StoredHit>) => Promise<unknown>>
  /** Everything that is there now, and then empties it. */
  take(place: Place): AsyncIterable<Hit>
}

/** An event as a sink has it. */
export interface StoredHit {
  time: Date
  type: string
  source: string
  epoch: number
  seq: number
  data: Hit
}

export async function loadStore(name: string): Promise<StoreBench> {
  return (await import(`./store-${name}.js`)).default
}
