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

  running(): void {
    if (this.status === 'starting') this.status = 'running'
  }

  /** Runs `finish` once, whoever asks first; everybody gets the promise of its end. */
  stop(finish: () => void | Promise<void>): Promise<void> {
    if (this.#stopping === undefined) {
      this.status = 'stopping'
      this.#stopping = this.#finish(finish)
    }
    return this.#stopping
  }

  /** Ends it as failed: `ended` rejects with `error`, after `finish`. */
  async fail(error: unknown, finish: () => void | Promise<void>): Promise<void> {
    await this.stop(async () => {
      this.#settle.reject(error)
      await finish()
    })
  }

  async #finish(finish: () => void | Promise<void>): Promise<void> {
    try {
      await finish()
      this.#settle.resolve()
    } catch (error) {
      this.#settle.reject(error)
      throw error
    } finally {
      this.status = 'stopped'
    }
  }
}
