/** What PROTOCOL.md says of routers, sinks and sockets and no vector can show, by plain ZeroMQ at the other end. */
import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { BSON, Long } from 'bson'
import * as zmq from 'zeromq'
import { attach, EventRouter, EventSource, subscribe } from '../lib/index.js'
import { type Header, headerLength, heartbeatBody, readHeader, writeHeader } from '../lib/wire.js'
import { freeEndpoint, until } from '../testing/index.js'
import { enter, frame, pour } from '../testing/zmtp.js'

const NAME = Buffer.from('s')
/** Microseconds since 1970: before any receiver of these tests, or after. */
const OLD = 1000
const NEW = 4e15

function message(seq: number, n: number, { epoch = OLD, source = NAME, data = 1 as unknown } = {}): Buffer {
  const head = Buffer.alloc(headerLength(source.length))
  writeHeader(head, source, epoch, seq, n)
  const event = BSON.serialize({ time: new Date(0), data })
  return Buffer.concat([head, ...Array<Uint8Array>(n).fill(event)])
}

/** A heartbeat as some other program may write it. */
function heartbeat(seq: number, behind: Record<string, unknown>): Buffer {
  const header = { v: new BSON.Int32(1), epoch: Long.fromNumber(OLD), seq: Long.fromNumber(seq) }
  return Buffer.from(BSON.serialize({ ...header, n: new BSON.Int32(0), source: 's', ...behind }))
}

/** A router between a publisher and a subscriber of plain ZeroMQ. */
async function scene(t: TestContext) {
  const ends = { bindSources: [freeEndpoint('inproc')], bindSinks: [freeEndpoint('inproc')] }
  const router = new EventRouter(ends)
  const subscriber = new zmq.XSubscriber({ linger: 0, receiveTimeout: 15_000 })
  const publisher = new zmq.XPublisher({ linger: 0, receiveTimeout: 15_000 })
  t.after(async () => {
    publisher.close()
    subscriber.close()
    await router.close()
  })
  publisher.connect(ends.bindSources[0]!)
  subscriber.connect(ends.bindSinks[0]!)
  await subscriber.send('\x01')
  const [first] = await publisher.receive()
  assert.deepEqual(first, Buffer.from([1]), 'the subscription comes to the publisher')
  let sent = router.counters().messagesIn
  const send = async (type: string, body: Buffer) => {
    await publisher.send([type, body])
    sent++
    await until('the router has it', () => router.counters().messagesIn === sent)
  }
  /** The bodies of so many messages that the router passes on. */
  const passed = async (count: number) => {
    const bodies: Buffer[] = []
    while (bodies.length < count) bodies.push((await subscriber.receive())[1]!)
    return bodies
  }
  return { router, publisher, subscriber, send, passed }
}

test('section 10: a heartbeat is passed on if its beat is greater than all before', async (t) => {
  const { send, passed } = await scene(t)
  const beats: Record<string, unknown>[] = [
    ...[3, 3, 2, 4, 9, 5, -1, 0].map((beat) => ({ beat: Long.fromNumber(beat) })),
    {},
    { beat: new BSON.Int32(100) },
    { hops: 1, beat: Long.fromNumber(100) },
    { beat: Long.fromString('9007199254740992') },
    { beat: Long.fromNumber(10), hops: 1 },
  ]
  for (const each of beats) await send('a', heartbeat(7, each))
  await send('a', message(7, 1))
  const heads = (await passed(5)).map((body) => readHeader(body) as Header)
  assert.deepEqual(
    heads.map(({ count, beat }) => (count === 0 ? beat : 'event')),
    [3, 4, 9, 10, 'event'],
  )
})

test('section 10: what is fresh or late is passed on once and unchanged, and nothing else is', async (t) => {
  const { router, send, passed } = await scene(t)
  const unseen = Buffer.concat([message(9, 1), Buffer.from('whatever these bytes are')])
  const sent: [passes: boolean, body: Buffer][] = [
    [true, message(0, 2)],
    [true, message(5, 2)],
    [true, message(3, 2)],
    [false, message(3, 2)],
    [false, message(0, 7)],
    [true, message(2, 1)],
    [false, message(6, 2)],
    [true, unseen],
    [true, message(0, 2, { epoch: OLD + 1 })],
  ]
  for (const [, body] of sent) await send('a', body)
  const wanted = sent.filter(([passes]) => passes).map(([, body]) => body)
  assert.deepEqual(await passed(wanted.length), wanted)
  const { duplicate, malformed } = router.counters()
  // A message that is partly known is an overlap; one that is wholly known is a duplicate.
  assert.deepEqual([duplicate, malformed.overlap], [2, 2])
})

test('section 10: what comes upstream and is no subscription is counted and dropped', async (t) => {
  const { router, subscriber, publisher } = await scene(t)
  const foreign = [
    [Buffer.alloc(0)],
    [Buffer.from('x')],
    [Buffer.from([2, 97])],
    [Buffer.from('a'), Buffer.from('b')],
  ]
  for (const frames of foreign) await subscriber.send(frames)
  await until('they are counted', () => router.counters().foreign === foreign.length)
  await subscriber.send('\x01b')
  const [next] = await publisher.receive()
  assert.deepEqual(next, Buffer.from('\x01b'), 'nothing of it went on')
  assert.equal(router.counters().subscriptions, 2)
})

test('section 8: a sink asks for the longest literal prefixes, each once, in frames of a byte and a prefix', async () => {
  await using publisher = new Asked()
  const subscriptions = ['http.hit', 'http.**', 'cpu.*.x', 'cpu.user.x', 'küche.*', '_meta.**']
  await using _sink = subscribe({ connect: [publisher.endpoint], subscribe: subscriptions })
  assert.deepEqual(await publisher.frames(4), ['\x01_meta', '\x01cpu.', '\x01http', '\x01küche.'])
  await using everything = new Asked()
  await using _other = subscribe({ connect: [everything.endpoint], subscribe: ['*.x', 'a', '_meta.**'] })
  assert.deepEqual(await everything.frames(2), ['\x01', '\x01_meta'])
})

test('section 6: a PUB socket is a source; what it sends before anybody has asked is lost', async () => {
  await using sink = await attach({ write() {} }, { bind: [freeEndpoint()] })
  const publisher = new zmq.Publisher({ linger: 0 })
  let sent = 0
  await publisher.send(['a', message(sent++, 1, { epoch: NEW })])
  publisher.connect(sink.endpoints[0]!)
  await until('events come', async () => {
    await publisher.send(['a', message(sent++, 1, { epoch: NEW })])
    return sink.counters().received > 0
  })
  await until('the last one has come', () => sink.counters().received + sink.counters().lost === sent)
  publisher.close()
  assert.ok(sink.counters().lost > 0, 'the first ones were sent to nobody')
})

test('section 1: a SUB socket is a sink', async () => {
  await using source = new EventSource({ source: 'shop', bind: [freeEndpoint()] })
  const subscriber = new zmq.Subscriber({ linger: 0, receiveTimeout: 15_000 })
  subscriber.connect(source.endpoints[0]!)
  subscriber.subscribe('a')
  await source.subscribed('a', { timeout: 15_000 })
  source.emit('a', 'heard')
  const [type, body] = await subscriber.receive()
  subscriber.close()
  assert.equal(type!.toString(), 'a')
  assert.equal(BSON.deserialize(body!.subarray(body!.readInt32LE(0))).data, 'heard')
})

test('section 9: streams of the time before a receiver asked begin where they are found', async () => {
  const endpoint = freeEndpoint('inproc')
  await using sink = await attach({ write() {} }, { bind: [endpoint] })
  const publisher = new zmq.XPublisher({ linger: 0, receiveTimeout: 15_000 })
  publisher.connect(endpoint)
  await publisher.receive()
  await publisher.send(['a', message(100, 1, { epoch: OLD })])
  await publisher.send(['a', message(100, 1, { epoch: NEW })])
  await publisher.send(['b', heartbeatBody(NAME, NEW, 10, 1)])
  await until('all have come', () => sink.counters().messages === 3)
  publisher.close()
  assert.deepEqual([sink.counters().received, sink.counters().lost], [2, 110])
})

test('section 12: a frame of 4 MiB is taken and a larger one costs the connection; from subscribers 1024 bytes', async () => {
  const MiB = 2 ** 20
  await using router = new EventRouter({ bindSources: [freeEndpoint()], bindSinks: [freeEndpoint()] })
  const [sources, sinks] = [router.sourceEndpoints[0]!, router.sinkEndpoints[0]!]
  const publisher = await enter(sources, 'PUB')
  publisher.write(Buffer.concat([frame('a', { more: true }), frame(Buffer.alloc(4 * MiB))]))
  await until('it has come', () => router.counters().malformed.header === 1)
  assert.equal(publisher.destroyed, false)
  await pour(publisher, [frame('a', { more: true }), frame(Buffer.alloc(4 * MiB + 1))], false)
  const subscriber = await enter(sinks, 'SUB')
  const prefix = (length: number) => frame(Buffer.alloc(length, 1))
  subscriber.write(prefix(1024))
  const tooLong = () => (router.counters().limitedSubscriptions as { tooLong: number }).tooLong
  await until('it was counted', () => tooLong() === 1)
  assert.equal(subscriber.destroyed, false)
  await pour(subscriber, [prefix(1025)], false)
  const { messagesIn } = router.counters()
  assert.deepEqual([messagesIn, tooLong()], [1, 1])
})

/** A publisher of plain ZeroMQ that keeps what it is asked. */
class Asked implements AsyncDisposable {
  readonly endpoint = freeEndpoint('inproc')
  #socket = new zmq.XPublisher({ linger: 0 })
  #frames: string[] = []
  #reading: Promise<void>

  constructor() {
    this.#socket.bindSync(this.endpoint)
    this.#reading = this.#read()
  }

  async frames(count: number): Promise<string[]> {
    await until(`${count} subscriptions have come`, () => this.#frames.length >= count)
    return this.#frames.toSorted()
  }

  async #read(): Promise<void> {
    try {
      for await (const [first] of this.#socket as AsyncIterable<Buffer[]>)
        this.#frames.push(first!.toString())
    } catch (error) {
      if (!this.#socket.closed) throw error
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#socket.close()
    await this.#reading
  }
}
