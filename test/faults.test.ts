/**
 * What the bus loses is known to the event: a stalled subscriber, a killed router, a slow sink, a restarted source.
 * Over inproc nothing can stand still or be killed apart from its process, so there only the last two can happen.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { attach, EventRouter, EventSource } from '../lib/index.js'
import { freeEndpoint, Remote, TRANSPORTS, until } from '../testing/index.js'

const FAST = { heartbeat: '100ms', reconnectInterval: '20ms' }
const RETRY = { reconnectInterval: '20ms' }

/** Emits in small turns, so that each is a message of its own. */
async function emit(source: EventSource, type: string, count: number, pad = ''): Promise<void> {
  for (let i = 0; i < count; i++) {
    source.emit(type, { i, pad })
    if (i % 50 === 49) await new Promise((resolve) => setImmediate(resolve))
  }
  await new Promise((resolve) => setImmediate(resolve))
}

for (const transport of ['tcp', 'ipc'] as const) {
  test(`a stalled subscriber knows what it lost, and costs its source no memory (${transport})`, async (t) => {
    await using source = new EventSource({
      ...FAST,
      source: 'shop',
      bind: [freeEndpoint(transport)],
      sendHighWaterMark: 20,
    })
    await using sink = await Remote.start('sink', { connect: source.endpoints, subscribe: ['http.**'] })
    await source.subscribed('http.hit', { timeout: 15_000 })
    await emit(source, 'http.hit', 100)
    sink.pause()
    // Far more than the kernel's socket buffers hold, so that most of it must be dropped. The heap takes its usual
    // size during the first part.
    await emit(source, 'http.hit', 30_000, 'x'.repeat(2000))
    const before = process.memoryUsage().rss
    await emit(source, 'http.hit', 60_000, 'x'.repeat(2000))
    const grown = (process.memoryUsage().rss - before) / 1e6
    sink.resume()
    const { sent } = source.counters()
    assert.equal(sent, 90_100)
    await until('the sink has accounted for everything', async () => {
      const { received, lost } = await sink.counters()
      return Number(received) + Number(lost) === sent
    })
    const { received, lost, written } = await sink.counters()
    t.diagnostic(
      `sent ${sent}, received ${received}, lost ${lost}; the source grew by ${grown.toFixed(1)} MB`,
    )
    assert.ok(Number(lost) > 10_000, 'the stall was long enough to lose something')
    assert.equal(written, received)
    // 120 MB were emitted meanwhile; 20 messages of at most 64 KiB may be held.
    assert.ok(grown < 40, `the source grew by ${grown} MB while its subscriber stood still`)
  })

  test(`a killed and restarted router loses nothing unaccounted (${transport})`, async (t) => {
    const endpoints = { bindSources: [freeEndpoint(transport)], bindSinks: [freeEndpoint(transport)] }
    const first = await Remote.start('router', endpoints)
    const [forSources, forSinks] = first.endpoints as [string, string]
    await using sink = await attach(
      { write: () => {} },
      { ...RETRY, connect: [forSinks], subscribe: ['http.**'] },
    )
    await using source = new EventSource({ ...FAST, source: 'shop', connect: [forSources] })
    await source.subscribed('http.hit', { timeout: 15_000 })
    await emit(source, 'http.hit', 1000)
    await until('the first events are there', () => sink.counters().received === 1000)

    // The kill falls in the middle of traffic.
    const traffic = emit(source, 'http.hit', 20_000)
    await first.kill()
    await traffic
    const held = source.counters()
    await using second = await Remote.start('router', { bindSources: [forSources], bindSinks: [forSinks] })
    assert.equal(second.endpoints.length, 2)
    await until('the subscription is back', async () => {
      source.emit('http.hit', {})
      return sink.counters().received + sink.counters().lost > held.sent
    })
    await until('everything is accounted for', () => {
      const { received, lost } = sink.counters()
      return received + lost === source.counters().sent
    })
    const { received, lost, duplicate } = sink.counters()
    const { sent, unwanted } = source.counters()
    t.diagnostic(`sent ${sent}, unwanted ${unwanted}, received ${received}, lost ${lost}`)
    assert.equal(duplicate, 0)
  })
}

for (const transport of TRANSPORTS) {
  test(`a slow sink knows what it dropped (${transport})`, async () => {
    let release = () => {}
    const held = new Promise<void>((resolve) => {
      release = resolve
    })
    await using router = new EventRouter({
      bindSources: [freeEndpoint(transport)],
      bindSinks: [freeEndpoint(transport)],
    })
    await using sink = await attach(
      { write: () => held },
      { ...RETRY, connect: [...router.sinkEndpoints], subscribe: ['http.**'], queueEvents: 200 },
    )
    await using source = new EventSource({ ...FAST, source: 'shop', connect: [...router.sourceEndpoints] })
    await source.subscribed('http.hit', { timeout: 15_000 })
    await emit(source, 'http.hit', 5000)
    await until('all have come', () => sink.counters().received === 5000)
    const full = sink.counters()
    assert.ok(full.dropped.overflow > 0)
    assert.equal(full.received, full.written + full.dropped.overflow + full.queued)
    release()
    await until('what was held is written', () => sink.counters().queued === 0)
    const { received, written, dropped, lost } = sink.counters()
    assert.equal(received, written + dropped.overflow)
    assert.deepEqual({ received, lost }, { received: source.counters().sent, lost: 0 })
  })
}

for (const transport of TRANSPORTS) {
  test(`a restarted source is no loss (${transport})`, async () => {
    await using router = new EventRouter({
      ...RETRY,
      bindSources: [freeEndpoint(transport)],
      bindSinks: [freeEndpoint(transport)],
    })
    await using sink = await attach({ write: () => {} }, { ...RETRY, connect: [...router.sinkEndpoints] })
    let sent = 0
    for (let life = 0; life < 3; life++) {
      await using source = new EventSource({
        ...FAST,
        source: 'shop',
        connect: [...router.sourceEndpoints],
      })
      await source.subscribed('http.hit', { timeout: 15_000 })
      await emit(source, 'http.hit', 500)
      await source.drain()
      sent += source.counters().sent
    }
    await until('all have come', () => sink.counters().received === sent)
    const { received, lost, duplicate } = sink.counters()
    assert.deepEqual({ received, lost, duplicate }, { received: 1500, lost: 0, duplicate: 0 })
    assert.equal([...sink.streams()].length, 3)
  })
}

test('a source that is killed and restarted as a process is no loss', async () => {
  await using router = new EventRouter({
    ...RETRY,
    bindSources: [freeEndpoint()],
    bindSinks: [freeEndpoint()],
  })
  await using sink = await attach({ write: () => {} }, { ...RETRY, connect: [...router.sinkEndpoints] })
  const options = { ...FAST, source: 'shop', connect: router.sourceEndpoints }
  const first = await Remote.start('source', options)
  await first.emit('http.hit', 5000)
  await until('the first life has come', () => sink.counters().received === 5000)
  await first.kill()
  await using second = await Remote.start('source', options)
  await second.emit('http.hit', 3000)
  await until('the second life has come', () => sink.counters().received === 8000)
  await second.drain()
  const { received, lost, duplicate } = sink.counters()
  assert.deepEqual({ received, lost, duplicate }, { received: 8000, lost: 0, duplicate: 0 })
})

test('what a source emitted before it drained arrives, though its process ends at once', async () => {
  await using sink = await attach({ write: () => {} }, { bind: [freeEndpoint()] })
  const source = await Remote.start('source', { ...FAST, connect: sink.endpoints })
  const { counters } = await source.emit('http.hit', 50_000, 10_000)
  await source.drain()
  assert.equal(counters.sent, 50_000)
  await until('all have come', () => sink.counters().received === 50_000)
  assert.equal(sink.counters().lost, 0)
})
