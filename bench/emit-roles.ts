/** Programs that emit in one process: `node emit-roles.js emit|listen <options as JSON>`; `emit` needs --expose-gc. */
import { EventEmitter } from 'node:events'
import { setImmediate as turn } from 'node:timers/promises'
import { BSON } from 'bson'
import * as zmq from 'zeromq'
import { EventSource, subscribe } from '../lib/index.js'
import { EVENT_TYPE, pooledHit } from './event.js'
import { median } from './processes.js'
import { cpu, play, say } from './role.js'

interface RoleOptions {
  what: string
  calls: number
  endpoint?: string
}

/** Calls between two turns of the event loop. */
const PORTION = 1000

const options = (endpoint: string | undefined) =>
  endpoint ? { connect: [endpoint] } : { bind: ['tcp://127.0.0.1:0'] }

async function source(endpoint: string | undefined, heard: string | undefined): Promise<EventSource> {
  const made = new EventSource({ source: 'bench', sendHighWaterMark: 100_000, ...options(endpoint) })
  if (heard) await made.subscribed(heard, { timeout: 10_000 })
  return made
}

/** What is called, with the number of the call, and the source that it is a call of. */
interface Emitter {
  call(n: number): void
  source?: EventSource
}

const emitters: Record<string, (endpoint?: string) => Promise<Emitter>> = {
  async nobody(endpoint?: string) {
    const out = await source(endpoint, undefined)
    const event = pooledHit(0)
    return { call: () => void out.emit(EVENT_TYPE, event), source: out }
  },

  /** With somebody there who asked for something else. */
  async other(endpoint?: string) {
    const out = await source(endpoint, EVENT_TYPE)
    const event = pooledHit(0)
    return { call: () => void out.emit('order.placed', event), source: out }
  },

  async small(endpoint?: string) {
    const out = await source(endpoint, EVENT_TYPE)
    return { call: (n) => void out.emit(EVENT_TYPE, { n }), source: out }
  },

  async fifteen(endpoint?: string) {
    const out = await source(endpoint, EVENT_TYPE)
    return { call: (n) => void out.emit(EVENT_TYPE, pooledHit(n)), source: out }
  },

  async emitter() {
    const out = new EventEmitter()
    const event = pooledHit(0)
    return { call: () => void out.emit(EVENT_TYPE, event) }
  },

  /** Serializes before it can know that nobody is there. */
  async naive() {
    const socket = new zmq.Publisher()
    socket.sendTimeout = 0
    await socket.bind('tcp://127.0.0.1:*')
    const event = (n: number) => ({ source: 'bench', time: new Date(), data: pooledHit(n) })
    return { call: (n) => void socket.send([EVENT_TYPE, BSON.serialize(event(n))]) }
  },
}

const collected = () => {
  ;(globalThis as unknown as { gc(): void }).gc()
  return process.memoryUsage().heapUsed
}

const roles: Record<string, (options: RoleOptions) => Promise<void>> = {
  async emit({ what, calls, endpoint }) {
    const { call, source } = await emitters[what]!(endpoint)
    const nanoseconds: number[] = []
    const heap: number[] = []
    /** Bytes made by a portion, where no collection came in between. */
    const made: number[] = []
    let used = cpu()
    const parts = 5
    for (let part = 0; part <= parts; part++) {
      // The first part warms up.
      if (part === 1) used = cpu()
      let inside = 0
      for (let n = 0; n < calls / parts; n += PORTION) {
        const before = process.memoryUsage().heapUsed
        const start = performance.now()
        for (let i = n; i < n + PORTION; i++) call(i)
        inside += performance.now() - start
        const more = process.memoryUsage().heapUsed - before
        if (part > 0 && more >= 0) made.push(more / PORTION)
        await turn()
      }
      if (part > 0) nanoseconds.push((inside * 1e6) / Math.ceil(calls / parts / PORTION) / PORTION)
      heap.push(collected())
    }
    const whole = (used() * 1e9) / (Math.ceil(calls / parts / PORTION) * PORTION * parts)
    const { sent = 0, unwanted = 0, emitted = 0 } = source?.counters() ?? {}
    say({ nanoseconds: median(nanoseconds), cpu: whole, made: median(made), heap, sent, unwanted, emitted })
    await source?.drain(60_000)
    await new Promise((resolve) => setTimeout(resolve, 60_000))
  },

  async listen() {
    const events = subscribe({ bind: ['tcp://127.0.0.1:0'], subscribe: [EVENT_TYPE], maxMemory: 0 })
    say({ ready: events.endpoints[0] })
    process.on('message', () => {
      const { received, lost } = events.counters()
      say({ received, lost })
    })
    for await (const _ of events) {
    }
  },
}

await play(roles)
