import type { Clock } from './clock.js'
import { EventstormError, show } from './errors.js'
import type { Interest } from './interest.js'
import { compilePattern } from './pattern.js'

/** Those who would rather wait until somebody listens to a source than talk to nobody. */
export class ListenerWait {
  #name: string
  #interest: Interest
  #clock: Clock
  #waiters = new Set<() => void>()
  #closed = false

  constructor(name: string, interest: Interest, clock: Clock) {
    this.#name = name
    this.#interest = interest
    this.#clock = clock
  }

  /** @throws PATTERN_INVALID, TIMEOUT (after `timeout` milliseconds, if any), CLOSED */
  async wait(pattern: string, timeout: number | undefined): Promise<void> {
    const { prefix } = compilePattern(pattern)
    await new Promise<void>((resolve, reject) => {
      const check = () => {
        if (!this.#closed && !this.#interest.touches(prefix)) return
        finish()
        if (!this.#closed) return resolve()
        const told = `nobody subscribed to ${show(pattern)} before ${show(this.#name)} was closed`
        reject(new EventstormError('CLOSED', told))
      }
      const expire = () => {
        finish()
        const told = `expected somebody to subscribe to ${show(pattern)} at ${show(this.#name)} within ${timeout} ms; is a sink running, and a router between?`
        reject(new EventstormError('TIMEOUT', told))
      }
      const cancel = timeout === undefined ? () => {} : this.#clock.after(timeout, expire)
      const finish = () => {
        cancel()
        this.#waiters.delete(check)
      }
      this.#waiters.add(check)
      check()
    })
  }

  /** Somebody has come: whoever waits looks whether it was for that. */
  look(): void {
    for (const check of [...this.#waiters]) check()
  }

  /** Nobody will come any more. */
  close(): void {
    this.#closed = true
    this.look()
  }
}
