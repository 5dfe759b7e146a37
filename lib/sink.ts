import { EventBatch } from './batch.js'
import { type Clock, pause, systemClock } from './clock.js'
import {
  type Context,
  type Counters,
  type EventSink,
  type Logger,
  type Running,
  type Status,
  silent,
} from './component.js'
import { reason, SinkError, type Steer } from './errors.js'
import { Lifecycle } from './lifecycle.js'
import type { Stream } from './loss.js'
import { byteSize, duration, parseOptions, z } from './options.js'
import { MessageQueue } from './queue.js'
import { Receiver, type ReceiverCounters, receiverOptions } from './receiver.js'

/** Bounds of the queue between the socket and whoever takes the batches. */
export const queueOptions = z.strictObject({
  queueEvents: z.int().min(1).default(100_000).meta({ description: 'Events held for a slow sink at most.' }),
  queueBytes: byteSize().prefault('64MiB').meta({ description: 'Bytes held for a slow sink at most.' }),
  queueDrop: z
    .enum(['newest', 'oldest'])
    .default('newest')
    .meta({ description: 'Which events go when the queue is full.', argument: 'which' }),
  batchEvents: z.int().min(1).default(1000).meta({ description: 'Events in one write at most, about.' }),
  batchBytes: byteSize().prefault('1MiB').meta({ description: 'Bytes in one write at most, about.' }),
})

export const sinkOptions = z.strictObject({
  ...receiverOptions.shape,
  ...queueOptions.shape,
  batchWait: duration().prefault(0).meta({
    description: 'How long a write may wait until its batch is full. 0: what is there goes at once.',
  }),
  retries: z
    .int()
    .min(0)
    .default(5)
    .meta({ description: 'Further attempts at a write that failed, before its batch is dropped.' }),
  retryWait: duration()
    .prefault('100ms')
    .meta({ description: 'Wait before the first further attempt; doubles up to 30s, with jitter.' }),
  writeTimeout: duration()
    .prefault('30s')
    .meta({ description: 'How long one write may take before its signal aborts.' }),
  drainTimeout: duration()
    .prefault('5s')
    .meta({ description: 'How long a drain may go on writing what is queued.' }),
})

/** What an application may hand over beside the options: time, chance, and where to log. */
export interface Ambient {
  clock?: Clock
  /** From 0 up to but without 1, for jitter. */
  random?: () => number
  log?: Logger
}

export type SinkOptions = z.input<typeof sinkOptions> & Ambient & { name?: string }

export type DropReason = 'overflow' | 'failed' | 'rejected' | 'undecodable' | 'shutdown'

/** `received = written + dropped + queued`, at any moment. */
export interface SinkCounters extends ReceiverCounters, Counters {
  /** Events that `write` returned for. */
  written: number
  writes: number
  /** Events that were received and not written, by reason. */
  dropped: Record<DropReason, number>
  /** Events waiting or being written. */
  queued: number
  queuedBytes: number
  /** Further attempts at a write. */
  retried: number
  /** Times the sink was opened again. */
  reconnected: number
}

const MAX_RETRY_WAIT = 30_000

/** A sink at work: received events are queued, and written in batches. */
export interface AttachedSink extends Running {
  /** Where it listens, with the real port where the system chose one. */
  readonly endpoints: readonly string[]
  counters(): SinkCounters
  /** What is known of each stream. */
  streams(): Iterable<Stream>
}

/**
 * Attaches a sink to the bus. Resolves once it is subscribed and its `open` has worked or failed in a way that
 * is tried again (in the background, for as long as it takes).
 *
 *     const sink = { write: async (batch) => { for (const event of batch) await store(event) } }
 *     await using running = await attach(sink, { subscribe: ['http.**'] })
 *
 * @throws OPTIONS_INVALID, PATTERN_INVALID, ENDPOINT_INVALID, BIND_FAILED; SINK_FAILED when `open` says `stop`
 */
export async function attach(sink: EventSink, options: SinkOptions = {}): Promise<AttachedSink> {
  const runner = new SinkRunner(sink, options)
  await runner.opened
  return runner
}

class SinkRunner implements AttachedSink {
  /** Settles after the first attempt to open. */
  readonly opened: Promise<void>
  #sink: EventSink
  #options: z.output<typeof sinkOptions>
  #context: Context
  #random: () => number
  #life = new Lifecycle()
  #receiver: Receiver
  #queue: MessageQueue
  #isOpen = false
  /** Aborted when waiting makes no sense any more: at a drain's deadline, or at close. */
  #halt = new AbortController()
  /** Aborted when one call has taken too long; renewed for the next. */
  #patience = new AbortController()
  #giveUp: (error: SinkError) => void = () => {}
  #draining = false
  #working: Promise<void>
  #inHand = 0
  #counts = { written: 0, writes: 0, retried: 0, reconnected: 0 }
  #dropped: Omit<Record<DropReason, number>, 'overflow'> = {
    failed: 0,
    rejected: 0,
    undecodable: 0,
    shutdown: 0,
  }

  constructor(sink: EventSink, options: SinkOptions) {
    const { clock = systemClock, random = Math.random, log = silent, name = 'sink', ...given } = options
    this.#options = parseOptions(sinkOptions, given, 'attach')
    this.#sink = sink
    this.#context = { name, clock, log }
    this.#random = random
    const { queueEvents, queueBytes, queueDrop } = this.#options
    this.#queue = new MessageQueue({ maxEvents: queueEvents, maxBytes: queueBytes, drop: queueDrop })
    this.#receiver = new Receiver({ ...this.#options, clock, log }, (message) => this.#queue.push(message))
    let settle!: (error?: unknown) => void
    this.opened = new Promise((resolve, reject) => {
      settle = (error) => (error === undefined ? resolve() : reject(error))
    })
    this.#working = this.#work(settle)
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

  counters(): SinkCounters {
    return {
      ...this.#receiver.counters(),
      ...this.#counts,
      dropped: { overflow: this.#queue.dropped, ...this.#dropped },
      queued: this.#queue.events + this.#inHand,
      queuedBytes: this.#queue.bytes,
      ...this.#sink.counters?.(),
    }
  }

  drain(timeout = this.#options.drainTimeout): Promise<void> {
    return this.#life.stop(async () => {
      this.#draining = true
      this.#receiver.close()
      this.#queue.wake()
      const cancel = this.#context.clock.after(timeout, () => this.#stopWaiting())
      await this.#working
      cancel()
    })
  }

  async close(): Promise<void> {
    const drained = this.drain(0)
    this.#stopWaiting()
    await drained
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.drain()
  }

  /** The life of the sink: open, write until stopped, close. */
  async #work(opened: (error?: unknown) => void): Promise<void> {
    try {
      if (await this.#open(opened)) await this.#writeAll()
      this.#dropped.shutdown += this.#queue.clear()
      await this.#closeSink()
    } catch (error) {
      this.#dropped.shutdown += this.#queue.clear()
      this.#receiver.close()
      this.#context.log.error({ error: reason(error) }, 'sink stopped')
      opened(error)
      // Not awaited: the end of #work is part of it.
      void this.#life.fail(error, () => this.#closeSink()).catch(() => {})
    }
  }

  async #writeAll(): Promise<void> {
    const { batchEvents, batchBytes, batchWait } = this.#options
    while (!this.#halt.signal.aborted) {
      if (this.#queue.empty) {
        if (this.#draining) return
        await this.#queue.wait()
        continue
      }
      if (batchWait > 0 && !this.#draining && this.#queue.events < batchEvents) {
        await pause(this.#context.clock, batchWait, this.#halt.signal)
      }
      await this.#write(
        new EventBatch(this.#queue.take(batchEvents, batchBytes), (bad) => this.#countUndecodable(bad)),
      )
    }
  }

  #countUndecodable(count: number): void {
    this.#dropped.undecodable += count
    this.#inHand -= count
  }

  /** One batch, until it is written or dropped. */
  async #write(batch: EventBatch): Promise<void> {
    this.#inHand = batch.size
    for (let attempt = 0; ; attempt++) {
      try {
        await this.#bounded((signal) => this.#sink.write(batch, signal))
        this.#counts.writes++
        this.#counts.written += this.#inHand
        break
      } catch (error) {
        if (this.#halt.signal.aborted) {
          this.#dropped.shutdown += this.#inHand
          break
        }
        const steer = steerOf(error)
        this.#context.log.warn({ error: reason(error), steer, attempt, events: batch.size }, 'write failed')
        if (steer === 'stop') {
          this.#dropped.failed += this.#inHand
          this.#inHand = 0
          throw error
        }
        if (steer === 'skip' || (steer === 'retry' && attempt >= this.#options.retries)) {
          this.#dropped[steer === 'skip' ? 'rejected' : 'failed'] += this.#inHand
          break
        }
        if (steer === 'reconnect') {
          attempt = -1
          await this.#closeSink()
          this.#counts.reconnected++
          await this.#open()
        } else {
          this.#counts.retried++
          await this.#backOff(attempt)
        }
      }
    }
    this.#inHand = 0
  }

  /**
   * Waits for a call of the sink, but not longer than the deadline or the halt allow, whatever the sink makes of
   * its signal. A call that returns at once costs neither a promise nor a timer.
   */
  async #bounded(call: (signal: AbortSignal) => void | Promise<void>): Promise<void> {
    if (this.#patience.signal.aborted) this.#patience = new AbortController()
    const returned = call(this.#patience.signal)
    if (returned === undefined) return
    await new Promise<void>((resolve, reject) => {
      const giveUp = (error: SinkError) => {
        reject(error)
        this.#patience.abort(error)
      }
      const { writeTimeout } = this.#options
      const cancel = this.#context.clock.after(writeTimeout, () =>
        giveUp(new SinkError('reconnect', `the sink did not answer within ${writeTimeout} ms`)),
      )
      this.#giveUp = giveUp
      returned.then(resolve, reject).finally(cancel)
    })
  }

  /** Ends all waiting: the deadline of a drain has come, or nobody wants to wait. */
  #stopWaiting(): void {
    this.#halt.abort()
    this.#giveUp(new SinkError('stop', 'the sink was stopped'))
  }

  /** Opens the sink, trying again until it works or we are stopped. @returns whether it is open */
  async #open(attempted: (error?: unknown) => void = () => {}): Promise<boolean> {
    for (let attempt = 0; !this.#halt.signal.aborted && !this.#draining; attempt++) {
      try {
        await this.#bounded(() => this.#sink.open?.(this.#context))
        this.#isOpen = true
        this.#life.running()
        attempted()
        return true
      } catch (error) {
        if (this.#halt.signal.aborted) break
        if (steerOf(error) === 'stop') throw error
        this.#context.log.warn({ error: reason(error), attempt }, 'open failed')
        attempted()
        await this.#backOff(attempt)
      }
    }
    attempted()
    return false
  }

  async #closeSink(): Promise<void> {
    if (!this.#isOpen) return
    this.#isOpen = false
    try {
      await this.#sink.close?.()
    } catch (error) {
      this.#context.log.warn({ error: reason(error) }, 'close failed')
    }
  }

  /** Half of the wait is certain, half is chance, so that many sinks do not come back at the same moment. */
  #backOff(attempt: number): Promise<void> {
    const full = Math.min(this.#options.retryWait * 2 ** attempt, MAX_RETRY_WAIT)
    return pause(this.#context.clock, full * (0.5 + this.#random() / 2), this.#halt.signal)
  }
}

function steerOf(error: unknown): Steer {
  return error instanceof SinkError ? error.steer : 'retry'
}
