/** The whole bus added up from what its ends report of themselves: after any fault, to the event. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isDeepStrictEqual } from 'node:util'
import {
  Audit,
  type AuditedStream,
  type AuditedTotals,
  attach,
  EventRouter,
  EventSource,
  SinkError,
  subscribe,
} from '../lib/index.js'
import { freeEndpoint, Remote, seeded, until } from '../testing/index.js'

/** A router, and an audit that listens there. */
function audited() {
  const router = new EventRouter({ bindSources: [freeEndpoint()], bindSinks: [freeEndpoint()] })
  const books = new Audit()
  const listening = subscribe({ connect: [...router.sinkEndpoints], subscribe: ['_report.**'] })
  const reading = (async () => {
    for await (const batch of listening) for (const event of batch) books.take(event, Date.now())
  })()
  return {
    router,
    books,
    sources: [...router.sourceEndpoints],
    sinks: [...router.sinkEndpoints],
    stream: (source: string) => books.streams(Date.now()).filter((each) => each.source === source),
    async [Symbol.asyncDispose]() {
      await listening.close()
      await reading
      await router.close()
    },
  }
}

const total = (streams: AuditedStream[], of: 'received' | 'lost' | 'balance' | 'before') =>
  streams.flatMap((each) => each.sinks).reduce((sum, each) => sum + each[of], 0)

test('what sources sent is received, lost or dropped by each sink, to the event', async (t) => {
  const seed = Number(process.env.SEED ?? 20261121)
  const random = seeded(seed)
  await using bus = audited()
  // One that takes all, one that wants a part, and one that is slow and drops.
  const all = await attach({ write() {} }, { connect: bus.sinks, report: bus.sources, name: 'all' })
  const part = await attach(
    { write() {} },
    { connect: bus.sinks, report: bus.sources, name: 'part', subscribe: ['b.*'] },
  )
  let release = () => {}
  const held = new Promise<void>((resolve) => (release = resolve))
  const slow = await attach(
    { write: () => held },
    { connect: bus.sinks, report: bus.sources, name: 'slow', queueEvents: 100 },
  )
  t.after(() => Promise.all([all, part, slow].map((each) => each.close())))
  const sources = Array.from(
    { length: 3 },
    (_, i) => new EventSource({ source: `s${i}`, connect: bus.sources }),
  )
  t.after(() => Promise.all(sources.map((each) => each.close())))
  for (const source of sources) {
    await source.subscribed('a.x', { timeout: 15_000 })
    await source.subscribed('b.x', { timeout: 15_000 })
  }
  await until(
    'all three have subscribed',
    () =>
      Number(
        bus.router.counters().sinkConnections &&
          (bus.router.counters().sinkConnections as { connected: number }).connected,
      ) === 4,
  )
  for (let i = 0; i < 2000; i++) {
    sources[Math.floor(random() * 3)]!.emit(random() < 0.5 ? 'a.x' : 'b.x', { i })
    if (i % 50 === 0) await new Promise((resolve) => setImmediate(resolve))
  }
  release()
  const sent = () => sources.reduce((sum, source) => sum + source.counters().sent, 0)
  const atSinks = ({ type }: AuditedStream) => (type === 'a.x' ? 2 : 3)
  let [streams, sinks]: [AuditedStream[], AuditedTotals[]] = [[], []]
  // A sink that has not told of a stream yet is not among its sinks, and owes nothing.
  const quiet = () => {
    const now = Date.now()
    streams = bus.books.streams(now).filter((each) => each.source.startsWith('s'))
    sinks = bus.books.sinks(now)
    const told = streams.reduce((sum, each) => sum + (each.sent ?? 0), 0)
    return (
      told === 2000 &&
      sinks.length === 3 &&
      sinks.every((each) => each.queued === 0 && each.alive) &&
      streams.every((each) => each.alive && each.sinks.length === atSinks(each)) &&
      total(streams, 'balance') === 0
    )
  }
  await until('it all adds up', quiet)
  assert.equal(sent(), 2000)
  assert.equal(streams.length, 6)
  for (const stream of streams) {
    assert.equal(stream.alive, true)
    assert.equal(stream.sinks.length, atSinks(stream))
    for (const sink of stream.sinks) assert.equal(sink.before + sink.received + sink.lost, stream.sent)
  }
  for (const each of sinks) assert.equal(each.balance, 0)
  const [slowly] = sinks.filter((each) => each.sink.endsWith('/slow'))
  assert.ok(slowly!.dropped.overflow! > 0)
  assert.equal(slowly!.received, slowly!.written + slowly!.dropped.overflow!)
  t.diagnostic(
    `seed ${seed}: sent 2000, slow wrote ${slowly!.written} and dropped ${slowly!.dropped.overflow}`,
  )
})

test('a source that was killed is told from a quiet one, and from a bus that loses', async (t) => {
  await using bus = audited()
  const sink = await attach({ write() {} }, { connect: bus.sinks, report: bus.sources, name: 'sink' })
  t.after(() => sink.close())
  const quiet = await Remote.start('source', { source: 'quiet', connect: bus.sources })
  const killed = await Remote.start('source', { source: 'killed', connect: bus.sources })
  t.after(() => quiet.kill())
  await quiet.emit('a.x', 500)
  await killed.emit('a.x', 500)
  const settled = (source: string) => {
    const streams = bus.stream(source)
    return streams.length === 1 && streams[0]!.sent === 500 && total(streams, 'received') === 500
  }
  await until('both have reported', () => settled('quiet') && settled('killed'))
  await killed.kill()
  // While this process itself stands still, nobody is heard.
  let alive = {}
  await until('the dead one is silent, and the quiet one goes on reporting', () => {
    alive = { killed: bus.stream('killed')[0]!.alive, quiet: bus.stream('quiet')[0]!.alive }
    return isDeepStrictEqual(alive, { killed: false, quiet: true })
  })
  assert.deepEqual(alive, { killed: false, quiet: true })
  assert.equal(total(bus.stream('killed'), 'lost'), 0, 'it died; the bus lost nothing of what it sent')
  assert.equal(total(bus.stream('killed'), 'balance'), 0)
})

test('a router that is killed costs what the audit says', async (t) => {
  // The audit listens at a router of its own, beside the one that dies.
  await using bus = audited()
  const victim = await Remote.start('router', {
    bindSources: ['tcp://127.0.0.1:0'],
    bindSinks: ['tcp://127.0.0.1:0'],
  })
  const [toSources, toSinks] = victim.endpoints as [string, string]
  const sink = await attach(
    { write() {} },
    { connect: [toSinks], report: bus.sources, name: 'sink', reconnectInterval: 20, subscribe: ['a.x'] },
  )
  t.after(() => sink.close())
  const source = new EventSource({ source: 's', connect: [toSources, ...bus.sources], reconnectInterval: 20 })
  t.after(() => source.close())
  await source.subscribed('a.x', { timeout: 15_000 })
  const burst = async (count: number) => {
    for (let i = 0; i < count; i++) {
      source.emit('a.x', { i })
      if (i % 20 === 0) await new Promise((resolve) => setImmediate(resolve))
    }
  }
  await burst(1000)
  await victim.kill()
  await burst(1000)
  const numbered = source.counters().sent
  const again = await Remote.start('router', { bindSources: [toSources], bindSinks: [toSinks] })
  t.after(() => again.kill())
  await until('the way is open again', () => {
    source.emit('a.x', 0)
    const { received, lost } = sink.counters()
    return received + lost > numbered
  })
  await burst(500)
  let streams: AuditedStream[] = []
  // Where the sink has not told of the stream yet, nothing is out of balance.
  await until('it adds up', () => {
    streams = bus.stream('s')
    const [stream] = streams
    return (
      streams.length === 1 &&
      stream!.sent === source.counters().sent &&
      stream!.sinks.length === 1 &&
      total(streams, 'balance') === 0
    )
  })
  t.diagnostic(
    `sent ${streams[0]!.sent}, received ${total(streams, 'received')}, lost ${total(streams, 'lost')}`,
  )
  assert.equal(
    total(streams, 'before') + total(streams, 'received') + total(streams, 'lost'),
    streams[0]!.sent,
  )
})

test('who was drained has ended; who was closed or has failed is missed', async (t) => {
  await using bus = audited()
  const start = (name: string, write: () => void) =>
    attach({ write }, { connect: bus.sinks, report: bus.sources, name, subscribe: ['a.x'] })
  const drained = await start('drained', () => {})
  const failing = await start('failing', () => {
    throw new SinkError('stop', 'it broke')
  })
  t.after(() => Promise.all([drained, failing].map((each) => each.close().catch(() => {}))))
  const sources = ['drained', 'closed'].map((source) => new EventSource({ source, connect: bus.sources }))
  t.after(() => Promise.all(sources.map((each) => each.close())))
  const LATER = 60_000
  const state = (name: string, wait = 0) => {
    const now = Date.now() + wait
    const sink = bus.books.sinks(now).find((each) => each.sink.endsWith(`/${name}`))
    return { sink: sink?.state, source: bus.books.sources(now).find((each) => each.source === name)?.state }
  }
  await until('all report', () => {
    const { sink, source } = state('drained')
    return sink && source && state('failing').sink && state('closed').source
  })
  for (const source of sources) await source.subscribed('a.x', { timeout: 15_000 })
  // Which of the two sinks has subscribed, the source does not know.
  await until('it has failed', () => {
    sources[0]!.emit('a.x', 1)
    return failing.status === 'stopped'
  })
  await assert.rejects(failing.ended, /it broke/)
  await drained.drain()
  await sources[0]!.drain()
  await sources[1]!.close()
  await until('the drained have said so', () => {
    const { sink, source } = state('drained')
    return sink === 'ended' && source === 'ended'
  })
  assert.equal(state('failing', LATER).sink, 'dead')
  assert.equal(state('closed', LATER).source, 'dead')
})
