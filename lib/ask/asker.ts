import { type Clock, systemClock } from '../clock.js'
import type { Counters } from '../counter-info.js'
import { codeOf, EventstormError } from '../errors.js'
import { duration, parseOptions, z } from '../options.js'
import { type Answer, ask } from './ask.js'
import type { queryOptions, StoreReader } from './query.js'

/** Bounds of what questions may cost. */
export const askerOptions = z.strictObject({
  askTimeout: duration()
    .pipe(z.number().min(1))
    .prefault('10s')
    .meta({ description: 'How long a question may take, its wait included.', argument: 'time' }),
  askRows: z.int().min(1).default(10_000).meta({ description: 'Rows in an answer at most.' }),
  askAtOnce: z.int().min(1).default(2).meta({ description: 'Questions at work at the same time.' }),
  askWaiting: z.int().min(0).default(8).meta({
    description: 'Questions that wait for those at work; one more is refused as BUSY.',
  }),
})

export type Question = z.input<typeof queryOptions>

/**
 * Asks a store for strangers: bounded in time, in rows and in how much is done at once. A question that nobody waits
 * for any more is ended in the store too; until the store has let go of it, it counts as at work.
 */
export class Asker {
  readonly options: z.output<typeof askerOptions>
  #reader: StoreReader
  #clock: Clock
  #running = 0
  #waiting: (() => void)[] = []
  #counts = { asked: 0, answered: 0, truncated: 0, invalid: 0, busy: 0, late: 0, gone: 0, failed: 0 }

  /** @throws OPTIONS_INVALID */
  constructor(reader: StoreReader, options: z.input<typeof askerOptions> = {}, clock: Clock = systemClock) {
    this.options = parseOptions(askerOptions, options, 'Asker')
    this.#reader = reader
    this.#clock = clock
  }

  /**
   * @param signal aborts when nobody waits for the answer any more
   * @throws what `ask` throws; BUSY; TIMEOUT; the reason of `signal`
   */
  async ask(question: Question, signal?: AbortSignal): Promise<Answer> {
    this.#counts.asked++
    const { askTimeout, askRows } = this.options
    const end = new AbortController()
    const late = new EventstormError(
      'TIMEOUT',
      `expected an answer within ${askTimeout} ms; ask for less time, fewer fields or one type`,
    )
    const cancel = this.#clock.after(askTimeout, () => end.abort(late))
    const leave = () => end.abort(signal!.reason)
    if (signal?.aborted) leave()
    signal?.addEventListener('abort', leave, { once: true })
    try {
      await this.#turn(end.signal)
      const { limit: wanted = askRows } = question
      const limit = typeof wanted === 'number' ? Math.min(wanted, askRows) : wanted
      const asked = ask(this.#reader, { ...question, limit }, { clock: this.#clock, signal: end.signal })
      const done = () => this.#next()
      asked.then(done, done)
      const answer = await orAborted(asked, end.signal)
      this.#counts.answered++
      if (answer.truncated) this.#counts.truncated++
      return answer
    } catch (error) {
      this.#counts[this.#fate(error, signal)]++
      throw end.signal.aborted ? end.signal.reason : error
    } finally {
      cancel()
      signal?.removeEventListener('abort', leave)
    }
  }

  /** `running` and `waiting` are of this moment. */
  counters(): Counters {
    return { ...this.#counts, running: this.#running, waiting: this.#waiting.length }
  }

  #fate(error: unknown, signal: AbortSignal | undefined) {
    if (signal?.aborted) return 'gone'
    const code = codeOf(error)
    if (code === 'TIMEOUT') return 'late'
    if (code === 'BUSY') return 'busy'
    return code !== undefined && INVALID.has(code) ? 'invalid' : 'failed'
  }

  /** Returns when one more may be at work. */
  async #turn(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted()
    const { askAtOnce, askWaiting } = this.options
    if (this.#running < askAtOnce) {
      this.#running++
      return
    }
    if (this.#waiting.length >= askWaiting) {
      throw new EventstormError(
        'BUSY',
        `expected at most ${askAtOnce} questions at once and ${askWaiting} waiting; ask again in a second`,
      )
    }
    let mine!: () => void
    const turn = new Promise<void>((resolve) => {
      mine = resolve
      this.#waiting.push(mine)
    })
    try {
      await orAborted(turn, signal)
    } catch (error) {
      const at = this.#waiting.indexOf(mine)
      if (at >= 0) this.#waiting.splice(at, 1)
      // Its turn came in the same moment.
      else this.#next()
      throw error
    }
  }

  /** Hands the place of one that is done to the next. */
  #next(): void {
    const waiting = this.#waiting.shift()
    if (waiting) waiting()
    else this.#running--
  }
}

/** Codes that say that the question is to blame. */
export const INVALID: ReadonlySet<string> = new Set(['OPTIONS_INVALID', 'QUERY_INVALID', 'PATTERN_INVALID'])

function orAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const abort = () => reject(signal.reason)
    if (signal.aborted) abort()
    signal.addEventListener('abort', abort, { once: true })
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort))
  })
}
