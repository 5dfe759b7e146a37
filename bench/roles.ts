/**
 * The programs that benches run as processes of their own: `node roles.js <role> <options as JSON>`. A role says
 * over its channel when it is ready and what it found.
 */
import { setTimeout as pause, setImmediate as turn } from 'node:timers/promises'
import { BSON } from 'bson'
import * as zmq from 'zeromq'
import { EventRouter, EventSource, subscribe } from '../lib/index.js'
import { Checksum, EVENT_TYPE, type Hit, hit } from './event.js'

interface RoleOptions {
  count: number
  endpoint: string
  sinks: string
  /** Events a second, for the roles that keep a pace. */
  rate: number
}

const say = (report: object) => process.send!(report)
const told = () => new Promise<void>((resolve) => process.once('message', () => resolve()))

/** Microseconds of the clock that all processes of the machine share. */
const monotonic = () => Number(process.hrtime.bigint()) / 1000

/** CPU of this process since the call, in seconds. */
function cpu(): () => number {
  const start = process.cpuUsage()
  return () => {
    const { user, system } = process.cpuUsage(start)
    return (user + system) / 1e6
  }
}

/** Nothing is to be lost while speed is measured, so the queues may hold everything. */
const UNBOUNDED = 10_000_000

/** Counts what arrives until all is there or nothing has come for two seconds, and reports. */
function tally(count: number, finish: () => object) {
  const sum = new Checksum()
  const used = cpu()
  let first = 0
  let idle: NodeJS.Timeout | undefined
  const end = () => {
    clearInterval(idle)
    const seconds = (performance.now() - first) / 1000
    say({ received: sum.count, checksum: sum.value, seconds, cpu: used(), ...finish() })
  }
  let seen = 0
  return (event: Hit) => {
    if (sum.count === 0) {
      first = performance.now()
      idle = setInterval(() => {
        if (seen === sum.count) end()
        seen = sum.count
      }, 2000)
    }
    sum.add(event)
    if (sum.count === count) end()
  }
}

const roles: Record<string, (options: RoleOptions) => Promise<void>> = {
  /** The program a user would write: one event, one message, nothing numbered. */
  async naiveSender({ count, endpoint }) {
    const socket = new zmq.Publisher()
    socket.sendHighWaterMark = UNBOUNDED
    socket.connect(endpoint)
    say({ ready: true })
    await told()
    const used = cpu()
    for (let n = 0; n < count; n++) {
      await socket.send([EVENT_TYPE, BSON.serialize({ source: 'bench', time: new Date(), data: hit(n) })])
    }
    say({ sent: count, cpu: used() })
  },

  async naiveReceiver({ count }) {
    const socket = new zmq.Subscriber()
    socket.receiveHighWaterMark = UNBOUNDED
    await socket.bind('tcp://127.0.0.1:*')
    socket.subscribe(EVENT_TYPE)
    say({ ready: socket.lastEndpoint })
    const add = tally(count, () => ({ lost: undefined }))
    for await (const [, body] of socket) add(BSON.deserialize(body!).data as Hit)
  },

  async sender({ count, endpoint }) {
    const source = new EventSource({ source: 'bench', connect: [endpoint], sendHighWaterMark: UNBOUNDED })
    await source.subscribed(EVENT_TYPE, { timeout: 10_000 })
    say({ ready: true })
    await told()
    const used = cpu()
    for (let n = 0; n < count; n++) {
      source.emit(EVENT_TYPE, hit(n))
      if (n % 500 === 499) await turn()
    }
    await turn()
    say({ sent: source.counters().sent, cpu: used() })
  },

  /** Emits with the default bounds, and watches its own memory meanwhile. */
  async watchedSender({ count, endpoint }) {
    const source = new EventSource({ source: 'bench', connect: [endpoint] })
    await source.subscribed(EVENT_TYPE, { timeout: 10_000 })
    say({ ready: true })
    await told()
    const memory: number[] = []
    for (let n = 0; n < count; n++) {
      source.emit(EVENT_TYPE, hit(n))
      if (n % 500 === 499) await turn()
      if (n % Math.floor(count / 20) === 0) memory.push(process.memoryUsage().rss)
    }
    say({ sent: source.counters().sent, memory })
    await pause(60_000)
  },

  async receiver({ count, endpoint }) {
    const events = subscribe({
      ...(endpoint ? { connect: [endpoint] } : { bind: ['tcp://127.0.0.1:0'] }),
      subscribe: [EVENT_TYPE],
      queueEvents: UNBOUNDED,
      queueBytes: '4GiB',
    })
    say({ ready: events.endpoints[0] ?? endpoint })
    const add = tally(count, () => ({
      lost: events.counters().lost,
      dropped: events.counters().dropped.overflow,
    }))
    for await (const batch of events) for (const event of batch) add(event.data as Hit)
  },

  /** Emits at a steady pace, each event with the time it was emitted at. */
  async pacedSender({ count, endpoint, rate }) {
    const source = new EventSource({ source: 'bench', connect: [endpoint] })
    await source.subscribed(EVENT_TYPE, { timeout: 10_000 })
    say({ ready: true })
    await told()
    const start = performance.now()
    let n = 0
    while (n < count) {
      const due = Math.min(count, Math.ceil(((performance.now() - start) / 1000) * rate))
      for (; n < due; n++) source.emit(EVENT_TYPE, { ...hit(n), emitted: monotonic() })
      await pause(1)
    }
    say({ sent: source.counters().sent })
  },

  async latencyReceiver({ count, endpoint }) {
    const events = subscribe({
      ...(endpoint ? { connect: [endpoint] } : { bind: ['tcp://127.0.0.1:0'] }),
      subscribe: [EVENT_TYPE],
    })
    say({ ready: events.endpoints[0] ?? endpoint })
    const latencies: number[] = []
    const add = tally(count, () => {
      latencies.sort((a, b) => a - b)
      const at = (share: number) =>
        latencies[Math.min(latencies.length - 1, Math.floor(share * latencies.length))]
      return { lost: events.counters().lost, p50: at(0.5), p99: at(0.99), max: latencies.at(-1) }
    })
    for await (const batch of events) {
      for (const event of batch) {
        const data = event.data as Hit & { emitted: number }
        latencies.push(monotonic() - data.emitted)
        add(data)
      }
    }
  },

  async router() {
    const router = new EventRouter({
      bindSources: ['tcp://127.0.0.1:0'],
      bindSinks: ['tcp://127.0.0.1:0'],
      sendHighWaterMark: UNBOUNDED,
    })
    say({ ready: router.sourceEndpoints[0], sinks: router.sinkEndpoints[0] })
    const used = cpu()
    process.on('message', () => say({ cpu: used(), counters: router.counters() }))
  },
}

// Whatever ends the bench ends its roles.
process.once('disconnect', () => process.exit())

const [name = '', options = '{}'] = process.argv.slice(2)
await roles[name]!(JSON.parse(options))
