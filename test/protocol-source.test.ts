/** What PROTOCOL.md says of sources and no vector can show, as a subscriber of plain ZeroMQ hears it. */
import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { BSON } from 'bson'
import * as zmq from 'zeromq'
import { EventSource, type SourceOptions } from '../lib/index.js'
import { type Header, readHeader } from '../lib/wire.js'
import { ControlledClock, freeEndpoint, until } from '../testing/index.js'

/** A message as plain ZeroMQ has it, with its header read. */
interface Heard extends Header {
  type: string
  body: Buffer
}

/** The events of a message, as `bson` reads them. */
function eventsOf({ body, length }: Heard): BSON.Document[] {
  const events: BSON.Document[] = []
  for (let at = length; at < body.length; at += body.readInt32LE(at)) {
    const event = body.subarray(at, at + body.readInt32LE(at))
    events.push(BSON.deserialize(event, { promoteValues: false }))
  }
  return events
}

/** A subscriber of plain ZeroMQ, which hears what passes on the wire. */
class Ear implements AsyncDisposable {
  readonly heard: Heard[] = []
  #socket = new zmq.XSubscriber({ linger: 0, receiveHighWaterMark: 0 })
  #reading: Promise<void>

  constructor(endpoint: string) {
    this.#socket.connect(endpoint)
    this.#reading = this.#read()
  }

  /** @param prefix what it asks for, or asks for no more */
  async ask(prefix: string, wanted = true): Promise<void> {
    await this.#socket.send(`${wanted ? '\x01' : '\0'}${prefix}`)
  }

  /** What was heard of a type. */
  of(type: string): Heard[] {
    return this.heard.filter((each) => each.type === type)
  }

  async hears(what: string, count: number): Promise<Heard[]> {
    await until(`${count} of ${what} are heard`, () => this.of(what).length >= count)
    return this.of(what)
  }

  async #read(): Promise<void> {
    try {
      for await (const [topic, body] of this.#socket as AsyncIterable<Buffer[]>) {
        const header = readHeader(body!) as Header
        this.heard.push({ ...header, type: topic!.toString(), body: body! })
      }
    } catch (error) {
      if (!this.#socket.closed) throw error
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#socket.close()
    await this.#reading
  }
}

const turn = () => new Promise((resolve) => setImmediate(resolve))
const LOOK = 1000

/** A source whose clock stands still, and somebody who hears what it says. */
function scene(t: TestContext, options: SourceOptions = {}) {
  const clock = new ControlledClock()
  const endpoint = freeEndpoint('inproc')
  const source = new EventSource({ source: 'shop', bind: [endpoint], clock, heartbeat: LOOK, ...options })
  const ear = new Ear(endpoint)
  t.after(async () => {
    await source.close()
    await ear[Symbol.asyncDispose]()
  })
  const asked = async (...prefixes: string[]) => {
    const before = source.counters().subscriptions
    for (const prefix of prefixes) await ear.ask(prefix)
    await until('the source knows', () => source.counters().subscriptions === before + prefixes.length)
  }
  const beats = () => source.counters().heartbeats
  return { clock, source, ear, asked, beats }
}

test('section 7: a heartbeat at the first look, then after pauses of 1, 2, 4, 8, 16 and 30 looks', async (t) => {
  const { clock, source, ear, asked, beats } = scene(t)
  await asked('a')
  // The first look is that of a new subscription.
  await clock.advance(LOOK)
  source.emit('a', 1)
  await ear.hears('a', 1)
  const at: number[] = []
  for (let look = 1; look <= 125; look++) {
    const before = beats()
    await clock.advance(LOOK)
    if (beats() > before) at.push(look)
  }
  assert.deepEqual(at, [1, 2, 4, 8, 16, 32, 62, 92, 122])
  const [, ...heartbeats] = await ear.hears('a', 10)
  assert.deepEqual(
    heartbeats.map(({ count, seq, beat, epoch }) => ({ count, seq, beat, epoch })),
    at.map((_, i) => ({ count: 0, seq: 1, beat: i + 1, epoch: source.epoch })),
  )
  // Events bring it back to the beginning.
  source.emit('a', 2)
  await turn()
  for (const expected of [1, 1, 0, 1, 0, 0, 0, 1]) {
    const before = beats()
    await clock.advance(LOOK)
    assert.equal(beats() - before, expected)
  }
})

test('section 7: a heartbeat at the next look after subscriptions have changed, whatever the pause', async (t) => {
  const { clock, source, ear, asked, beats } = scene(t)
  await asked('a')
  source.emit('a', 1)
  await turn()
  await clock.advance(100 * LOOK)
  const before = beats()
  await clock.advance(LOOK)
  assert.equal(beats(), before, 'in the middle of a pause')
  await asked('x')
  await clock.advance(LOOK)
  assert.equal(beats(), before + 1)
  await ear.ask('x', false)
  await until('the source knows', () => source.counters().subscriptions === 1)
  await clock.advance(LOOK)
  assert.equal(beats(), before + 2)
})

test('section 7: none for a stream of which no number was used, or whose type nobody wants', async (t) => {
  const { clock, source, ear, asked, beats } = scene(t)
  assert.equal(source.emit('a', 'nobody wants it'), false)
  await asked('a', 'b')
  await clock.advance(3 * LOOK)
  assert.equal(beats(), 0)
  source.emit('b', 1)
  await ear.hears('b', 1)
  await ear.ask('b', false)
  await until('the source knows', () => source.counters().subscriptions === 1)
  await clock.advance(10 * LOOK)
  assert.equal(beats(), 0)
  assert.equal(source.emit('b', 'nobody wants it any more'), false)
  // Its numbers go on where they were.
  await asked('b')
  source.emit('b', 2)
  assert.deepEqual(
    (await ear.hears('b', 2)).map(({ seq }) => seq),
    [0, 1],
  )
})

test('section 7: a heartbeat says no more than was handed to ZeroMQ', async (t) => {
  const { clock, source, ear, asked } = scene(t, { linger: 2.5 * LOOK })
  await asked('a')
  for (let i = 0; i < 3; i++) source.emit('a', i)
  await clock.advance(2.5 * LOOK)
  for (let i = 0; i < 4; i++) source.emit('a', i)
  await clock.advance(2 * LOOK)
  const heard = await ear.hears('a', 3)
  assert.deepEqual(
    heard.map(({ seq, count }) => [seq, count]),
    [
      [0, 3],
      [3, 0],
      [3, 0],
    ],
  )
})

test('section 12: who drains sends the events, a last report, then the last heartbeats', async (t) => {
  const { source, ear, asked } = scene(t)
  await asked('a', '_report')
  source.emit('a', 1)
  source.emit('a', 2)
  await source.drain()
  await ear.hears('_report.source', 2)
  assert.deepEqual(
    ear.heard.map(({ type, seq, count, beat }) => ({ type, seq, count, beat })),
    [
      { type: 'a', seq: 0, count: 2, beat: 0 },
      { type: '_report.source', seq: 0, count: 1, beat: 0 },
      { type: 'a', seq: 2, count: 0, beat: 1 },
      { type: '_report.source', seq: 1, count: 0, beat: 1 },
    ],
  )
})

test('section 3: the empty prefix does not ask for reserved types', async (t) => {
  const { clock, source, ear, asked } = scene(t)
  source.describe('a', { title: 'A' })
  await asked('')
  await clock.advance(100 * LOOK)
  source.emit('a', 1)
  await ear.hears('a', 1)
  assert.deepEqual(new Set(ear.heard.map(({ type }) => type)), new Set(['a']))
  await asked('_')
  await clock.advance(LOOK)
  await ear.hears('_meta.a', 1)
  await ear.hears('_report.source', 1)
})

test('section 3: a hint at the next look after a change, and every 30 s', async (t) => {
  const { clock, source, ear, asked } = scene(t)
  source.describe('a', { title: 'A' })
  await asked('_meta')
  await clock.advance(LOOK)
  await ear.hears('_meta.a', 1)
  await clock.advance(60 * LOOK)
  // Between them come heartbeats.
  const hints = () => ear.of('_meta.a').filter(({ count }) => count > 0)
  await until('the third is heard', () => hints().length >= 3)
  assert.equal(hints().length, 3)
  assert.deepEqual(eventsOf(hints()[0]!)[0]!.data, { title: 'A' })
})

test('section 3: a report at each look, also when nothing changes, in lists of 500 streams', async (t) => {
  const { clock, source, ear, asked } = scene(t)
  assert.equal(source.emit('nobody', 1), false)
  await asked('t', '_report')
  for (let i = 0; i < 1001; i++) source.emit(`t.${i}`, i)
  await turn()
  const TYPE = '_report.source'
  const reports = () => ear.of(TYPE).flatMap(eventsOf)
  for (const look of [1, 2, 3]) {
    await clock.advance(LOOK)
    await until('the reports have come', () => reports().length === 3 * look)
  }
  const seen = reports()
  const number = (value: unknown) => Number(String(value))
  const lists = seen.map(({ data }) => data.streams as { type: string; sent: unknown }[])
  assert.deepEqual(
    lists.map(({ length }) => length),
    [500, 500, 1, 500, 500, 1, 500, 500, 1],
  )
  assert.deepEqual(new Set(lists.slice(0, 3).flatMap((list) => list.map(({ type }) => type))).size, 1001)
  for (const { data } of seen) {
    const { sent, unwanted, dropped, every, ended } = data
    assert.deepEqual([sent, unwanted, dropped, every].map(number), [1001, 1, 0, LOOK])
    assert.equal(ended, false)
  }
  for (const { type, sent } of lists.flat()) {
    assert.ok(type.startsWith('t.'), 'none of a reserved type')
    assert.equal(number(sent), 1)
  }
})

test('section 6: what is refused, unwanted or of one type too many gets no number', async (t) => {
  const { source, ear, asked } = scene(t, { maxTypes: 1, maxEventBytes: 1000 })
  assert.equal(source.emit('a', 0), false)
  await asked('')
  assert.throws(() => source.emit('a', 'x'.repeat(1000)), { code: 'EVENT_TOO_LARGE' })
  assert.throws(() => source.emit('a', () => {}), { code: 'DATA_INVALID' })
  assert.equal(source.emit('b', 1), false)
  source.emit('a', 1)
  const [message] = await ear.hears('a', 1)
  assert.deepEqual([message!.seq, message!.count], [0, 1])
  const { sent, unwanted, dropped } = source.counters()
  assert.deepEqual({ sent, unwanted, dropped }, { sent: 1, unwanted: 1, dropped: 1 })
})

test('section 6: at most 1000 events and 64 KiB in a message; a larger event travels alone', async (t) => {
  const { source, ear, asked } = scene(t)
  await asked('')
  for (let i = 0; i < 2500; i++) source.emit('many', i)
  for (let i = 0; i < 100; i++) source.emit('large', 'x'.repeat(2000))
  source.emit('larger', 'x')
  source.emit('larger', 'x'.repeat(200_000))
  source.emit('larger', 'x')
  await ear.hears('many', 3)
  await ear.hears('larger', 3)
  const counts = (type: string) => ear.of(type).map(({ count }) => count)
  assert.deepEqual(counts('many'), [1000, 1000, 500])
  assert.deepEqual(counts('larger'), [1, 1, 1])
  const large = ear.of('large')
  assert.ok(large.every(({ body }) => body.length <= 65_536))
  assert.ok(large.slice(0, -1).every(({ body }) => body.length > 60_000))
})
