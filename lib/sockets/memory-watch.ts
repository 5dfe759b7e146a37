import type { Clock } from '../clock.js'
import { isInproc } from './endpoint.js'

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
/** Time between two looks, milliseconds. */
const LOOK_EVERY = 1000

/** What is watched, and how. */
export interface WatchOptions {
  connect: readonly string[]
  bind: readonly string[]
  clock: Clock
  /** Memory of the process, bytes, above which what libzmq holds is thrown away when it grows there; 0: never. */
  maxMemory: number
  /** How the process is doing. Default: as the system and the event loop tell it. */
  vitals?: () => Vitals
}

/** What was found: how large the process is, bytes, and what libzmq has to do with it. */
export interface Finding {
  memory: number
  why: 'behind' | 'unfinished'
}

/**
 * Tells when libzmq holds too much, which cannot be seen from outside: the process has grown too large, and either the
 * event loop has no pause (`behind`), or it has, and native memory still grows by more than is handed over
 * (`unfinished`): libzmq collects the frames of a message until its last one, and one that never ends is not bounded.
 * Where inproc endpoints are, nothing is ever found: their peers would not dial again, and are this process itself.
 */
export class MemoryWatch {
  /** Bytes that libzmq has handed over since the last look. */
  delivered = 0
  #maxMemory: number
  #isBound: boolean
  #vitals: () => Vitals
  #native: number
  #kept = 0
  #cancel = () => {}

  /** @param found called about once a second while too much is held */
  constructor(options: WatchOptions, found: (finding: Finding) => void) {
    const { bind, connect, clock, maxMemory, vitals = processVitals() } = options
    const inside = [...bind, ...connect].some(isInproc)
    this.#maxMemory = inside || maxMemory === 0 ? Infinity : maxMemory
    this.#isBound = bind.length > 0
    this.#vitals = vitals
    this.#native = vitals().native
    if (this.#maxMemory === Infinity) return
    this.#cancel = clock.every(LOOK_EVERY, () => {
      const finding = this.#look()
      if (finding !== undefined) found(finding)
    })
  }

  /** Whether the process is too large at this moment, whatever the reason. */
  get exceeded(): boolean {
    return this.#maxMemory < Infinity && this.#vitals().memory > this.#maxMemory
  }

  close(): void {
    this.#cancel()
  }

  #look(): Finding | undefined {
    const delivered = this.delivered
    this.delivered = 0
    const { memory, native, load } = this.#vitals()
    const above = memory > this.#maxMemory
    this.#kept = above ? Math.max(0, this.#kept + native - this.#native - delivered) : 0
    this.#native = native
    if (!above) return undefined
    if (load >= BUSY) return { memory, why: 'behind' }
    // What is dialled was chosen.
    if (!this.#isBound || this.#kept < Math.max(LEAST, SHARE * this.#maxMemory)) return undefined
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
