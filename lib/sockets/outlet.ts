import { type Logger, silent } from '../component.js'
import { type Change, Interest } from '../interest.js'
import { type ConnectionCounters, sumConnections } from './connections.js'
import { Door, doorsOf, openAll } from './door.js'
import { type Finding, MemoryWatch, type WatchOptions } from './memory-watch.js'
import { Seldom } from './seldom.js'
import { PublishingEnd, type PublishingOptions } from './sockets.js'

export interface OutletOptions extends PublishingOptions, WatchOptions {
  /** Prefixes told apart; beyond it everything is wanted. */
  maxSubscriptions: number
  /** Longest prefix; longer ones ask for nothing. */
  maxTopicBytes: number
  log?: Logger
}

/** Subscriptions that were not taken as they came, by reason. */
export type LimitedSubscriptions = { tooLong: number; tooMany: number }

/** Called when a prefix comes to be wanted, and when it is no longer; `micros` is when. */
type OnChange = (prefix: Buffer, wanted: boolean, micros: number) => void

/** Subscriptions beyond the limit between two looks at the memory: they come faster than the clock goes. */
const BEYOND_PER_LOOK = 1000

/** A socket, and what is wanted there. */
interface Way {
  door: Door<PublishingEnd>
  interest: Interest
}

/** The way out: what is sent goes to all who may have it, and what they want is wanted here, once. */
export class Outlet {
  readonly endpoints: readonly string[]
  /** What is wanted, by whomever. */
  readonly interest: Interest
  readonly limited: LimitedSubscriptions = { tooLong: 0, tooMany: 0 }
  /** How often a socket was closed with all its subscriptions. */
  resets = 0
  #options: OutletOptions
  #log: Logger
  #seldom: Seldom
  #ways: Way[] = []
  #foreignBefore = 0
  #watch: MemoryWatch
  #onChange: OnChange

  constructor(options: OutletOptions, onChange: OnChange) {
    this.#options = options
    this.#log = options.log ?? silent
    this.#seldom = new Seldom(options.clock)
    this.#onChange = onChange
    openAll(doorsOf(options), (each) => this.#open(each))
    // What is wanted at one door alone needs no second book.
    this.interest = this.#ways.length === 1 ? this.#ways[0]!.interest : new Interest(options.maxSubscriptions)
    this.endpoints = this.#ways.flatMap(({ door }) => door.endpoints)
    this.#watch = new MemoryWatch(options, (finding) => this.#dropUnfinished(finding))
  }

  get connections(): ConnectionCounters {
    return sumConnections(this.#ways.map(({ door }) => door))
  }

  /** Frames from subscribers that were no subscriptions. */
  get foreign(): number {
    return this.#ways.reduce((sum, { door }) => sum + door.end.foreign, this.#foreignBefore)
  }

  /** Hands a message over. Buffers above 128 bytes are not copied and must not be touched again. */
  send(topic: Buffer, body: Buffer): void {
    for (const { door } of this.#ways) {
      if (door.types === undefined || door.types(topic.toString())) door.end.send(topic, body)
    }
  }

  /** @param linger how long libzmq may go on sending what it holds, in the background; milliseconds. */
  close(linger = 0): void {
    this.#watch.close()
    for (const { door } of this.#ways) door.close(linger)
  }

  #open(options: OutletOptions): Door<PublishingEnd> {
    const interest = new Interest(options.maxSubscriptions)
    const door = new Door<PublishingEnd>(
      { ...options, log: this.#log },
      (bind) =>
        new PublishingEnd({ ...options, bind }, (prefix, wanted) =>
          this.#onSubscription(way, prefix, wanted),
        ),
      {
        before: () => {
          this.#foreignBefore += door.end.foreign
          // Nobody tells of them any more: their connections are gone.
          this.#pass(way, interest.clear(), options.clock.micros())
        },
      },
    )
    const way = { door, interest }
    this.#ways.push(way)
    return door
  }

  #onSubscription(way: Way, prefix: Buffer, wanted: boolean): void {
    if (prefix.length > this.#options.maxTopicBytes) {
      if (wanted) this.#limit('tooLong', 'a subscription is longer than maxTopicBytes; it brings nothing')
      return
    }
    const before = way.interest.beyond
    const micros = this.#options.clock.micros()
    this.#pass(way, way.interest.change(prefix, wanted, micros), micros)
    if (way.interest.beyond <= before) return
    this.#limit('tooMany', 'there are more subscriptions than maxSubscriptions; everything is asked for')
    if (way.interest.beyond % BEYOND_PER_LOOK === 0 && this.#watch.exceeded) this.#dropSubscriptions(way)
  }

  /** What has changed at one door changes something for all when no other door wants it. */
  #pass(way: Way, changes: readonly Change[], micros: number): void {
    for (const [prefix, wanted] of changes) {
      if (way.interest === this.interest) this.#onChange(prefix, wanted, micros)
      else if (!this.#ways.some((other) => other !== way && other.interest.has(prefix))) {
        for (const change of this.interest.change(prefix, wanted, micros)) this.#onChange(...change, micros)
      }
    }
  }

  #limit(reason: keyof LimitedSubscriptions, message: string): void {
    this.limited[reason]++
    if (this.#seldom.isDue(reason)) this.#log.warn({ [reason]: this.limited[reason] }, message)
  }

  /** What a subscriber sends has no bound in libzmq until its last frame. Whoever is behind is so at the other end. */
  #dropUnfinished({ memory, why }: Finding): void {
    if (why !== 'unfinished') return
    this.resets++
    this.#log.warn(
      { memory, maxMemory: this.#options.maxMemory },
      'subscribers send messages without an end; all are dropped',
    )
    for (const { door } of this.#ways) door.reopen()
  }

  /**
   * libzmq keeps each subscription, about 2 KB of memory, and cannot be told to forget one of a peer's. What can be done
   * is to close the socket, which frees all, and open it again: the others dial again, and know what they miss.
   */
  #dropSubscriptions(way: Way): void {
    this.resets++
    this.#log.warn(
      { maxMemory: this.#options.maxMemory, beyond: way.interest.beyond },
      'subscriptions take the memory; all are dropped',
    )
    way.door.reopen()
  }
}
