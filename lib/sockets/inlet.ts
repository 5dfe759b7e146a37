import { type Logger, silent } from '../component.js'
import { MAX_TYPE_BYTES } from '../event.js'
import { type ConnectionCounters, sumConnections } from './connections.js'
import { Door, doorsOf, openAll } from './door.js'
import { type Finding, MemoryWatch, type WatchOptions } from './memory-watch.js'
import { SubscribingEnd, type SubscribingOptions } from './sockets.js'

/** Changes of subscriptions, some 70 bytes each, that may wait for a peer beside what is asked for. */
const MOST_WAITING = 100_000

export type InletOptions = SubscribingOptions & WatchOptions

/**
 * The receiving end with a bound on memory. libzmq may not have one itself: a full receive pipe lets a stranger
 * abort the process (see sockets.ts), so it takes all that comes, and what it holds cannot be seen. To ask a socket
 * whether messages wait is no way either: it can eat the wake-up of the pending receive, for good. So when the process has
 * grown too large and libzmq seems to be why (see memory-watch.ts), the socket is closed with all it holds and opened
 * again. The numbers of the streams tell afterwards, to the event, what that cost.
 */
export class Inlet {
  /** How often what libzmq held was thrown away. */
  resets = 0
  /** Messages of types that may not come in where they came. */
  forbidden = 0
  readonly endpoints: readonly string[]
  #options: InletOptions
  #log: Logger
  #onMessage: (frames: Buffer[]) => void
  #doors: Door<SubscribingEnd>[]
  /** Subscribed prefixes, as latin1 text: they are bytes. */
  #prefixes = new Set<string>()
  #watch: MemoryWatch

  constructor(options: InletOptions, onMessage: (frames: Buffer[]) => void) {
    this.#options = options
    this.#log = options.log ?? silent
    this.#onMessage = onMessage
    this.#doors = openAll(doorsOf(options), (each) => this.#open(each))
    this.endpoints = this.#doors.flatMap((door) => door.endpoints)
    this.#watch = new MemoryWatch(options, (finding) => this.#drop(finding))
  }

  get connections(): ConnectionCounters {
    return sumConnections(this.#doors)
  }

  subscribe(prefix: Buffer | string): void {
    this.#prefixes.add(Buffer.from(prefix).toString('latin1'))
    for (const { end } of this.#doors) end.subscribe(prefix)
    this.#dropStale()
  }

  unsubscribe(prefix: Buffer | string): void {
    this.#prefixes.delete(Buffer.from(prefix).toString('latin1'))
    for (const { end } of this.#doors) end.unsubscribe(prefix)
    this.#dropStale()
  }

  close(): void {
    this.#watch.close()
    for (const door of this.#doors) door.close()
  }

  #drop({ memory, why }: Finding): void {
    this.resets++
    this.#log.warn(
      { memory, maxMemory: this.#options.maxMemory },
      why === 'behind'
        ? 'cannot keep up; waiting messages are dropped'
        : 'messages without an end take the memory; they are dropped with all that waits',
    )
    for (const door of this.#doors) door.reopen()
  }

  /** A socket that is opened anew holds what is asked for now, and not how that came about. */
  #dropStale(): void {
    for (const door of this.#doors) {
      if (door.end.waiting <= MOST_WAITING + this.#prefixes.size) continue
      this.resets++
      this.#log.warn(
        { waiting: door.end.waiting },
        'changes of subscriptions wait for a peer that cannot be reached; its socket is opened anew',
      )
      door.reopen()
    }
  }

  #open(options: InletOptions): Door<SubscribingEnd> {
    const door: Door<SubscribingEnd> = new Door(
      { ...options, log: this.#log },
      (bind) => new SubscribingEnd({ ...options, bind }, (frames) => this.#take(door, frames)),
      {
        after: (end) => {
          for (const prefix of this.#prefixes) end.subscribe(Buffer.from(prefix, 'latin1'))
        },
      },
    )
    return door
  }

  #take({ types }: Door<SubscribingEnd>, frames: Buffer[]): void {
    for (const frame of frames) this.#watch.delivered += frame.length
    const topic = frames[0]!
    if (types === undefined || (topic.length <= MAX_TYPE_BYTES && types(topic.toString())))
      this.#onMessage(frames)
    else this.forbidden++
  }
}
