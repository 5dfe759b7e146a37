/** Who sends and who receives in `throughput` and `router`: `node throughput-roles.js <role> <options as JSON>`. */
import { BSON } from 'bson'
import * as zmq from 'zeromq'
import { EventSource, type Message, type Subscription, subscribe } from '../lib/index.js'
import { EVENT_TYPE, type Hit, hit, type Look, POOL, pooledHit } from './event.js'
import { portions } from './portions.js'
import { countUpTo, cpu, marks, play, say, type Tally, told, UNBOUNDED } from './role.js'

interface RoleOptions {
  count: number
  endpoint: string
  look: Look
  /** Events in one message at most. */
  batchEvents?: number
  /** Where the sender waits for a further word. */
  pauseAt?: number
}

/** Where the number of an event stands: behind length, `time`, `data` of the event and length and key of its data. */
const NUMBER_AT = 31

/** Events that are there as BSON already, end to end; each gets its number. */
class EncodedEvents {
  #bytes: Buffer
  #view: DataView
  /** Where each begins, and where the last one ends. */
  #starts: number[] = [0]

  constructor() {
    const time = new Date()
    const documents = Array.from({ length: POOL }, (_, n) => BSON.serialize({ time, data: hit(n) }))
    for (const { length } of documents) this.#starts.push(this.#starts.at(-1)! + length)
    this.#bytes = Buffer.concat(documents)
    this.#view = new DataView(this.#bytes.buffer, this.#bytes.byteOffset, this.#bytes.length)
  }

  /** Those of these numbers, POOL at most; good until the next call. */
  numbered(from: number, to: number): Buffer {
    for (let i = 0; i < to - from; i++) this.#view.setInt32(this.#starts[i]! + NUMBER_AT, from + i, true)
    return this.#bytes.subarray(0, this.#starts[to - from])
  }
}

function addNumbers({ body, offset, count }: Message, { sum }: Tally): void {
  const view = new DataView(body.buffer, body.byteOffset, body.length)
  for (let i = 0, at = offset; i < count; i++) {
    sum.addNumber(view.getInt32(at + NUMBER_AT, true))
    at += view.getInt32(at, true)
  }
}

function listen({ endpoint }: RoleOptions): Subscription {
  return subscribe({
    ...(endpoint ? { connect: [endpoint] } : { bind: ['tcp://127.0.0.1:0'] }),
    subscribe: [EVENT_TYPE],
    queueEvents: UNBOUNDED,
    queueBytes: '4GiB',
  })
}

const figures = (events: Subscription) => () => ({
  lost: events.counters().lost,
  dropped: events.counters().dropped.overflow,
})

const roles: Record<string, (options: RoleOptions) => Promise<void>> = {
  /** The program a user would write: one event, one message, nothing numbered. */
  async naiveSender({ count, endpoint }) {
    const socket = new zmq.Publisher()
    socket.sendHighWaterMark = UNBOUNDED
    socket.connect(endpoint)
    // It has no way to know when its subscriber is there.
    await new Promise((resolve) => setTimeout(resolve, 500))
    say({ ready: true })
    await told()
    const used = cpu()
    for await (const [from, to] of portions(count)) {
      for (let n = from; n < to; n++) {
        await socket.send([
          EVENT_TYPE,
          BSON.serialize({ source: 'bench', time: new Date(), data: pooledHit(n) }),
        ])
      }
    }
    say({ sent: count, cpu: used() })
  },

  async naiveReceiver({ count }) {
    const socket = new zmq.Subscriber()
    socket.receiveHighWaterMark = UNBOUNDED
    await socket.bind('tcp://127.0.0.1:*')
    socket.subscribe(EVENT_TYPE)
    say({ ready: socket.lastEndpoint })
    const { sum, begin, added } = countUpTo(count)
    for await (const [, body] of socket) {
      begin()
      sum.add(BSON.deserialize(body!).data as Hit)
      added()
    }
  },

  async sender({ count, endpoint, pauseAt }) {
    const source = new EventSource({ source: 'bench', connect: [endpoint], sendHighWaterMark: UNBOUNDED })
    await source.subscribed(EVENT_TYPE, { timeout: 10_000 })
    say({ ready: true })
    await told()
    const used = cpu()
    for await (const [from, to] of portions(count, { pauseAt })) {
      for (let n = from; n < to; n++) source.emit(EVENT_TYPE, pooledHit(n))
    }
    say({ sent: source.counters().sent, cpu: used() })
  },

  /** Has the events as bytes, and hands those over. */
  async bytesSender({ count, endpoint, batchEvents }) {
    const source = new EventSource({
      source: 'bench',
      connect: [endpoint],
      sendHighWaterMark: UNBOUNDED,
      ...(batchEvents ? { batchEvents } : {}),
    })
    await source.subscribed(EVENT_TYPE, { timeout: 10_000 })
    say({ ready: true })
    await told()
    const events = new EncodedEvents()
    const used = cpu()
    // Rather many between two turns, as what is in the open message at its end leaves by itself.
    for await (const [from, to] of portions(count, { size: 2 * POOL })) {
      for (let n = from; n < to; n += POOL)
        source.emitEncoded(EVENT_TYPE, events.numbered(n, Math.min(to, n + POOL)))
    }
    say({ sent: source.counters().sent, batches: source.counters().batches, cpu: used() })
  },

  async receiver(options) {
    const events = listen(options)
    say({ ready: events.endpoints[0] ?? options.endpoint })
    const tally = countUpTo(options.count, figures(events))
    const { sum } = tally
    const { look } = options
    for await (const batch of events) {
      tally.begin()
      if (look === 'all') for (const event of batch) sum.add(event.data as Hit)
      else if (look === 'two')
        for (const view of batch.views())
          sum.addTwo({ n: view.get('n') as number, status: view.get('status') as number })
      else for (const message of batch.messages) addNumbers(message, tally)
      tally.added()
    }
  },

  /** libzmq's own forwarder, on a thread of libuv. */
  async proxy() {
    const [sources, sinks] = [new zmq.XSubscriber(), new zmq.XPublisher()]
    for (const socket of [sources, sinks]) {
      socket.sendHighWaterMark = 0
      ;(socket as unknown as { receiveHighWaterMark: number }).receiveHighWaterMark = 0
      await socket.bind('tcp://127.0.0.1:*')
    }
    const ready = { ready: sources.lastEndpoint, sinks: sinks.lastEndpoint }
    const proxy = new zmq.Proxy(sources, sinks)
    // Without it the process could not even be told to end.
    process.on('exit', () => proxy.terminate())
    void proxy.run()
    say(ready)
    marks()
  },
}

await play(roles)
