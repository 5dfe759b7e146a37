import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  type DataWriter,
  EventSource,
  NO_ROOM,
  type SourceOptions,
  type StormEvent,
  startSource,
  subscribe,
  UNUSUAL,
} from '../lib/index.js'
import { ControlledClock, freeEndpoint, until } from '../testing/index.js'
import { readHeader } from './wire.js'

const turn = () => new Promise((resolve) => setImmediate(resolve))

/** A source with a subscription on it, and the messages that come. */
async function listened(options: SourceOptions = {}, patterns = ['**']) {
  const endpoint = freeEndpoint('inproc')
  const source = new EventSource({ source: 'shop', bind: [endpoint], ...options })
  const subscription = subscribe({ connect: [endpoint], subscribe: patterns })
  const messages: { type: string; count: number; bytes: number }[] = []
  const events: StormEvent[] = []
  const reading = (async () => {
    for await (const batch of subscription) {
      for (const { type, count, body } of batch.messages) messages.push({ type, count, bytes: body.length })
      events.push(...batch)
    }
  })()
  await source.subscribed(undefined, { timeout: 30_000 })
  return {
    source,
    messages,
    events,
    subscription,
    async [Symbol.asyncDispose]() {
      await source.close()
      await subscription.close()
      await reading
    },
  }
}

test('events of one turn travel in one message a type; the next turn begins new ones', async () => {
  await using on = await listened()
  for (let i = 0; i < 3; i++) {
    on.source.emit('a.b', i)
    on.source.emit('c.d', i)
  }
  await turn()
  on.source.emit('a.b', 3)
  await until('all have come', () => on.events.length === 7)
  assert.deepEqual(
    on.messages.map(({ type, count }) => ({ type, count })),
    [
      { type: 'a.b', count: 3 },
      { type: 'c.d', count: 3 },
      { type: 'a.b', count: 1 },
    ],
  )
  assert.deepEqual(
    on.events.map(({ type, seq, data }) => [type, seq, data]),
    [
      ['a.b', 0, 0],
      ['a.b', 1, 1],
      ['a.b', 2, 2],
      ['c.d', 0, 0],
      ['c.d', 1, 1],
      ['c.d', 2, 2],
      ['a.b', 3, 3],
    ],
  )
})

test('a message is bounded by count and by bytes, and a larger event travels alone', async () => {
  await using on = await listened({ batchEvents: 10, batchBytes: 4096 })
  for (let i = 0; i < 25; i++) on.source.emit('small', { i })
  for (let i = 0; i < 10; i++) on.source.emit('middling', { text: 'x'.repeat(1000) })
  on.source.emit('large', { text: 'y'.repeat(100_000) })
  on.source.emit('large', { text: 'z' })
  await until('all have come', () => on.events.length === 37)
  const of = (type: string) => on.messages.filter((message) => message.type === type)
  assert.deepEqual(
    of('small').map(({ count }) => count),
    [10, 10, 5],
  )
  assert.ok(of('middling').every(({ bytes }) => bytes <= 4096))
  assert.equal(of('middling').length, 4)
  assert.deepEqual(
    of('large').map(({ count }) => count),
    [1, 1],
  )
  const large = on.events
    .filter((event) => event.type === 'large')
    .map((event) => event.data as { text: string })
  assert.deepEqual([large[0]!.text.length, large[1]], [100_000, { text: 'z' }])
})

test('with a linger events wait for company over several turns', async () => {
  const clock = new ControlledClock()
  await using on = await listened({ linger: 20, clock })
  for (let i = 0; i < 5; i++) {
    on.source.emit('a', i)
    await turn()
  }
  assert.equal(on.source.counters().batches, 0)
  await clock.advance(20)
  await until('they have come', () => on.events.length === 5)
  assert.equal(on.messages.length, 1)
})

test('what nobody wants is not even looked at', async () => {
  await using on = await listened({}, ['http.**'])
  const trap = {
    get secret() {
      throw new Error('looked at')
    },
  }
  assert.equal(on.source.emit('ssh.login', trap), false)
  assert.equal(
    on.source.emit('ssh.login', () => {}),
    false,
  )
  assert.equal(on.source.counters().unwanted, 2)
  assert.throws(() => on.source.emit('http.hit', trap), { code: 'DATA_INVALID', message: /looked at/ })
  assert.equal(on.source.counters().sent, 0)
})

test('what may not be emitted is refused at once with a code, and nothing of it is sent', async () => {
  await using on = await listened({ maxEventBytes: 1000 })
  const circular: Record<string, unknown> = {}
  circular.self = circular
  const refused: [string, () => unknown][] = [
    ['TYPE_INVALID', () => on.source.emit('no spaces', 1)],
    ['TYPE_INVALID', () => on.source.emit('', 1)],
    ['TYPE_INVALID', () => on.source.emit('_meta.x', 1)],
    ['TYPE_INVALID', () => on.source.emit(undefined as never, 1)],
    ['DATA_INVALID', () => on.source.emit('a', circular)],
    ['DATA_INVALID', () => on.source.emit('a', () => {})],
    ['DATA_INVALID', () => on.source.emit('a', { 'nul\0key': 1 })],
    ['TIME_INVALID', () => on.source.emit('a', 1, { time: new Date(Number.NaN) })],
    ['TIME_INVALID', () => on.source.emit('a', 1, { time: '2026' as never })],
    ['EXTENSION_INVALID', () => on.source.emit('a', 1, { extensions: { Trace: 1 } })],
    ['EXTENSION_INVALID', () => on.source.emit('a', 1, { extensions: { data: 1 } })],
    ['EVENT_TOO_LARGE', () => on.source.emit('a', 'x'.repeat(1000))],
    ['EVENT_TOO_LARGE', () => on.source.emit('a', 'x'.repeat(18_000_000))],
  ]
  for (const [code, call] of refused) assert.throws(call, { name: 'EventstormError', code })
  on.source.emit('a', { good: true }, { extensions: { traceparent: '00-1' } })
  await until('the good one has come', () => on.events.length === 1)
  assert.equal(on.events[0]!.seq, 0)
  assert.deepEqual(on.events[0]!.extensions, { traceparent: '00-1' })
  assert.equal(on.source.counters().sent, 1)
})

test('data may be changed once it was emitted', async () => {
  await using on = await listened()
  const data = { list: [1], nested: { a: 1 } }
  on.source.emit('a', data)
  data.list.push(2)
  data.nested.a = 2
  await until('it has come', () => on.events.length === 1)
  assert.deepEqual(on.events[0]!.data, { list: [1], nested: { a: 1 } })
})

test('data whose getters emit harms neither event', async () => {
  await using on = await listened()
  const nosy = (type: string) => ({
    first: 'a text before',
    get second() {
      on.source.emit(type, { inner: 'b'.repeat(10) })
      return 'a text after'
    },
    third: 'the last one',
  })
  on.source.emit('same', { n: 0 })
  on.source.emit('same', nosy('same'))
  on.source.emit('same', nosy('other'))
  on.source.emit('same', { n: 1 })
  await until('all have come', () => on.events.length === on.source.counters().sent && on.events.length > 4)
  const outer = { first: 'a text before', second: 'a text after', third: 'the last one' }
  const inner = { inner: 'b'.repeat(10) }
  const of = (type: string) => on.events.filter((event) => event.type === type).map(({ data }) => data)
  // A getter is asked again when the first attempt came to nothing, so that its own event may come twice.
  assert.deepEqual(
    of('same').filter((data) => !('inner' in (data as object))),
    [{ n: 0 }, outer, outer, { n: 1 }],
  )
  assert.ok([...of('same'), ...of('other')].filter((data) => 'inner' in (data as object)).length >= 2)
  for (const data of of('other')) assert.deepEqual(data, inner)
  assert.equal(on.subscription.counters().dropped.undecodable, 0)
  assert.equal(
    Object.values(on.subscription.counters().malformed).reduce((a, b) => a + b),
    0,
  )
})

test('subscribed waits for the right listener, and gives up in time', async () => {
  const clock = new ControlledClock()
  const endpoint = freeEndpoint('inproc')
  await using source = new EventSource({ bind: [endpoint], clock })
  const hit = source.subscribed('http.hit')
  const login = source.subscribed('ssh.login', { timeout: 1000 })
  const wild = source.subscribed('http.*.deep')
  await using _listener = subscribe({ connect: [endpoint], subscribe: ['http.**'] })
  await hit
  await wild
  await source.subscribed()
  const rejected = assert.rejects(login, { code: 'TIMEOUT', message: /"ssh.login".*1000 ms/ })
  await clock.advance(1000)
  await rejected
  assert.equal(clock.pending, 1, 'only the heartbeat is left')
  await assert.rejects(source.subscribed('a..b'), { code: 'PATTERN_INVALID' })
  const never = assert.rejects(source.subscribed('ssh.login'), { code: 'CLOSED' })
  await source.close()
  await never
})

test('after the end emit does no harm, and says what became of the event', async () => {
  const source = new EventSource({ bind: [freeEndpoint('inproc')] })
  await source.drain()
  await source.drain()
  await source.close()
  assert.equal(source.status, 'stopped')
  assert.equal(source.emit('a', 1), false)
  assert.equal(source.counters().dropped, 1)
})

test('types beyond the limit are dropped and counted, the known ones go on', async () => {
  await using on = await listened({ maxTypes: 2 })
  for (const type of ['a', 'b', 'c', 'a']) on.source.emit(type, 1)
  await until('the known ones have come', () => on.events.length === 3)
  assert.equal(on.source.counters().dropped, 1)
})

test('the heartbeats of an idle stream grow rarer, and traffic or a new listener brings them back', async () => {
  const clock = new ControlledClock()
  await using on = await listened({ heartbeat: 1000, clock })
  on.source.emit('a', 1)
  await until('it has come', () => on.events.length === 1)
  const beatsIn = async (seconds: number) => {
    const before = on.source.counters().heartbeats
    await clock.advance(seconds * 1000)
    return on.source.counters().heartbeats - before
  }
  // After 1, 2, 4, 8, 16, 32 seconds, then every 30.
  assert.equal(await beatsIn(64), 7)
  assert.equal(await beatsIn(300), 10)
  on.source.emit('a', 2)
  await turn()
  assert.equal(await beatsIn(4), 3)
  await until('they have come', () => on.subscription.counters().heartbeats > 15)
  assert.equal(on.subscription.counters().lost, 0)
})

test('each incarnation has an epoch of its own', async () => {
  const epochs = new Set<number>()
  for (let i = 0; i < 5; i++) {
    await using source = new EventSource({ bind: [freeEndpoint('inproc')] })
    epochs.add(source.epoch)
  }
  assert.equal(epochs.size, 5)
})

test('a name that is too long is refused, and so is an endpoint in use', async () => {
  assert.throws(() => new EventSource({ source: 'x'.repeat(256) }), {
    code: 'OPTIONS_INVALID',
    message: /source/,
  })
  await using source = new EventSource({ bind: ['tcp://127.0.0.1:0'] })
  assert.throws(() => new EventSource({ bind: [...source.endpoints] }), {
    code: 'BIND_FAILED',
    message: /another process/,
  })
  const path = freeEndpoint('ipc')
  await using _holder = new EventSource({ bind: [path] })
  assert.throws(() => new EventSource({ bind: [path] }), { code: 'BIND_FAILED' })
})

test('a source component is opened, emits, and ends by itself when it is finished', async () => {
  const endpoint = freeEndpoint('inproc')
  await using listener = subscribe({ connect: [endpoint] })
  const calls: string[] = []
  const source = await startSource(
    {
      async open(emit, context) {
        calls.push(`open ${context.name}`)
        assert.equal(await context.subscribed('a', 30_000), true)
        emit({ type: 'a', data: 1, time: new Date(5) })
        context.finish()
      },
      close: () => void calls.push('close'),
      // What the framework counts is its own to say.
      counters: () => ({ lines: 7, sent: 99 }),
    },
    { name: 'mine', bind: [endpoint], source: 'me' },
  )
  await source.ended
  assert.equal(source.status, 'stopped')
  assert.deepEqual(calls, ['open mine', 'close'])
  assert.equal(source.counters().lines, 7)
  assert.equal(source.counters().sent, 1)
  await until('it has come', () => listener.counters().received === 1)
})

test('a source component that cannot open takes its socket with it', async () => {
  const endpoint = freeEndpoint('tcp')
  const failing = { open: () => Promise.reject(new Error('no such device')), close: () => {} }
  await assert.rejects(startSource(failing, { bind: [endpoint] }), /no such device/)
})

test('a source component that breaks at work is closed, and its end says so', async () => {
  const endpoint = freeEndpoint('inproc')
  await using listener = subscribe({ connect: [endpoint] })
  let closed = 0
  const source = await startSource(
    {
      async open(emit, context) {
        assert.equal(await context.subscribed('a', 30_000), true)
        setImmediate(() => {
          emit({ type: 'a', data: 1 })
          context.fail(new Error('the device is gone'))
          context.fail(new Error('again'))
        })
      },
      close() {
        closed++
        throw new Error('and cannot be closed')
      },
    },
    { bind: [endpoint] },
  )
  await assert.rejects(source.ended, /the device is gone/)
  assert.equal(source.status, 'stopped')
  assert.equal(closed, 1)
  await source.close()
  await until('what was emitted before has come', () => listener.counters().received === 1)
})

test('headers are written at the offsets that a reader expects', async () => {
  await using on = await listened({ source: 'ä'.repeat(100) })
  on.source.emit('a', 1)
  let body: Buffer | undefined
  for await (const batch of subscribe({ connect: [on.source.endpoints[0]!] })) {
    body = batch.messages[0]!.body
    break
  }
  const header = readHeader(body!)
  assert.ok(typeof header === 'object')
  assert.equal(header.source, 'ä'.repeat(100))
})

/**
 * Writes `{ n, t }` for each number, with so many bytes of text; none for one below zero.
 * @param before called before an event is written
 */
function numberWriter(
  numbers: number[],
  text = '',
  before?: (n: number) => void,
): DataWriter & { left: number[] } {
  return {
    left: [...numbers],
    get time() {
      return 1000 + this.left[0]!
    },
    write(target, at, limit) {
      const n = this.left[0]!
      before?.(n)
      const bytes = Buffer.from(`\0\0\0\0\x10n\0\0\0\0\0\x02t\0\0\0\0\0${text}\0\0`)
      bytes.writeInt32LE(bytes.length, 0)
      bytes.writeInt32LE(n, 7)
      bytes.writeInt32LE(text.length + 1, 14)
      if (n < 0) return UNUSUAL
      if (at + bytes.length > limit) return NO_ROOM
      target.set(bytes, at)
      return at + bytes.length
    },
    taken() {
      this.left.shift()
      return this.left.length > 0
    },
  }
}

test('data that is written, not made, travels among the events of its type', async () => {
  await using on = await listened({ batchBytes: '64KiB', maxEventBytes: 100_000 })
  const { source } = on
  assert.equal(source.emitWritten('a', numberWriter([0])), 0, 'a stream is opened by an event')
  source.emit('a', { n: 0, t: '' })
  assert.equal(source.emitWritten('a', numberWriter([1], 'x'.repeat(5000))), 1)
  assert.equal(source.emitWritten('a', numberWriter([-1])), 0)
  source.emit('a', { n: 2, t: '' })
  // One that is larger than a message has to go the other way.
  assert.equal(source.emitWritten('a', numberWriter([3], 'x'.repeat(70_000))), 0)
  const large = await listened({ maxEventBytes: 1000 })
  large.source.emit('a', {})
  const tooLarge = numberWriter([4], 'x'.repeat(2000))
  assert.equal(large.source.emitWritten('a', tooLarge), 0, 'nor one above maxEventBytes')
  await large[Symbol.asyncDispose]()
  await until('all have come', () => on.events.length === 3)
  assert.deepEqual(
    on.events.map(({ seq, data }) => [seq, (data as { n: number }).n, (data as { t: string }).t.length]),
    [
      [0, 0, 0],
      [1, 1, 5000],
      [2, 2, 0],
    ],
  )
  assert.equal(on.events[1]!.time.getTime(), 1001)
  const { emitted, sent, unwanted } = source.counters()
  assert.deepEqual({ emitted, sent, unwanted }, { emitted: 3, sent: 3, unwanted: 0 })
})

test('many events that are written fill messages to their limits, up to the one that is not', async () => {
  const numbers = Array.from({ length: 1000 }, (_, n) => n)
  for (const [limits, batches] of [
    [{ batchBytes: '16KiB', batchEvents: 10_000 }, 5],
    [{ batchBytes: '64KiB', batchEvents: 300 }, 4],
  ] as const) {
    await using on = await listened(limits)
    const { source } = on
    source.emit('a', { n: -1, t: '' })
    const writer = numberWriter([...numbers, -1, 5], 'x'.repeat(30))
    assert.equal(source.emitWritten('a', writer), 1000)
    assert.deepEqual(writer.left, [-1, 5], 'it stands at the one that was not taken')
    await until('all have come', () => on.events.length === 1001)
    assert.deepEqual(
      on.events.map(({ seq, data }) => [seq, (data as { n: number }).n]),
      [-1, ...numbers].map((n, seq) => [seq, n]),
    )
    assert.equal(source.counters().batches, batches)
    assert.equal(source.counters().emitted, 1001)
  }
})

test('a writer may emit, and throw', async () => {
  await using on = await listened()
  const { source } = on
  source.emit('a', { n: 0, t: '' })
  const emitting = numberWriter([1, 2, 3], '', (n) => {
    source.emit('a', { n: 10 * n, t: '' })
    if (n === 2) source.emitWritten('a', numberWriter([25]))
  })
  assert.equal(source.emitWritten('a', emitting), 3)
  const throwing = numberWriter([4, 5], '', (n) => {
    if (n === 5) throw new RangeError('out of bounds')
  })
  assert.equal(source.emitWritten('a', throwing), 1)
  await until('all have come', () => on.events.length === 9)
  const got = on.events.map(({ data }) => (data as { n: number }).n)
  assert.deepEqual(
    got.toSorted((a, b) => a - b),
    [0, 1, 2, 3, 4, 10, 20, 25, 30],
  )
})
