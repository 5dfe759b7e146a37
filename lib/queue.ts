import type { Message } from './wire.js'

export interface QueueOptions {
  /** Events held at most. */
  maxEvents: number
  /** Bytes of message bodies held at most. */
  maxBytes: number
  /** Which goes when it is full: what just came, or what has waited longest. */
  drop: 'newest' | 'oldest'
}

// A small received frame pins the whole 8 KiB block that libzmq read it into; kept for long, it is copied.
const COPY_BELOW = 8192

/**
 * The bounded queue between a socket, which must always be read, and a consumer that may be slow. Never
 * waits, never grows past its bounds, counts what it drops.
 */
export class MessageQueue {
  events = 0
  bytes = 0
  /** Events dropped because the queue was full. */
  dropped = 0
  #options: QueueOptions
  #items: Message[] = []
  #head = 0
  #wake: (() => void) | undefined

  constructor(options: QueueOptions) {
    this.#options = options
  }

  get empty(): boolean {
    return this.#head === this.#items.length
  }

  /** How full it is, from 0 to 1, by whichever bound is nearer. */
  get fill(): number {
    return Math.max(this.events / this.#options.maxEvents, this.bytes / this.#options.maxBytes)
  }

  push(message: Message): void {
    const { maxEvents, maxBytes, drop } = this.#options
    const size = message.body.length
    const full = () => this.events + message.count > maxEvents || this.bytes + size > maxBytes
    // What could never fit must not drive out what does.
    const fits = message.count <= maxEvents && size <= maxBytes
    if (drop === 'oldest' && fits) while (full()) this.dropped += this.#shift().count
    if (full()) {
      this.dropped += message.count
      return
    }
    if (size < COPY_BELOW) message.body = Buffer.from(message.body)
    this.#items.push(message)
    this.events += message.count
    this.bytes += size
    this.#wake?.()
  }

  /** Whole messages of up to so many events and bytes together, but at least one. */
  take(maxEvents: number, maxBytes: number): Message[] {
    const taken: Message[] = []
    let events = 0
    let bytes = 0
    while (!this.empty) {
      const { count, body } = this.#items[this.#head]!
      if (taken.length > 0 && (events + count > maxEvents || bytes + body.length > maxBytes)) break
      events += count
      bytes += body.length
      taken.push(this.#shift())
    }
    return taken
  }

  /** Drops all that is left and says how many events that were. */
  clear(): number {
    const events = this.events
    this.#items = []
    this.#head = this.events = this.bytes = 0
    return events
  }

  /** Resolves when there is something to take, or when `wake` is called. One waiter at a time. */
  wait(): Promise<void> {
    if (!this.empty) return Promise.resolve()
    return new Promise((resolve) => {
      this.#wake = () => {
        this.#wake = undefined
        resolve()
      }
    })
  }

  /** Lets a waiter look around without anything having come. */
  wake(): void {
    this.#wake?.()
  }

  #shift(): Message {
    const message = this.#items[this.#head]!
    // Kept as an array with a moving head: shift() of a long array moves all of it.
    this.#items[this.#head++] = undefined as unknown as Message
    if (this.#head > 1024 && this.#head * 2 > this.#items.length) {
      this.#items = this.#items.slice(this.#head)
      this.#head = 0
    }
    this.events -= message.count
    this.bytes -= message.body.length
    return message
  }
}
