import { EventBatch } from './batch.js'
import { systemClock } from './clock.js'
import { type Running, type Status, silent } from './component.js'
import type { Counters } from './counter-info.js'
import { Lifecycle } from './lifecycle.js'
import type { Stream } from './loss.js'
import { parseOptions, z } from './options.js'
import { MessageQueue } from './queue.js'
import { Receiver, type ReceiverCounters, receiverOptions } from './receiver.js'
import type { Ambient } from './sink.js'
import { queueOptions } from './sink-options.js'

/** What can be set of a subscription. */
export const subscribeOptions = z.strictObject({ ...receiverOptions.shape, ...queueOptions.shape })

/** Options of `subscribe` as a user writes them, with what an application may hand over beside. */
export type SubscribeOptions = z.input<typeof subscribeOptions> & Ambient

export interface SubscriptionCounters extends ReceiverCounters, Counters {
  /** Events handed out in batches. */
  taken: number
  /** Events that were received and not handed out. */
  dropped: { overflow: number; undecodable: number; shutdown: number }
  queued: number
  queuedBytes: number
}

/** Batches as they come, for those who want no class. */
export interface Subscription extends Running, AsyncIterable<EventBatch> {
  readonly endpoints: readonly string[]
  /** What it has counted so far. */
  counters(): SubscriptionCounters
  /** What is known of each stream. */
  streams(): Iterable<Stream>
}

/**
 * Subscribes, and hands out what comes batch by batch. While the loop's body is busy, events wait in a bounded
 * queue and are dropped and counted beyond it. Leaving the loop closes the subscription.
 *
 *     for await (const batch of subscribe({ subscribe: ['http.**'] })) {
 *       for (const event of batch) console.log(event.type, event.data)
 *     }
 *
 * @throws OPTIONS_INVALID, PATTERN_INVALID, ENDPOINT_INVALID, KEY_INVALID, BIND_INSECURE, BIND_FAILED, CONNECT_FAILED
 */
export function subscribe(options: SubscribeOptions = {}): Subscription {
  return new QueuedSubscription(options)
}

class QueuedSubscription implements Subscription {
  #options: z.output<typeof subscribeOptions>
  #life = new Lifecycle()
  #receiver: Receiver
  #queue: MessageQueue
  #taken = 0
  #undecodable = 0
  #shutdown = 0

  constructor(options: SubscribeOptions) {
    const { clock = systemClock, log = silent, random: _, ...given } = options
    this.#options = parseOptions(subscribeOptions, given, 'subscribe')
    const { queueEvents, queueBytes, queueDrop } = this.#options
    this.#queue = new MessageQueue({ maxEvents: queueEvents, maxBytes: queueBytes, drop: queueDrop })
    this.#receiver = new Receiver({ ...this.#options, clock, log }, (message) => this.#queue.push(message))
    this.#life.running()
  }

  get status(): Status {
    return this.#life.status
  }

  get ended(): Promise<void> {
    return this.#life.ended
  }

  get endpoints(): readonly string[] {
    return this.#receiver.endpoints
  }

  streams(): Iterable<Stream> {
    return this.#receiver.ledger.streams()
  }

  counters(): SubscriptionCounters {
    return {
      ...this.#receiver.counters(),
      taken: this.#taken,
      dropped: { overflow: this.#queue.dropped, undecodable: this.#undecodable, shutdown: this.#shutdown },
      queued: this.#queue.events,
      queuedBytes: this.#queue.bytes,
    }
  }

  /** Receives no more; the loop gets what is queued and then ends. */
  drain(): Promise<void> {
    return this.#life.stop(() => {
      this.#receiver.close()
      this.#queue.wake()
    })
  }

  async close(): Promise<void> {
    this.#shutdown += this.#queue.clear()
    await this.drain()
    // What was being received in that moment has come in after all.
    this.#shutdown += this.#queue.clear()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<EventBatch, void> {
    const { batchEvents, batchBytes } = this.#options
    try {
      while (!this.#queue.empty || this.status === 'running') {
        await this.#queue.wait()
        if (this.#queue.empty) continue
        const batch = new EventBatch(this.#queue.take(batchEvents, batchBytes))
        this.#taken += batch.size
        try {
          yield batch
        } finally {
          this.#taken -= batch.undecodable
          this.#undecodable += batch.undecodable
        }
      }
    } finally {
      await this.close()
    }
  }
}
