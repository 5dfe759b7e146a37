import assert from 'node:assert/strict'
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { BSON } from 'bson'
import * as zmq from 'zeromq'
import {
  type AttachedSink,
  attach,
  type EventSink,
  EventSource,
  newKeyPair,
  SinkError,
  type SinkOptions,
  type StormEvent,
} from '../lib/index.js'
import { ControlledClock, freeEndpoint, until } from '../testing/index.js'

const turn = () => new Promise((resolve) => setImmediate(resolve))

/** A source and an attached sink on one inproc endpoint, under a clock that the test moves. */
async function pair(sink: EventSink, options: SinkOptions = {}) {
  const clock = new ControlledClock()
  const endpoint = freeEndpoint('inproc')
  const source = new EventSource({ source: 'shop', bind: [endpoint] })
  let attached: AttachedSink
  try {
    attached = await attach(sink, { connect: [endpoint], clock, random: () => 0, ...options })
  } catch (error) {
    await source.close()
    throw error
  }
  return {
    clock,
    source,
    sink: attached,
    /** Emits so many events, one message each, and waits until they were received. */
    async emit(count: number) {
      await source.subscribed('http.hit', { timeout: 30_000 })
      const before = attached.counters().received
      for (let i = 0; i < count; i++) {
        source.emit('http.hit', { i })
        await turn()
      }
      await until('the events were received', () => attached.counters().received === before + count)
    },
    balanced() {
      const { received, written, alreadyStored, dropped, queued } = attached.counters()
      const lost = Object.values(dropped).reduce((sum, each) => sum + each, 0)
      assert.equal(received, written + alreadyStored + lost + queued)
    },
    async [Symbol.asyncDispose]() {
      await source.close()
      await attached.close()
    },
  }
}

/** A sink whose writes do what a test says, one after the other; when nothing is left they work. */
class Scripted implements EventSink {
  script: (() => void | Promise<void>)[] = []
  opening: (() => void)[] = []
  calls: string[] = []
  events: StormEvent[] = []
  signal: AbortSignal | undefined

  open() {
    this.calls.push('open')
    this.opening.shift()?.()
  }
  async write(batch: Iterable<StormEvent>, signal: AbortSignal) {
    this.calls.push('write')
    this.signal = signal
    await this.script.shift()?.()
    this.events.push(...batch)
  }
  close() {
    this.calls.push('close')
  }
}

const fail = (error: unknown) => () => {
  throw error
}

test('a write that fails is tried again after a back-off that doubles', async () => {
  const sink = new Scripted()
  sink.script = [fail(new Error('busy')), fail(new SinkError('retry', 'still busy'))]
  await using at = await pair(sink, { retryWait: 100 })
  await at.emit(1)
  await until('the first attempt failed', () => at.sink.counters().retried === 1)
  // With random() = 0 half of the wait remains: 50 ms, then 100 ms.
  await at.clock.advance(49)
  assert.deepEqual(sink.calls, ['open', 'write'])
  await at.clock.advance(1)
  assert.deepEqual(sink.calls, ['open', 'write', 'write'])
  await at.clock.advance(99)
  assert.equal(sink.events.length, 0)
  await at.clock.advance(1)
  assert.equal(sink.events.length, 1)
  const { written, writes, retried, dropped } = at.sink.counters()
  assert.deepEqual(
    { written, writes, retried, failed: dropped.failed },
    { written: 1, writes: 1, retried: 2, failed: 0 },
  )
})

test('a batch that fails too often is dropped, and the next one goes on', async () => {
  const sink = new Scripted()
  sink.script = Array.from({ length: 3 }, () => fail(new Error('no')))
  await using at = await pair(sink, { retries: 2, retryWait: 10 })
  await at.emit(1)
  await at.clock.advance(1000)
  assert.equal(at.sink.counters().dropped.failed, 1)
  await at.emit(1)
  await until('the next is written', () => sink.events.length === 1)
  assert.equal(sink.events[0]!.seq, 1)
  at.balanced()
})

test('wait keeps the batch, however many attempts it takes', async () => {
  const sink = new Scripted()
  sink.script = Array.from({ length: 40 }, () => fail(new SinkError('wait', 'the disk is full')))
  await using at = await pair(sink, { retries: 2, retryWait: 10 })
  await at.emit(1)
  // The longest back-off is 15 seconds here, half of 30.
  for (let i = 0; i < 40; i++) await at.clock.advance(15_000)
  await until('it was written in the end', () => sink.events.length === 1)
  const { retried, reconnected, dropped } = at.sink.counters()
  assert.deepEqual(
    { retried, reconnected, failed: dropped.failed },
    { retried: 40, reconnected: 0, failed: 0 },
  )
  at.balanced()
})

test('skip drops the batch as rejected without another attempt', async () => {
  const sink = new Scripted()
  sink.script = [fail(new SinkError('skip', 'poison'))]
  await using at = await pair(sink)
  await at.emit(2)
  await until('one is written, one is not', () => at.sink.counters().written === 1)
  assert.equal(at.sink.counters().dropped.rejected, 1)
  assert.equal(at.sink.counters().retried, 0)
  at.balanced()
})

test('what cannot be written in a batch is found by halving it, and the rest is written', async () => {
  const sizes: number[] = []
  const stored: number[] = []
  const sink: EventSink = {
    write(batch) {
      sizes.push(batch.size)
      const numbers = batch.events().map((event) => event.seq)
      if (numbers.some((seq) => seq % 37 === 36)) throw new SinkError('skip', 'poison')
      stored.push(...numbers)
    },
  }
  await using at = await pair(sink, { batchWait: 1000 })
  await at.source.subscribed('http.hit', { timeout: 30_000 })
  // Some in one message, some in messages of their own.
  for (let i = 0; i < 70; i++) at.source.emit('http.hit', { i })
  await until('the large message was received', () => at.sink.counters().received === 70)
  await at.emit(30)
  await at.clock.advance(1000)
  const { written, dropped } = at.sink.counters()
  assert.deepEqual({ written, rejected: dropped.rejected }, { written: 98, rejected: 2 })
  assert.deepEqual(
    stored,
    Array.from({ length: 100 }, (_, i) => i).filter((seq) => seq !== 36 && seq !== 73),
  )
  assert.ok(sizes.length < 40, `${sizes.length} writes to find two of a hundred`)
  at.balanced()
})

test('a sink may tell what it had already, and what it refused', async () => {
  await using at = await pair(
    { write: (batch) => ({ alreadyStored: 1, rejected: batch.size - 3 }) },
    { batchWait: 10 },
  )
  await at.emit(10)
  await at.clock.advance(10)
  const { written, alreadyStored, dropped } = at.sink.counters()
  assert.deepEqual(
    { written, alreadyStored, rejected: dropped.rejected },
    { written: 2, alreadyStored: 1, rejected: 7 },
  )
  at.balanced()
})

test('a change of state is told once, however many attempts it takes', async () => {
  const lines: string[] = []
  const note = (_: object, message: string) => void lines.push(message)
  const sink = new Scripted()
  sink.opening = Array.from({ length: 5 }, () => fail(new Error('refused')))
  const log = { debug: () => {}, info: note, warn: note, error: note }
  await using at = await pair(sink, { log, queueEvents: 10, retryWait: 10 })
  assert.equal(at.sink.state, 'down')
  await at.emit(8)
  assert.deepEqual(at.sink.counters().state, { connecting: 0, up: 0, slow: 0, down: 1 })
  await at.clock.advance(10_000)
  assert.equal(at.sink.state, 'up')
  assert.deepEqual(lines, [
    'sink is down; trying again',
    'sink is slow; its queue is filling',
    'sink is up',
    'sink keeps up again',
  ])
})

test('a drain goes on trying for what is queued, until its deadline', async () => {
  const sink = new Scripted()
  sink.opening = [() => {}, ...Array.from({ length: 3 }, () => fail(new Error('refused')))]
  sink.script = [fail(new SinkError('reconnect', 'connection lost'))]
  await using at = await pair(sink, { retryWait: 100 })
  await at.emit(5)
  const drained = at.sink.drain(60_000)
  await at.clock.advance(10_000)
  await drained
  assert.equal(sink.events.length, 5)
  assert.equal(sink.calls.at(-1), 'close')
  at.balanced()
})

test('stop ends the sink, and says why', async () => {
  const sink = new Scripted()
  const error = new SinkError('stop', 'the disk is gone')
  sink.script = [fail(error)]
  await using at = await pair(sink)
  await at.source.subscribed('http.hit', { timeout: 30_000 })
  at.source.emit('http.hit', {})
  await assert.rejects(at.sink.ended, error)
  assert.equal(at.sink.status, 'stopped')
  assert.deepEqual(sink.calls, ['open', 'write', 'close'])
  const { dropped, queued } = at.sink.counters()
  assert.deepEqual([dropped.failed, queued], [1, 0], 'what it was at is not waiting any more')
  at.balanced()
})

test('attempts are counted anew after a reconnect', async () => {
  const sink = new Scripted()
  const lost = fail(new SinkError('reconnect', 'connection lost'))
  sink.script = [lost, lost, lost, fail(new Error('busy'))]
  await using at = await pair(sink, { retryWait: 100, retries: 1 })
  await at.emit(1)
  await at.clock.advance(10_000)
  assert.equal(sink.events.length, 1)
  assert.equal(at.sink.counters().dropped.failed, 0)
})

test('a sink is closed once for each time it was opened, not for those that failed', async () => {
  const sink = new Scripted()
  sink.opening = [() => {}, ...Array.from({ length: 100 }, () => fail(new Error('refused')))]
  sink.script = [fail(new SinkError('reconnect', 'connection lost'))]
  await using at = await pair(sink, { retryWait: 100 })
  await at.emit(1)
  await at.clock.advance(1000)
  await at.sink.close()
  assert.deepEqual(sink.calls.slice(0, 4), ['open', 'write', 'close', 'open'])
  assert.equal(sink.calls.filter((call) => call === 'close').length, 1)
})

test('reconnect closes and opens until it works, then writes the same batch', async () => {
  const sink = new Scripted()
  sink.opening = [() => {}, fail(new Error('refused')), fail(new Error('refused'))]
  sink.script = [fail(new SinkError('reconnect', 'connection lost'))]
  await using at = await pair(sink, { retryWait: 100, retries: 0 })
  await at.emit(1)
  await at.clock.advance(10_000)
  assert.deepEqual(sink.calls, ['open', 'write', 'close', 'open', 'open', 'open', 'write'])
  assert.equal(sink.events.length, 1)
  assert.equal(at.sink.counters().reconnected, 1)
  at.balanced()
})

test('a sink whose server is down at start collects meanwhile, and writes when it is up', async () => {
  const sink = new Scripted()
  sink.opening = [fail(new Error('refused')), fail(new Error('refused'))]
  await using at = await pair(sink, { retryWait: 100 })
  assert.equal(at.sink.status, 'starting')
  await at.emit(10)
  assert.equal(at.sink.counters().queued, 10)
  await at.clock.advance(10_000)
  assert.equal(at.sink.status, 'running')
  assert.equal(sink.events.length, 10)
})

test('attach rejects when open says stop', async () => {
  const sink = new Scripted()
  const error = new SinkError('stop', 'wrong password')
  sink.opening = [fail(error)]
  await assert.rejects(pair(sink), error)
})

test('a write that does not answer is given up at its deadline, and its signal aborts', async () => {
  const sink = new Scripted()
  sink.script = [() => new Promise(() => {})]
  await using at = await pair(sink, { writeTimeout: 1000 })
  await at.emit(1)
  await until('the write has begun', () => sink.calls.includes('write'))
  const first = sink.signal!
  await at.clock.advance(999)
  assert.equal(first.aborted, false)
  await at.clock.advance(1)
  assert.equal(first.aborted, true)
  await until('it was written after a reconnect', () => sink.events.length === 1)
  assert.deepEqual(sink.calls, ['open', 'write', 'close', 'open', 'write'])
  assert.equal(sink.signal!.aborted, false)
})

test('a drain finishes what is queued', async () => {
  const sink = new Scripted()
  let release = () => {}
  sink.script = [() => new Promise((resolve) => (release = resolve))]
  await using at = await pair(sink)
  await at.emit(100)
  const drained = at.sink.drain()
  assert.equal(at.sink.status, 'stopping')
  release()
  await drained
  assert.equal(at.sink.status, 'stopped')
  assert.equal(sink.events.length, 100)
  assert.equal(sink.calls.at(-1), 'close')
})

test('a drain whose sink does not answer ends at its deadline and counts what is left', async () => {
  const sink = new Scripted()
  sink.script = [() => new Promise(() => {})]
  await using at = await pair(sink)
  await at.emit(100)
  const drained = at.sink.drain(500)
  assert.equal(at.sink.drain(), at.sink.drain(), 'asked again, it is the same end')
  await at.clock.advance(500)
  await drained
  assert.equal(at.sink.status, 'stopped')
  assert.equal(at.sink.counters().dropped.shutdown, 100)
  at.balanced()
})

test('a close that does not answer is left to itself', async () => {
  let closing = false
  const sink: EventSink = {
    write() {},
    close() {
      closing = true
      return new Promise(() => {})
    },
  }
  await using at = await pair(sink, { writeTimeout: 1000 })
  await at.emit(1)
  const drained = at.sink.drain(60_000)
  await until('the close waits', () => closing)
  await at.clock.advance(1000)
  await drained
  assert.equal(at.sink.status, 'stopped')
  at.balanced()
})

test('close during a drain ends it at once', async () => {
  const sink = new Scripted()
  sink.script = [() => new Promise(() => {})]
  await using at = await pair(sink)
  await at.emit(3)
  const drained = at.sink.drain(60_000)
  await at.sink.close()
  await drained
  assert.equal(at.sink.counters().dropped.shutdown, 3)
})

for (const queueDrop of ['newest', 'oldest'] as const) {
  test(`a full queue drops the ${queueDrop}, and counts it`, async () => {
    const sink = new Scripted()
    let release = () => {}
    sink.script = [() => new Promise((resolve) => (release = resolve))]
    await using at = await pair(sink, { queueEvents: 10, queueDrop, batchEvents: 1 })
    await at.emit(1)
    await until('the first is in hand', () => sink.calls.includes('write'))
    await at.emit(30)
    assert.equal(at.sink.counters().dropped.overflow, 20)
    assert.equal(at.sink.counters().queued, 11)
    at.balanced()
    release()
    await until('the rest is written', () => at.sink.counters().queued === 0)
    const kept = queueDrop === 'newest' ? [1, 10] : [21, 30]
    assert.deepEqual([sink.events[1]!.seq, sink.events.at(-1)!.seq], kept)
  })
}

test('batchWait lets a batch fill', async () => {
  const sizes: number[] = []
  await using at = await pair(
    { write: (batch) => void sizes.push(batch.size) },
    { batchWait: 1000, batchEvents: 50 },
  )
  await at.emit(20)
  assert.deepEqual(sizes, [])
  await at.clock.advance(1000)
  assert.deepEqual(sizes, [20])
})

test('a drain does not wait for a batch to fill', async () => {
  const sizes: number[] = []
  await using at = await pair(
    { write: (batch) => void sizes.push(batch.size) },
    { batchWait: '1h', batchEvents: 50, drainTimeout: '5s' },
  )
  await at.emit(20)
  await at.sink.drain()
  assert.deepEqual(sizes, [20])
  assert.equal(at.sink.counters().dropped.shutdown, 0)
})

test('an event that is no event is counted and left out, and its neighbours are written', async () => {
  const events: StormEvent[] = []
  const endpoint = freeEndpoint()
  await using sink = await attach({ write: (batch) => void events.push(...batch) }, { bind: [endpoint] })
  const socket = new zmq.Publisher()
  socket.connect(sink.endpoints[0]!)
  const good = (data: unknown) => BSON.serialize({ time: new Date(), data })
  const bad = Buffer.from(good({ text: 'abc' }))
  bad[bad.indexOf('abc')] = 0xff
  const header = { v: 1, epoch: BSON.Long.fromNumber(5), seq: BSON.Long.fromNumber(0), n: 4, source: 'raw' }
  const body = Buffer.concat([
    BSON.serialize(header),
    good(1),
    bad,
    BSON.serialize({ nothing: true }),
    good(2),
  ])
  try {
    await until('it has arrived', async () => {
      await socket.send(['x.y', body])
      return sink.counters().written > 0
    })
  } finally {
    socket.close()
  }
  assert.deepEqual(
    events.map(({ seq, data }) => ({ seq, data })),
    [
      { seq: 0, data: 1 },
      { seq: 3, data: 2 },
    ],
  )
  const { received, written, dropped } = sink.counters()
  assert.deepEqual(
    { received, written, undecodable: dropped.undecodable },
    { received: 4, written: 2, undecodable: 2 },
  )
})

test("counters of the sink itself appear beside the framework's", async () => {
  await using at = await pair({ write: () => {}, counters: () => ({ files: 3, written: 99 }) })
  assert.equal((at.sink.counters() as Record<string, unknown>).files, 3)
  assert.equal(at.sink.counters().written, 0)
})

test('all problems of the options are told at once', async () => {
  await assert.rejects(
    attach({ write: () => {} }, { queueEvents: 0, batchWait: 'soon', queueDrop: 'middle' } as never),
    {
      code: 'OPTIONS_INVALID',
      message: /queueEvents: .*queueDrop: .*batchWait: /,
    },
  )
  await assert.rejects(attach({ write: () => {} }, { connect: ['udp://x'] }), { code: 'ENDPOINT_INVALID' })
  await assert.rejects(attach({ write: () => {} }, { subscribe: ['a..b'] }), { code: 'PATTERN_INVALID' })
})

test('a sink whose reports cannot go out is refused, and leaves nothing open', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'storm-sink-'))
  const { publicKey, secretKey } = newKeyPair()
  writeFileSync(join(folder, 'own.key'), `public ${publicKey}\nsecret ${secretKey}\n`, { mode: 0o600 })
  writeFileSync(join(folder, 'peer.pub'), `public ${newKeyPair().publicKey}\n`)
  const keys = { key: join(folder, 'own.key'), allow: [join(folder, 'peer.pub')] }
  const refused: [SinkOptions, string][] = [
    [{ report: ['udp://x'] }, 'ENDPOINT_INVALID'],
    [{ report: ['tcp://127.0.0.1:5555'], ...keys }, 'OPTIONS_INVALID'],
  ]
  for (const [options, code] of refused) {
    const endpoint = freeEndpoint('ipc')
    const path = endpoint.slice('ipc://'.length)
    await assert.rejects(attach({ write: () => {} }, { bind: [endpoint], ...options }), { code })
    assert.equal(existsSync(path), false, `${code}: the socket is closed`)
    await using sink = await attach({ write: () => {} }, { bind: [endpoint] })
    assert.equal(existsSync(path), true)
    assert.deepEqual(sink.endpoints, [endpoint])
  }
  rmSync(folder, { recursive: true })
})
