import type { Clock } from './clock.js'
import { type Logger, silent } from './component.js'
import { reason } from './errors.js'
import { type ConnectionCounters, type EndOptions, SubscribingEnd } from './sockets.js'

export interface InletOptions extends EndOptions {
  clock: Clock
  /** Memory of the process, bytes, above which what libzmq holds is thrown away when we cannot keep up; 0: never. */
  maxMemory: number
  /** How the process is doing. Default: as the system and the event loop tell it. */
  vitals?: () => Vitals
}

export interface Vitals {
  /** Resident memory of the process, bytes. */
  memory: number
  /** Share of the time since the last question that the event loop had work, 0 to 1. */
  load: number
}

/** Time between two looks, milliseconds. */
const LOOK_EVERY = 1000
/** A loop that is busier than this all the time does not keep up. */
const BUSY = 0.95
/** Wait before the next attempt to bind an endpoint that is only just being given up, milliseconds. */
const BIND_AGAIN = 20

/**
 * The receiving end with a bound on memory. libzmq may not have one itself: a full receive pipe lets a stranger
 * abort the process (see sockets.ts), so it takes all that comes, and what it holds cannot be seen. To ask a socket
 * whether messages wait is no way either: it can eat the wake-up of the pending receive, for good. So when the event
 * loop has no pause and the process has grown too large, the socket is closed with all it holds and opened again. The
 * numbers of the streams tell afterwards, to the event, what that cost.
 */
export class Inlet {
  /** How often what libzmq held was thrown away. */
  resets = 0
  readonly endpoints: readonly string[]
  #options: InletOptions
  #log: Logger
  #onMessage: (frames: Buffer[]) => void
  #end: SubscribingEnd
  /** Subscribed prefixes, as latin1 text: they are bytes. */
  #prefixes = new Set<string>()
  #before: ConnectionCounters = { connected: 0, disconnected: 0, refused: 0 }
  #closed = false
  #cancelLook: () => void = () => {}
  #cancelBind: () => void = () => {}
  #vitals: () => Vitals

  constructor(options: InletOptions, onMessage: (frames: Buffer[]) => void) {
    this.#options = options
    this.#log = options.log ?? silent
    this.#vitals = options.vitals ?? processVitals()
    this.#onMessage = onMessage
    this.#end = new SubscribingEnd(options, onMessage)
    this.endpoints = this.#end.endpoints
    // An inproc peer does not dial again, and its messages are this process's own.
    const outside = [...options.bind, ...options.connect].every((endpoint) => !endpoint.startsWith('inproc:'))
    if (options.maxMemory > 0 && outside)
      this.#cancelLook = options.clock.every(LOOK_EVERY, () => this.#look())
  }

  get connections(): ConnectionCounters {
    const now = this.#end.connections
    const sum = { ...this.#before }
    for (const key of Object.keys(sum) as (keyof ConnectionCounters)[]) sum[key] += now[key]
    return sum
  }

  subscribe(prefix: Buffer | string): void {
    this.#prefixes.add(Buffer.from(prefix).toString('latin1'))
    this.#end.subscribe(prefix)
  }

  unsubscribe(prefix: Buffer | string): void {
    this.#prefixes.delete(Buffer.from(prefix).toString('latin1'))
    this.#end.unsubscribe(prefix)
  }

  close(): void {
    this.#closed = true
    this.#cancelLook()
    this.#cancelBind()
    this.#end.close()
  }

  #look(): void {
    const { memory, load } = this.#vitals()
    if (load < BUSY || memory <= this.#options.maxMemory) return
    this.resets++
    this.#log.warn(
      { memory, maxMemory: this.#options.maxMemory },
      'cannot keep up; waiting messages are dropped',
    )
    this.#before = this.connections
    this.#end.close()
    this.#reopen()
  }

  #reopen(): void {
    try {
      this.#end = new SubscribingEnd({ ...this.#options, bind: this.endpoints }, this.#onMessage)
    } catch (error) {
      // libzmq gives an endpoint up some time after its socket was closed.
      this.#log.debug({ error: reason(error) }, 'not bound yet')
      this.#cancelBind = this.#options.clock.after(BIND_AGAIN, () => {
        if (!this.#closed) this.#reopen()
      })
      return
    }
    for (const prefix of this.#prefixes) this.#end.subscribe(Buffer.from(prefix, 'latin1'))
  }
}

function processVitals(): () => Vitals {
  let before = performance.eventLoopUtilization()
  return () => {
    const now = performance.eventLoopUtilization()
    const { utilization: load } = performance.eventLoopUtilization(now, before)
    before = now
    return { memory: process.memoryUsage.rss(), load }
  }
}
