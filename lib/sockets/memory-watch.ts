/** How the process is doing. */
export interface Vitals {
  /** Resident memory of the process, bytes. */
  memory: number
  /** The part of it that is not JavaScript's, and so may be libzmq's, bytes. */
  native: number
  /** Share of the time since the last question that the event loop had work, 0 to 1. */
  load: number
}

/** A loop that is busier than this all the time does not keep up. */
const BUSY = 0.95
/** What of the allowed memory libzmq may take beside what it hands over, once all of it is taken. */
const SHARE = 1 / 8
/** What a process of Node takes and gives back by itself, bytes. */
const LEAST = 32 * 2 ** 20

/**
 * Tells when libzmq holds too much, which cannot be seen from outside: the process has grown too large, and either the
 * event loop has no pause (`behind`), or it has, and native memory still grows by more than is handed over
 * (`unfinished`): libzmq collects the frames of a message until its last one, and one that never ends is not bounded.
 */
export class MemoryWatch {
  #maxMemory: number
  #vitals: () => Vitals
  #native: number
  #kept = 0

  /** @param maxMemory bytes */
  constructor(maxMemory: number, vitals = processVitals()) {
    this.#maxMemory = maxMemory
    this.#vitals = vitals
    this.#native = vitals().native
  }

  /** @param delivered bytes that libzmq has handed over since the last look */
  look(delivered: number): { memory: number; why: 'behind' | 'unfinished' } | undefined {
    const { memory, native, load } = this.#vitals()
    const above = memory > this.#maxMemory
    this.#kept = above ? Math.max(0, this.#kept + native - this.#native - delivered) : 0
    this.#native = native
    if (!above) return undefined
    if (load >= BUSY) return { memory, why: 'behind' }
    if (this.#kept < Math.max(LEAST, SHARE * this.#maxMemory)) return undefined
    this.#kept = 0
    return { memory, why: 'unfinished' }
  }
}

function processVitals(): () => Vitals {
  let before = performance.eventLoopUtilization()
  return () => {
    const now = performance.eventLoopUtilization()
    const { utilization: load } = performance.eventLoopUtilization(now, before)
    before = now
    const { rss, heapTotal, external } = process.memoryUsage()
    return { memory: rss, native: rss - heapTotal - external, load }
  }
}
