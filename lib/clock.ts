/**
 * The only reader of time. Everything that waits or stamps takes a `Clock`, so that a test owns time
 * and never sleeps.
 */
export interface Clock {
  /** Milliseconds since 1970. */
  now(): number
  /** Microseconds since 1970, strictly increasing within the process: the epoch of an incarnation. */
  micros(): number
  /** Calls once after `ms`. Returns a function that cancels it. */
  after(ms: number, call: () => void): () => void
  /** Calls every `ms`, and does not by itself keep the process alive. Returns a function that ends it. */
  every(ms: number, call: () => void): () => void
}

let lastMicros = 0

/** Beyond this Node takes a delay for one millisecond. */
const LONGEST_DELAY = 2 ** 31 - 1

/** The machine's own time and timers. */
export const systemClock: Clock = {
  now: () => Date.now(),
  micros() {
    // Date.now() follows the wall clock but has milliseconds only; the fraction of the monotonic clock
    // keeps two processes that start within one millisecond apart.
    const fraction = Math.floor((performance.now() * 1000) % 1000)
    lastMicros = Math.max(lastMicros + 1, Date.now() * 1000 + fraction)
    return lastMicros
  },
  after(ms, call) {
    const timer = setTimeout(call, Math.min(ms, LONGEST_DELAY))
    return () => clearTimeout(timer)
  },
  every(ms, call) {
    const timer = setInterval(call, Math.min(ms, LONGEST_DELAY))
    timer.unref()
    return () => clearInterval(timer)
  },
}

/** A promise of `ms` on the clock, or sooner when the signal aborts. Never rejects. */
export function pause(clock: Clock, ms: number, signal?: AbortSignal): Promise<void> {
  if (signal?.aborted) return Promise.resolve()
  return new Promise((resolve) => {
    const finish = () => {
      cancel()
      signal?.removeEventListener('abort', finish)
      resolve()
    }
    const cancel = clock.after(ms, finish)
    signal?.addEventListener('abort', finish, { once: true })
  })
}
