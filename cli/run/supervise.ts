import {
  backOff,
  type Clock,
  type Counters,
  Lifecycle,
  type Logger,
  type Running,
  reason,
  type Status,
  type Stream,
  systemClock,
} from '../../lib/index.js'
import type { RunningPart } from '../pipeline/part.js'

export interface SuperviseOptions {
  log: Logger
  /** First wait before it is started again, milliseconds; doubles with each failure in a row. */
  restartWait: number
  /** The longest wait. Whoever has run for longer begins with `restartWait` again. */
  maxRestartWait: number
  /** Failures in a row that it gets over. Default: any number. */
  maxRestarts?: number | undefined
  /** Adds what one life has counted to what those before it have. */
  add(before: Counters, life: Counters): Counters
  /** Called when it runs again, as another one than before. */
  onRestart?(): void
  clock?: Clock
  /** From 0 up to but without 1, for jitter. */
  random?: () => number
}

/** Why it does not run at the moment, and when it is tried again, milliseconds since 1970. */
export interface Waiting {
  error: string
  until: number
}

/**
 * A component that is started again when it fails. To whoever runs it, it is one component with one end: it ends
 * when the component ends properly, fails when there were too many failures in a row, and its counters add up the
 * lives that it had.
 */
export class Supervised implements Running {
  /** Times it was started again. */
  restarts = 0
  waiting: Waiting | undefined
  #start: () => Promise<RunningPart>
  #options: SuperviseOptions & { clock: Clock; random: () => number }
  #life = new Lifecycle()
  #present: RunningPart | undefined
  /** The one whose end concerns us: not one that we have ended ourselves. */
  #attended: RunningPart | undefined
  #starting: Promise<void> = Promise.resolve()
  #since = 0
  #failures = 0
  #before: () => Counters
  /** Whether failures are got over; before it is open for the first time, only if that was asked for. */
  #patient = false
  #cancel = () => {}
  /** Resolves when it is open for the first time, or, if it is a sink, is at it in the background. */
  readonly opened: Promise<void>
  #setOpened!: () => void

  /** @param before what was counted under its name by one that it takes the place of, and that may go on until the start */
  constructor(
    start: () => Promise<RunningPart>,
    options: SuperviseOptions,
    before: () => Counters = () => ({}),
  ) {
    this.#start = start
    this.#options = { clock: systemClock, random: Math.random, ...options }
    this.#before = before
    this.opened = new Promise((resolve) => {
      this.#setOpened = resolve
    })
  }

  /**
   * Starts it for the first time. Does not wait for the store of a sink.
   * @param patient whether a failure of this start is got over too; otherwise it is thrown, or, if it is that of a store,
   * its end
   */
  async open(patient = false): Promise<void> {
    this.#patient = patient
    this.#starting = this.#begin().catch((error) => {
      if (patient) return this.#failed(error)
      void this.#life.fail(error, () => {})
      throw error
    })
    await this.#starting
  }

  /** Stops it and starts it, though nothing was wrong with it. */
  async again(): Promise<void> {
    const present = this.#present
    // Also one whose store is away still.
    if (present === undefined || this.#life.status !== 'running') return
    this.#attended = undefined
    this.#starting = present
      .drain()
      .catch(() => {})
      .then(() => {
        this.#bury(present)
        return this.#revive()
      })
    await this.#starting
  }

  get status(): Status {
    const { status } = this.#life
    return status === 'stopping' || status === 'stopped' ? status : (this.#present?.status ?? 'starting')
  }

  get ended(): Promise<void> {
    return this.#life.ended
  }

  /** What all its lives have counted. */
  counters(): Counters {
    return this.#options.add(this.#before(), this.#present?.counters() ?? {})
  }

  /** The streams of its present life. */
  streams(): Iterable<Stream> {
    return this.#present?.streams?.() ?? []
  }

  get state(): string | undefined {
    return this.#present?.state
  }

  get url(): string | undefined {
    return this.#present?.url
  }

  get endpoints(): readonly string[] | undefined {
    return this.#present?.endpoints
  }

  get sourceEndpoints(): readonly string[] | undefined {
    return this.#present?.sourceEndpoints
  }

  get sinkEndpoints(): readonly string[] | undefined {
    return this.#present?.sinkEndpoints
  }

  drain(timeout?: number): Promise<void> {
    return this.#stop((present) => present.drain(timeout))
  }

  close(): Promise<void> {
    // Also when a drain is under way, which it cuts short.
    void this.#present?.close().catch(() => {})
    return this.#stop((present) => present.close())
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.drain()
  }

  #stop(end: (present: RunningPart) => Promise<void>): Promise<void> {
    return this.#life.stop(async () => {
      this.#cancel()
      this.waiting = undefined
      await this.#starting.catch(() => {})
      if (this.#present) await end(this.#present)
    })
  }

  async #begin(): Promise<void> {
    const before = this.#before()
    const present = await this.#start()
    this.#before = () => before
    this.#present = present
    this.#attended = present
    this.#since = this.#options.clock.now()
    this.#life.running()
    Promise.resolve(present.opened).then(
      () => this.#isOpen(),
      () => {},
    )
    present.ended.then(
      () => this.#attended === present && void this.#life.stop(() => {}),
      (error) => this.#attended === present && this.#failed(error),
    )
  }

  #isOpen(): void {
    if (this.#life.status !== 'running') return
    this.#patient = true
    this.#setOpened()
  }

  #failed(error: unknown): void {
    // On its way out nobody waits for it any more, and who drains it hears of the failure.
    if (this.#life.status === 'stopping' || this.#life.status === 'stopped') return
    const { clock, log, random, restartWait, maxRestartWait, maxRestarts } = this.#options
    if (this.#present) {
      if (clock.now() - this.#since > maxRestartWait) this.#failures = 0
      this.#bury(this.#present)
    }
    if (!this.#patient || (maxRestarts !== undefined && this.#failures >= maxRestarts)) {
      void this.#life.fail(error, () => {})
      return
    }
    const wait = backOff(this.#failures++, restartWait, maxRestartWait, random)
    this.waiting = { error: reason(error), until: clock.now() + wait }
    const again = new Date(this.waiting.until).toISOString()
    log.error({ error: reason(error), failures: this.#failures, again }, 'failed; it is started again')
    this.#cancel = clock.after(wait, () => {
      this.#starting = this.#revive()
    })
  }

  async #revive(): Promise<void> {
    try {
      await this.#begin()
    } catch (error) {
      this.#failed(error)
      return
    }
    this.#restarted()
  }

  #restarted(): void {
    this.restarts++
    this.waiting = undefined
    this.#options.log.info({ restarts: this.restarts }, 'runs again')
    this.#options.onRestart?.()
  }

  #bury(gone: RunningPart): void {
    const sum = this.#options.add(this.#before(), gone.counters())
    this.#before = () => sum
    this.#present = undefined
  }
}
