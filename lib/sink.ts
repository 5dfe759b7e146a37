import { EventBatch } from './batch.js'
import { checkComponent } from './check-component.js'
import { type Clock, pause, systemClock } from './clock.js'
import {
  type EventSink,
  type Logger,
  type Running,
  type SinkContext,
  type Status,
  silent,
} from './component.js'
import type { Counters } from './counter-info.js'
import { EventstormError, reason, show } from './errors.js'
import { Lifecycle } from './lifecycle.js'
import type { Stream } from './loss.js'
import { parseOptions, type z } from './options.js'
import { MessageQueue } from './queue.js'
import { Receiver, type ReceiverCounters } from './receiver.js'
import { sinkOptions } from './sink-options.js'
import { SinkReporter } from './sink-report.js'
import { SinkWriter, type WriterState } from './sink-writer.js'
import { DEFAULT_SOURCES_ENDPOINT } from './sockets/endpoint.js'

/** What an application may hand over beside the options: time, chance, and where to log. */
export interface Ambient {
  clock?: Clock
  /** From 0 up to but without 1, for jitter. */
  random?: () => number
  log?: Logger
}

/** Options of `attach` as a user writes them, with what an application may hand over beside. */
export type SinkOptions = z.input<typeof sinkOptions> &
  Ambient & {
    name?: string
    /** Where sinks find the stores that they read from; the command line finds all it knows. Default: nowhere. */
    openStore?: SinkContext['openStore']
  }

/**
 * Why a received event was not written: the queue was full; writes failed again and again; the sink refused it; it was no
 * valid event; the sink stopped first.
 */
export type DropReason = 'overflow' | 'failed' | 'rejected' | 'undecodable' | 'shutdown'

/** How a sink is doing; `slow` is up, with a queue that fills. */
export type SinkState = WriterState | 'slow'

/** `received = written + alreadyStored + dropped + queued`, at any moment. */
export interface SinkCounters extends ReceiverCounters, Counters {
  /** Events that `write` returned for. */
  written: number
  writes: number
  /** Events the store had already, from an attempt whose answer was lost. */
  alreadyStored: number
  /** Events that were received and not written, by reason. */
  dropped: Record<DropReason, number>
  /** Events waiting or being written. */
  queued: number
  queuedBytes: number
  /** Further attempts at a write. */
  retried: number
  /** Times the sink was opened again. */
  reconnected: number
  /** 1 for the state it is in, 0 for the others. */
  state: Record<SinkState, number>
}

/** A sink at work: received events are queued, and written in batches. */
export interface AttachedSink extends Running {
  /**
   * Resolves when its `open` has worked, or failed in a way that is tried again in the background; rejects with SINK_FAILED
   * when it says `stop`. `attach` has waited for it.
   */
  readonly opened: Promise<void>
  /** Where it listens, with the real port where the system chose one. */
  readonly endpoints: readonly string[]
  readonly state: SinkState
  /** Where people look at it; of sinks that are looked at. */
  readonly url: string | undefined
  /** What it has counted so far. */
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
 * @throws COMPONENT_INVALID, OPTIONS_INVALID, PATTERN_INVALID, ENDPOINT_INVALID, KEY_INVALID, BIND_INSECURE, BIND_FAILED,
 *   CONNECT_FAILED; SINK_FAILED when `open` says `stop`
 */
export async function attach(sink: EventSink, options: SinkOptions = {}): Promise<AttachedSink> {
  const attached = startSink(sink, options)
  await attached.opened
  return attached
}

/**
 * As `attach`, for those who do not wait for the store behind the sink: it is subscribed when this returns, and queues what
 * arrives until it is open.
 *
 * @throws COMPONENT_INVALID, OPTIONS_INVALID, PATTERN_INVALID, ENDPOINT_INVALID, KEY_INVALID, BIND_INSECURE, BIND_FAILED,
 *   CONNECT_FAILED
 */
export function startSink(sink: EventSink, options: SinkOptions = {}): AttachedSink {
  checkComponent('sink', sink, { write: true, open: false, close: false, counters: false })
  return new SinkRunner(sink, options)
}

/** A queue fuller than this makes a sink slow, until it is emptier than the lower mark. */
const SLOW_ABOVE = 0.5
const SLOW_BELOW = 0.25

class SinkRunner implements AttachedSink {
  readonly opened: Promise<void>
  #sink: EventSink
  #options: z.output<typeof sinkOptions>
  #context: SinkContext
  #life = new Lifecycle()
  #receiver: Receiver
  #queue: MessageQueue
  #writer: SinkWriter
  #reporter: SinkReporter | undefined
  #slow = false
  #draining = new AbortController()
  #working: Promise<void>

  constructor(sink: EventSink, options: SinkOptions) {
    const { clock = systemClock, random = Math.random, log = silent, name = 'sink', ...rest } = options
    const { openStore = openNone, ...given } = rest
    this.#options = parseOptions(sinkOptions, given, 'attach')
    this.#sink = sink
    this.#context = this.#lend({ name, clock, log, openStore })
    this.#writer = new SinkWriter(sink, this.#context, { ...this.#options, random })
    const { queueEvents, queueBytes, queueDrop } = this.#options
    this.#queue = new MessageQueue({ maxEvents: queueEvents, maxBytes: queueBytes, drop: queueDrop })
    const subscribe = [...this.#options.subscribe, ...(sink.subscribe ?? [])]
    this.#receiver = new Receiver({ ...this.#options, subscribe, clock, log }, (message) => {
      this.#queue.push(message)
      if (!this.#slow && this.#queue.fill > SLOW_ABOVE) this.#setSlow(true)
    })
    try {
      this.#reporter = this.#openReporter({ name, clock, log })
    } catch (error) {
      this.#receiver.close()
      throw error
    }
    let settle!: (error?: unknown) => void
    this.opened = new Promise((resolve, reject) => {
      settle = (error) => (error === undefined ? resolve() : reject(error))
    })
    // `ended` tells of it as well.
    this.opened.catch(() => {})
    this.#working = this.#work(settle)
  }

  /** @throws as an EventSource does */
  #openReporter(given: { name: string; clock: Clock; log: Logger }): SinkReporter | undefined {
    const { report, connect, bind, key, serverKey } = this.#options
    const to = report.length + connect.length + bind.length === 0 ? [DEFAULT_SOURCES_ENDPOINT] : report
    if (to.length === 0) return undefined
    return new SinkReporter({ ...given, to, key, serverKey }, () => {
      const { received, lost, duplicate, written, alreadyStored, dropped, queued } = this.counters()
      const { state } = this
      return {
        state,
        received,
        lost,
        duplicate,
        written,
        alreadyStored,
        dropped,
        queued,
        streams: this.streams(),
      }
    })
  }

  /** What the sink component gets to work with. */
  #lend(given: Pick<SinkContext, 'name' | 'clock' | 'log' | 'openStore'>): SinkContext {
    const { subscribe } = this.#options
    const endpoints = () => this.#receiver.sources
    return {
      ...given,
      received: () => {
        const { received, lost } = this.#receiver.ledger.totals
        const { dropped } = this.#writer
        const behind = dropped.failed + dropped.rejected + dropped.undecodable + dropped.shutdown
        return { received, lost, dropped: this.#queue.dropped + behind }
      },
      streams: () => this.streams(),
      inlet: {
        subscribe,
        get endpoints() {
          return endpoints()
        },
      },
    }
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

  get state(): SinkState {
    return this.#writer.state === 'up' && this.#slow ? 'slow' : this.#writer.state
  }

  get url(): string | undefined {
    return this.#sink.url
  }

  streams(): Iterable<Stream> {
    return this.#receiver.ledger.streams()
  }

  counters(): SinkCounters {
    return {
      ...this.#sink.counters?.(),
      ...this.#receiver.counters(),
      ...this.#writer.counts,
      dropped: { overflow: this.#queue.dropped, ...this.#writer.dropped },
      queued: this.#queue.events + this.#writer.inHand,
      queuedBytes: this.#queue.bytes,
      state: { connecting: 0, up: 0, slow: 0, down: 0, [this.state]: 1 },
    }
  }

  drain(timeout = this.#options.drainTimeout): Promise<void> {
    return this.#life.stop(async () => {
      this.#draining.abort()
      this.#receiver.close()
      this.#queue.wake()
      // Its store is away, and nothing is there that would wait for it.
      if (this.#writer.state === 'down' && this.#queue.events + this.#writer.inHand === 0) this.#writer.halt()
      const cancel = this.#context.clock.after(timeout, () => this.#writer.halt())
      await this.#working
      cancel()
      const { shutdown: dropped } = this.#writer.dropped
      if (dropped > 0) this.#context.log.warn({ dropped }, 'stopped before all was written')
      this.#reporter?.close(true)
    })
  }

  async close(): Promise<void> {
    const drained = this.drain(0)
    this.#writer.halt()
    await drained
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.drain()
  }

  /** The life of the sink: open, write until stopped, close. */
  async #work(opened: (error?: unknown) => void): Promise<void> {
    try {
      // Once draining, it is only worth opening for what waits to be written.
      if (await this.#writer.open(() => !this.#draining.signal.aborted || !this.#queue.empty, opened)) {
        this.#life.running()
        opened()
        await this.#writeAll()
      }
      opened()
      this.#writer.dropped.shutdown += this.#queue.clear()
      await this.#writer.close()
    } catch (error) {
      this.#writer.dropped.shutdown += this.#queue.clear()
      this.#receiver.close()
      this.#reporter?.close(false)
      // Before it has run, whoever attached it gets the error itself.
      if (this.status === 'running') this.#context.log.error({ error: reason(error) }, 'sink stopped')
      opened(error)
      // Not awaited: a drain that is under way waits for the end of this very function.
      void this.#life.fail(error, () => this.#writer.close()).catch(() => {})
    }
  }

  async #writeAll(): Promise<void> {
    const { batchEvents, batchBytes, batchWait } = this.#options
    const { halted } = this.#writer
    const draining = this.#draining.signal
    while (!halted.aborted) {
      if (this.#queue.empty) {
        if (draining.aborted) return
        await this.#queue.wait()
        continue
      }
      if (batchWait > 0 && this.#queue.events < batchEvents) {
        // Whoever drains does not wait for company.
        await pause(this.#context.clock, batchWait, draining)
      }
      await this.#writer.write(new EventBatch(this.#queue.take(batchEvents, batchBytes)))
      if (this.#slow && this.#queue.fill < SLOW_BELOW) this.#setSlow(false)
    }
  }

  #setSlow(slow: boolean): void {
    this.#slow = slow
    const fields = {
      queued: this.#queue.events,
      queuedBytes: this.#queue.bytes,
      dropped: this.#queue.dropped,
    }
    if (slow) this.#context.log.warn(fields, 'sink is slow; its queue is filling')
    else this.#context.log.info(fields, 'sink keeps up again')
  }
}

async function openNone(store: string): Promise<never> {
  throw new EventstormError(
    'COMPONENT_NOT_FOUND',
    `no store ${show(store)} is known here; give attach an openStore`,
  )
}
