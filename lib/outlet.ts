import type { Clock } from './clock.js'
import { type Logger, silent } from './component.js'
import { Door, doorsOf, openAll, sumConnections } from './door.js'
import { type ConnectionCounters, PublishingEnd, type PublishingOptions } from './sockets.js'

export interface OutletOptions extends PublishingOptions {
  clock: Clock
  log?: Logger
}

/** A socket, and the prefixes that are wanted there, as latin1 text: they are bytes. */
interface Way {
  door: Door<PublishingEnd>
  prefixes: Set<string>
}

/** The way out: what is sent goes to all who may have it, and what they want is wanted here, once. */
export class Outlet {
  readonly endpoints: readonly string[]
  #log: Logger
  #ways: Way[]
  #foreignBefore = 0
  #onSubscription: (prefix: Buffer, wanted: boolean) => void

  /** @param onSubscription called for the first subscription to a prefix and after the last one is gone. */
  constructor(options: OutletOptions, onSubscription: (prefix: Buffer, wanted: boolean) => void) {
    this.#log = options.log ?? silent
    this.#onSubscription = onSubscription
    this.#ways = []
    openAll(doorsOf(options), (each) => this.#open(each))
    this.endpoints = this.#ways.flatMap(({ door }) => door.endpoints)
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
    for (const { door } of this.#ways) door.close(linger)
  }

  #open(options: OutletOptions): Door<PublishingEnd> {
    const prefixes = new Set<string>()
    const door = new Door<PublishingEnd>(
      { ...options, log: this.#log },
      (bind) =>
        new PublishingEnd({ ...options, bind }, (prefix, wanted) => this.#onChange(prefixes, prefix, wanted)),
      {
        before: () => {
          this.#foreignBefore += door.end.foreign
          // Nobody tells of them any more: their connections are gone.
          for (const prefix of [...prefixes]) this.#onChange(prefixes, Buffer.from(prefix, 'latin1'), false)
        },
      },
    )
    this.#ways.push({ door, prefixes })
    return door
  }

  #onChange(prefixes: Set<string>, prefix: Buffer, wanted: boolean): void {
    const text = prefix.toString('latin1')
    if (wanted) prefixes.add(text)
    else prefixes.delete(text)
    // What others want as well begins or ends with none of them.
    const elsewhere = this.#ways.some((way) => way.prefixes !== prefixes && way.prefixes.has(text))
    if (!elsewhere) this.#onSubscription(prefix, wanted)
  }
}
