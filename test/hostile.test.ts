/**
 * Strangers at the door: whatever they send to a router, a sink or a source, it is counted by its reason, nobody
 * crashes, memory stays bounded, and the events of an honest source beside them go through unharmed.
 */
import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { BSON } from 'bson'
import * as zmq from 'zeromq'
import { type AttachedSink, attach, EventRouter, EventSource, eventToJson } from '../lib/index.js'
import { headerLength, heartbeatBody, writeHeader } from '../lib/wire.js'
import { freeEndpoint, seeded, until } from '../testing/index.js'
import { dial, frame, GREETING, pour, ready } from '../testing/zmtp.js'

const MiB = 2 ** 20

function message(
  documents: Buffer[],
  { source = 'stranger', epoch = 1, seq = 0, n = documents.length } = {},
) {
  const name = Buffer.from(source)
  const head = Buffer.alloc(headerLength(name.length))
  writeHeader(head, name, epoch, seq, n)
  return Buffer.concat([head, ...documents])
}

const document = (value: BSON.Document) => Buffer.from(BSON.serialize(value))
const event = (data: unknown) => document({ time: new Date(0), data })

/** An event whose data is so many lists in each other; made by hand, because libraries have limits. */
function deepEvent(levels: number): Buffer {
  const nest = Buffer.alloc(5 + 7 * levels)
  for (let level = 0; level <= levels; level++) {
    nest.writeInt32LE(5 + 7 * (levels - level), 6 * level)
    if (level < levels) nest.write('\x03\0', 6 * level + 4, 'latin1')
  }
  const time = document({ time: new Date(0) }).subarray(4, -1)
  const whole = Buffer.concat([Buffer.alloc(4), time, Buffer.from('\x03data\0'), nest, Buffer.from([0])])
  whole.writeInt32LE(whole.length)
  return whole
}

/** An honest source that is connected to a router and to a sink, and another sink behind the router. */
async function scene(t: TestContext, options: { maxStreams?: number } = {}) {
  // Nothing is lost because a machine is slow: who cannot keep up is not what this is about.
  const roomy = { sendHighWaterMark: 100_000 }
  const ends = { bindSources: [freeEndpoint()], bindSinks: [freeEndpoint()] }
  const router = new EventRouter({ ...ends, ...roomy, ...options })
  const numbers = { behind: [] as number[], beside: [] as number[] }
  const listen = (into: number[], where: { connect: string[] } | { bind: string[] }) =>
    attach(
      {
        write(batch) {
          for (const each of batch) {
            // What a sink usually does; nothing that gets through may break it.
            assert.ok(eventToJson(each).length > 0)
            if (each.source === 'honest') into.push(each.seq)
          }
        },
      },
      { ...where, ...options, subscribe: ['**'], retries: 0 },
    )
  const behind = await listen(numbers.behind, { connect: [...router.sinkEndpoints] })
  const beside = await listen(numbers.beside, { bind: [freeEndpoint()] })
  const doors = { router: router.sourceEndpoints[0]!, sink: beside.endpoints[0]! }
  const honest = new EventSource({
    source: 'honest',
    connect: [doors.router, doors.sink],
    bind: [freeEndpoint()],
    ...roomy,
  })
  t.after(async () => {
    await honest.close()
    await Promise.all([router.close(), behind.close(), beside.close()])
  })
  const streamAt = (end: AttachedSink | EventRouter) =>
    [...end.streams()].find((each) => each.source === 'honest')
  await until('both ways are open', () => {
    honest.emit('http.hit', { status: 200 })
    return streamAt(behind) && streamAt(beside)
  })
  const emit = (count: number) => {
    for (let i = 0; i < count; i++) assert.ok(honest.emit('http.hit', { status: 200 }))
  }
  /** Waits until all that the honest source has sent has come, and holds it against what should have. */
  const unharmed = async () => {
    emit(100)
    const { sent } = await new Promise<ReturnType<typeof honest.counters>>((resolve) =>
      setImmediate(() => setImmediate(() => resolve(honest.counters()))),
    )
    for (const [name, seen] of Object.entries(numbers)) {
      await until(`the honest events are ${name} the router`, () => seen.at(-1) === sent - 1)
      // The very first ones may have been sent before both were subscribed.
      assert.deepEqual(
        seen,
        Array.from({ length: seen.length }, (_, i) => sent - seen.length + i),
        name,
      )
      assert.ok(seen.length >= 100)
    }
    for (const sink of [behind, beside]) {
      const { received, written, dropped, queued } = sink.counters()
      assert.deepEqual(
        { failed: dropped.failed, rejected: dropped.rejected, overflow: dropped.overflow },
        { failed: 0, rejected: 0, overflow: 0 },
      )
      assert.equal(received, written + dropped.undecodable + queued)
    }
  }
  return { router, behind, beside, doors, honest, emit, unharmed }
}

/** A publisher without manners, connected to both doors. */
async function stranger(t: TestContext, { router, beside, doors }: Awaited<ReturnType<typeof scene>>) {
  const publisher = new zmq.XPublisher()
  publisher.linger = 0
  publisher.sendTimeout = 0
  publisher.sendHighWaterMark = 0
  t.after(() => publisher.close())
  for (const endpoint of Object.values(doors)) publisher.connect(endpoint)
  const known = (source: string) =>
    [router, beside].every((end) => [...end.streams()].some((stream) => stream.source === source))
  const beat = (source: string) => publisher.send(['marker', heartbeatBody(Buffer.from(source), 1, 0, 1)])
  await until('the stranger is let in', async () => {
    await beat('knock')
    return known('knock')
  })
  let markers = 0
  /** Everything sent before has been dealt with at both doors. */
  const settled = async () => {
    const source = `marker-${++markers}`
    await beat(source)
    await until(`${source} is through`, () => known(source))
  }
  await settled()
  return { send: (frames: (Buffer | string)[]) => publisher.send(frames), settled }
}

const difference = (now: Record<string, number>, was: Record<string, number>) =>
  Object.fromEntries(Object.entries(now).map(([key, value]) => [key, value - was[key]!]))

test('messages that are none are counted by reason at both doors', async (t) => {
  const on = await scene(t)
  const { send, settled } = await stranger(t, on)
  const random = seeded(1)
  const bytes = (length: number) => Buffer.from(Array.from({ length }, () => Math.floor(random() * 256)))
  const good = message([event(1)])
  const patched = (at: number, value: number) => {
    const copy = Buffer.from(good)
    copy.writeInt32LE(value, at)
    return copy
  }
  const body = headerLength('stranger'.length)
  const attacks: [reason: string, frames: (Buffer | string)[]][] = [
    ['frames', ['http.hit']],
    ['frames', ['http.hit', good, good]],
    ['frames', Array(100).fill('http.hit')],
    ['topic', ['', good]],
    ['topic', [Buffer.from([0xc3, 0x28, 0xff]), good]],
    ['topic', [bytes(300), good]],
    ['topic', [Buffer.alloc(MiB, 'x'), good]],
    ['header', ['http.hit', '']],
    ['header', ['http.hit', bytes(500)]],
    ['header', ['http.hit', good.subarray(0, 50)]],
    ['header', ['http.hit', patched(0, 100 * MiB)]],
    ['header', ['http.hit', patched(0, -1)]],
    ['header', ['http.hit', patched(42, -1)]],
    ['header', ['http.hit', patched(54, 100 * MiB)]],
    ['header', ['http.hit', patched(54, -2147483648)]],
    ['version', ['http.hit', patched(7, 2)]],
    ['version', ['http.hit', patched(7, -1)]],
    ['events', ['http.hit', good.subarray(0, -1)]],
    ['events', ['http.hit', patched(body, 100 * MiB)]],
    ['events', ['http.hit', patched(body, -1)]],
    ['events', ['http.hit', message([event(1)], { n: 2, source: 'two' })]],
    ['events', ['http.hit', message([event(1)], { n: 2 ** 31 - 1, source: 'many' })]],
    ['events', ['http.hit', message([event(1)], { n: 0 })]],
  ]
  const was = { router: on.router.counters(), sink: on.beside.counters() }
  const expected: Record<string, number> = {
    frames: 0,
    topic: 0,
    header: 0,
    version: 0,
    events: 0,
    overlap: 0,
  }
  const rounds = 50
  for (let i = 0; i < rounds; i++) {
    on.emit(10)
    for (const [reason, frames] of attacks) {
      await send(frames)
      expected[reason]! += 1
    }
    // Room for the others, as in a program that does not only attack.
    await new Promise((resolve) => setImmediate(resolve))
  }
  await settled()
  await on.unharmed()
  assert.deepEqual(difference(on.beside.counters().malformed, was.sink.malformed), expected)
  // A router does not look at the events.
  assert.deepEqual(difference(on.router.counters().malformed, was.router.malformed), {
    ...expected,
    events: 0,
  })
})

test('events that cannot be decoded, or hardly, are left out alone', async (t) => {
  const on = await scene(t)
  const { send, settled } = await stranger(t, on)
  const good = event('good')
  const truncated = Buffer.from(event({ text: 'x'.repeat(100) }))
  truncated.writeInt32LE(1000, truncated.indexOf('text') + 5)
  const bad = [
    deepEvent(100),
    deepEvent(3000),
    deepEvent(400_000),
    truncated,
    document({}),
    document({ time: 1, data: 1 }),
    document({ time: new Date(0), data: 1, source: 'honest' }),
  ]
  const was = on.beside.counters()
  for (const [i, each] of bad.entries()) {
    await send(['http.hit', message([good, each, good], { seq: 3 * i })])
    on.emit(10)
  }
  await send(['http.hit', message([deepEvent(98)], { seq: 3 * bad.length })])
  await settled()
  await on.unharmed()
  assert.equal(on.beside.counters().dropped.undecodable, bad.length)
  assert.equal(on.behind.counters().dropped.undecodable, bad.length)
  assert.deepEqual(on.beside.counters().malformed, was.malformed)
})

test('numbers and epochs at the end of all numbers harm no other stream', async (t) => {
  const on = await scene(t)
  const { send, settled } = await stranger(t, on)
  const ofHonest = () =>
    [on.router, on.beside, on.behind].map((end) => {
      const stream = [...end.streams()].find(
        ({ source, type }) => source === 'honest' && type === 'http.hit',
      )!
      return { lost: stream.lost, duplicate: stream.duplicate }
    })
  // The very first one may have been sent when one of the two ways was not open yet.
  const before = ofHonest()
  const end = 2 ** 53 - 1
  for (const epoch of [0, 1, end]) {
    await send(['http.hit', message([event(1)], { epoch, seq: end - 1 })])
    await send(['http.hit', message([event(1)], { epoch, seq: 0 })])
    await send(['http.hit', heartbeatBody(Buffer.from('stranger'), epoch, end, end)])
    for (let i = 1; i < 1000; i++) await send(['http.hit', message([event(1)], { epoch, seq: 4 * i })])
    on.emit(10)
  }
  await settled()
  await on.unharmed()
  assert.deepEqual(ofHonest(), before)
})

test('a flood of streams and topics is remembered within bounds', async (t) => {
  const on = await scene(t, { maxStreams: 1000 })
  const { send, settled } = await stranger(t, on)
  for (let i = 0; i < 30_000; i++) {
    const source = `stranger-${i % 7}`
    await send([`flood.${i % 3000}`, message([event(1)], { source, epoch: i, seq: i })])
    if (i % 100 > 0) continue
    on.emit(1)
    await new Promise((resolve) => setImmediate(resolve))
  }
  await settled()
  await on.unharmed()
  for (const end of [on.router, on.beside, on.behind]) {
    const { streams, forgottenStreams } = end.counters() as unknown as Record<string, number>
    assert.ok(streams! <= 1000, `${streams} streams`)
    assert.ok(forgottenStreams! > 25_000, `${forgottenStreams} forgotten`)
  }
})

test('topics that are too long are not remembered', async (t) => {
  const on = await scene(t)
  const { send, settled } = await stranger(t, on)
  const heap = () => process.memoryUsage().heapUsed / MiB
  const before = heap()
  for (let i = 0; i < 1000; i++) {
    const topic = Buffer.alloc(MiB / 2, 'x')
    topic.write(String(i))
    await send([topic, message([event(1)])])
    await new Promise((resolve) => setImmediate(resolve))
  }
  await settled()
  await on.unharmed()
  assert.equal(on.beside.counters().malformed.topic, 1000)
  const grown = heap() - before
  assert.ok(grown < 150, `half a gigabyte of topics left ${grown.toFixed()} MiB on the heap`)
})

test('what subscribers send is a subscription, or is counted and dropped', async (t) => {
  const on = await scene(t)
  const { send, settled } = await stranger(t, on)
  // Many streams, as each change of the subscriptions may concern each of them.
  for (let epoch = 0; epoch < 20_000; epoch++) await send(['http.hit', message([event(1)], { epoch })])
  await settled()
  const before = on.router.counters()
  const rude = new zmq.XSubscriber()
  rude.linger = 0
  rude.sendTimeout = 0
  rude.sendHighWaterMark = 0
  t.after(() => rude.close())
  for (const endpoint of [on.router.sinkEndpoints[0]!, on.honest.endpoints[0]!]) rude.connect(endpoint)
  const marker = Buffer.from('\x01zzz.marker')
  await rude.send(marker)
  await until('the rude one is let in', () => on.router.counters().subscriptions > before.subscriptions)
  for (let i = 0; i < 1000; i++) {
    await rude.send([Buffer.from([2, i & 255])])
    await rude.send(['http.hit', message([event(i)])])
    await rude.send('')
    if (i % 50 === 0) on.emit(1)
  }
  for (let i = 0; i < 2000; i++) await rude.send(Buffer.from(`\x01flood.${i}`))
  await until('the subscriptions have come', () => on.router.counters().subscriptions >= 2000)
  // Several thousand frames; how libzmq splits them up into messages is its own affair.
  assert.ok(on.router.counters().foreign > 1000, `${on.router.counters().foreign} foreign`)
  await on.unharmed()
  rude.close()
  await until('its subscriptions are gone', () => on.router.counters().subscriptions === before.subscriptions)
  await on.unharmed()
})

test('garbage instead of a handshake reaches nobody', async (t) => {
  const on = await scene(t)
  const random = seeded(2)
  const bytes = (length: number) => Buffer.from(Array.from({ length }, () => Math.floor(random() * 256)))
  const openings = [
    bytes(2000),
    Buffer.from('GET / HTTP/1.1\r\nHost: storm\r\n\r\n'),
    Buffer.alloc(5000, 0xff),
    Buffer.alloc(5000),
    Buffer.from('\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03', 'latin1'),
    GREETING.subarray(0, 30),
    Buffer.concat([GREETING, bytes(1000)]),
    Buffer.concat([GREETING, ready('DEALER'), frame('hello')]),
    Buffer.concat([GREETING, ready('x'.repeat(200))]),
    Buffer.concat([GREETING, frame('\x05READY', { command: true, claim: 100 * MiB })]),
    Buffer.from('0100', 'hex'),
  ]
  for (const endpoint of [
    on.doors.router,
    on.doors.sink,
    on.router.sinkEndpoints[0]!,
    on.honest.endpoints[0]!,
  ]) {
    for (const opening of openings) {
      on.emit(1)
      await pour(await dial(endpoint), [opening], true)
    }
  }
  await until('handshakes were refused', () => {
    const { sourceConnections, sinkConnections } = on.router.counters() as unknown as Record<
      string,
      { refused: number }
    >
    return sourceConnections!.refused > 0 && sinkConnections!.refused > 0
  })
  await on.unharmed()
})

test('claims of 100 MiB and more take no memory, and cost the connection', async (t) => {
  const on = await scene(t)
  await on.unharmed()
  const rss = () => process.memoryUsage().rss / MiB
  const before = rss()
  let highest = before
  const chunk = Buffer.alloc(MiB, 'x')
  const chunks = function* (first: Buffer, count: number) {
    yield first
    for (let i = 0; i < count; i++) {
      highest = Math.max(highest, rss())
      yield chunk
    }
  }
  for (const [endpoint, type] of [
    [on.doors.router, 'PUB'],
    [on.doors.sink, 'PUB'],
    [on.router.sinkEndpoints[0]!, 'SUB'],
    [on.honest.endpoints[0]!, 'SUB'],
  ] as const) {
    for (const claim of [100 * MiB, 2 ** 31, 2 ** 53 - 1]) {
      on.emit(10)
      const opening = Buffer.concat([GREETING, ready(type)])
      const lie = frame('', { claim })
      // Ten at once, each ready to send 64 MiB: only what is refused stops them. Their end is the proof.
      await Promise.all(
        Array.from({ length: 10 }, async () =>
          pour(await dial(endpoint), chunks(Buffer.concat([opening, lie]), 64), false),
        ),
      )
    }
  }
  await on.unharmed()
  assert.ok(highest - before < 150, `memory grew from ${before.toFixed()} to ${highest.toFixed()} MiB`)
})

test('a flood with PING commands and a reset does not abort the process', async (t) => {
  const on = await scene(t)
  const flood = [frame('flood', { more: true }), frame(message([event(1)]))]
  const ping = frame('\x04PING\0\0', { command: true })
  const burst = Buffer.concat(
    Array.from({ length: 500 }, (_, i) => (i % 5 === 0 ? [ping, ...flood] : flood)).flat(),
  )
  for (let round = 0; round < 10; round++) {
    on.emit(10)
    for (const endpoint of [on.doors.router, on.doors.sink]) {
      const socket = await dial(endpoint)
      socket.write(Buffer.concat([GREETING, ready('PUB')]))
      for (let i = 0; i < 10; i++) socket.write(burst)
      const before = on.beside.counters().messages + on.router.counters().messagesIn
      await until(
        'some of it has come',
        () => on.beside.counters().messages + on.router.counters().messagesIn > before,
      )
      socket.resetAndDestroy()
    }
  }
  await on.unharmed()
})
