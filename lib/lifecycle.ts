import type { Status } from './component.js'

/**
 * The four status words and an end that may be asked for any number of times, also while it is under way.
 */
export class Lifecycle {
  status: Status = 'starting'
  /** Resolves when stopped, rejects when stopped by a failure. */
  readonly ended: Promise<void>
  #settle!: { resolve: () => void; reject: (error: unknown) => void }
  #stopping: Promise<void> | undefined

  constructor() {
    this.ended = new Promise((resolve, reject) => {
      this.#settle = { resolve, reject }
    })
    // Whoever waits for it sees the failure; nobody has to.
    this.ended.catch(() => {})
  }

  /** It is open: what was starting runs. */
  running(): void {
    if (this.status === 'starting') this.status = 'running'
  }

  /** Runs `finish` once, whoever asks first; everybody gets the promise of its end. */
  stop(finish: () => void | Promise<void>): Promise<void> {
    return this.#stop(finish, () => this.#settle.resolve())
  }

  /** As `stop`, but `ended` rejects with `error`. */
  fail(error: unknown, finish: () => void | Promise<void>): Promise<void> {
    return this.#stop(finish, () => this.#settle.reject(error))
  }

  #stop(finish: () => void | Promise<void>, settle: () => void): Promise<void> {
    if (this.#stopping === undefined) {
      this.status = 'stopping'
      this.#stopping = this.#finish(finish, settle)
    }
    return this.#stopping
  }

  async #finish(finish: () => void | Promise<void>, settle: () => void): Promise<void> {
    try {
      await finish()
      this.status = 'stopped'
      settle()
    } catch (error) {
      this.status = 'stopped'
      this.#settle.reject(error)
      throw error
    }
  }
}
