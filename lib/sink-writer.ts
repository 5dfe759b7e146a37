import { backOff } from './back-off.js'
import type { EventBatch } from './batch.js'
import { pause } from './clock.js'
import type { EventSink, SinkContext, Written } from './component.js'
import { reason, SinkError, steerOf } from './errors.js'

export interface WriterOptions {
  /** Further attempts at a write that failed, before its batch is dropped. */
  retries: number
  /** Wait before the first further attempt, milliseconds. */
  retryWait: number
  /** How long one call of the sink may take, milliseconds. */
  writeTimeout: number
  /** From 0 up to but without 1. */
  random: () => number
}

/** How a sink is doing: not open yet, at work, or failing at the moment. */
export type WriterState = 'connecting' | 'up' | 'down'

type Fate = 'failed' | 'rejected' | 'shutdown'

const MAX_RETRY_WAIT = 30_000

/**
 * The policy between the framework and one sink: calls never overlap, are bounded in time, and a throw does
 * what its `Steer` says. Every event of a batch is accounted for when `write` returns.
 */
export class SinkWriter {
  readonly counts = { written: 0, writes: 0, alreadyStored: 0, retried: 0, reconnected: 0 }
  readonly dropped = { failed: 0, rejected: 0, undecodable: 0, shutdown: 0 }
  /** Events whose fate is open. */
  inHand = 0
  state: WriterState = 'connecting'
  #sink: EventSink
  #options: WriterOptions
  #context: SinkContext
  #isOpen = false
  #halt = new AbortController()
  /** Aborted when one call has taken too long; renewed for the next. */
  #patience = new AbortController()
  #giveUp: (error: SinkError) => void = () => {}

  constructor(sink: EventSink, context: SinkContext, options: WriterOptions) {
    this.#sink = sink
    this.#context = context
    this.#options = options
  }

  /** Aborted once `halt` was called. */
  get halted(): AbortSignal {
    return this.#halt.signal
  }

  /** Ends all waiting: what is in hand is dropped as `shutdown`. */
  halt(): void {
    this.#halt.abort()
    this.#giveUp(new SinkError('stop', 'the sink was stopped'))
  }

  /**
   * Opens the sink, trying again until it works, `goOn` says no, or it is halted.
   * @param attempted called after each attempt
   * @returns whether it is open
   * @throws what `open` threw when that says `stop`
   */
  async open(goOn: () => boolean, attempted: () => void = () => {}): Promise<boolean> {
    for (let attempt = 0; !this.halted.aborted && (attempt === 0 || goOn()); attempt++) {
      let opening: Promise<void> | undefined
      try {
        await this.#bounded(() => {
          const returned = this.#sink.open?.(this.#context)
          if (isPromise(returned)) opening = Promise.resolve(returned)
          return opening
        })
        this.#isOpen = true
        this.#enter('up')
        return true
      } catch (error) {
        if (this.halted.aborted) {
          // Nobody waits for it any more; should it work after all, it is not left open.
          if (opening !== undefined) opening.then(() => this.#sink.close?.()).catch(() => {})
          break
        }
        if (steerOf(error) === 'stop') throw error
        this.#enter('down', error)
        await this.#backOff(attempt, attempted)
      }
    }
    return false
  }

  /**
   * Writes one batch, or drops what cannot be written.
   * @throws what `write` or `open` threw when that says `stop`
   */
  async write(batch: EventBatch): Promise<void> {
    this.inHand = batch.size
    const pending = [batch]
    try {
      for (let next = pending[0]; next !== undefined; next = pending[0]) {
        const fate = await this.#attempt(next)
        pending.shift()
        if (fate === 'split') pending.unshift(...next.halves())
        else this.#settle(next, fate)
      }
    } catch (error) {
      for (const each of pending) this.#settle(each, 'failed')
      throw error
    }
  }

  /** Closes the sink, or leaves it to itself when that takes longer than a write may. */
  async close(): Promise<void> {
    if (!this.#isOpen) return
    this.#isOpen = false
    try {
      const closed = this.#sink.close?.()
      if (isPromise(closed)) await this.#inTime(closed, () => {})
    } catch (error) {
      this.#context.log.warn({ error: reason(error) }, 'close failed')
    }
  }

  /** One batch, until it is written, given up, or to be halved. */
  async #attempt(batch: EventBatch): Promise<{ written: Written | undefined } | Fate | 'split'> {
    for (let attempt = 0; !this.halted.aborted; attempt++) {
      try {
        const written = await this.#bounded(
          (signal) => this.#sink.write(batch, signal) as Written | undefined | Promise<Written | undefined>,
        )
        this.#enter('up')
        return { written }
      } catch (error) {
        if (this.halted.aborted) break
        const steer = steerOf(error)
        if (steer === 'stop') throw error
        if (steer === 'skip') {
          this.#context.log.debug({ error: reason(error), events: batch.size }, 'rejected')
          return batch.size > 1 ? 'split' : 'rejected'
        }
        this.#enter('down', error)
        if (steer === 'reconnect') {
          attempt = -1
          await this.close()
          this.counts.reconnected++
          await this.open(() => true)
        } else {
          if (steer === 'retry' && attempt >= this.#options.retries) return 'failed'
          this.counts.retried++
          await this.#backOff(attempt)
        }
      }
    }
    return 'shutdown'
  }

  #settle(batch: EventBatch, fate: { written: Written | undefined } | Fate): void {
    const { undecodable } = batch
    const events = batch.size - undecodable
    this.inHand -= batch.size
    this.dropped.undecodable += undecodable
    if (typeof fate === 'string') {
      this.dropped[fate] += events
      return
    }
    const { alreadyStored = 0, rejected = 0 } = fate.written ?? {}
    this.counts.writes++
    this.counts.alreadyStored += alreadyStored
    this.counts.written += events - alreadyStored - rejected
    this.dropped.rejected += rejected
  }

  /**
   * Waits for a call of the sink, but not longer than the deadline or the halt allow, whatever the sink makes of
   * its signal. A call that returns at once costs neither a promise nor a timer.
   */
  async #bounded<T>(call: (signal: AbortSignal) => T | PromiseLike<T>): Promise<T> {
    if (this.#patience.signal.aborted) this.#patience = new AbortController()
    const returned = call(this.#patience.signal)
    if (!isPromise(returned)) return returned
    return this.#inTime(returned, (giveUp) => {
      this.#giveUp = giveUp
    }).catch((error) => {
      this.#patience.abort(error)
      throw error
    })
  }

  /** What was promised, or an error when it takes too long; `lend` gets what ends the wait before. */
  #inTime<T>(promised: PromiseLike<T>, lend: (giveUp: (error: SinkError) => void) => void): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      const { writeTimeout } = this.#options
      lend(reject)
      const late = () => new SinkError('reconnect', `the sink did not answer within ${writeTimeout} ms`)
      const cancel = this.#context.clock.after(writeTimeout, () => reject(late()))
      Promise.resolve(promised).then(resolve, reject).finally(cancel)
    })
  }

  /** One line for each change, however many attempts there are in between. */
  #enter(state: WriterState, error?: unknown): void {
    if (state === this.state) return
    const { log } = this.#context
    if (state === 'down') log.warn({ error: reason(error) }, 'sink is down; trying again')
    else if (this.state === 'down') log.info({}, 'sink is up')
    this.state = state
  }

  #backOff(attempt: number, before: () => void = () => {}): Promise<void> {
    before()
    const { retryWait, random } = this.#options
    return pause(this.#context.clock, backOff(attempt, retryWait, MAX_RETRY_WAIT, random), this.halted)
  }
}

function isPromise<T>(value: T | PromiseLike<T>): value is PromiseLike<T> {
  return typeof (value as PromiseLike<T> | undefined)?.then === 'function'
}
