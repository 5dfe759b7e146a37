/** Routers side by side, in chains and in loops: each event passes each router once and arrives once. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { attach, EventRouter, EventSource, type StormEvent } from '../lib/index.js'
import { freeEndpoint, Remote, until } from '../testing/index.js'

const FAST = { heartbeat: '50ms', reconnectInterval: '20ms' }
const RETRY = { reconnectInterval: '20ms' }
const bound = () => ({ ...RETRY, bindSources: [freeEndpoint()], bindSinks: [freeEndpoint()] })
const turn = () => new Promise((resolve) => setImmediate(resolve))

test('two routers connected to each other in a loop forward each message once', async () => {
  // The names of inproc endpoints are known before they are bound, so that each can dial the other.
  const [a, b] = [freeEndpoint('inproc'), freeEndpoint('inproc')] as const
  const [out, backOut] = [freeEndpoint('inproc'), freeEndpoint('inproc')] as const
  await using left = new EventRouter({ bindSources: [a], bindSinks: [out], connectSources: [backOut] })
  await using right = new EventRouter({ bindSources: [b], bindSinks: [backOut], connectSources: [out] })
  await using sink = await attach({ write: () => {} }, { connect: [backOut], subscribe: ['http.**'] })
  await using source = new EventSource({ ...FAST, source: 'shop', connect: [a] })
  await source.subscribed('http.hit', { timeout: 5000 })
  for (let i = 0; i < 100; i++) {
    source.emit('http.hit', { i })
    await turn()
  }
  await until('all have arrived', () => sink.counters().received === 100)
  const beats = source.counters().heartbeats
  await until('heartbeats have passed', () => source.counters().heartbeats >= beats + 3)
  await until('they have arrived', () => sink.counters().heartbeats >= 3)

  for (const router of [left, right]) {
    const { received, eventsOut, messagesIn, messagesOut } = router.counters()
    assert.equal(received, 100)
    assert.equal(eventsOut, 100)
    // Each message and each heartbeat leaves once; a loop would go on by itself.
    assert.ok(messagesOut <= 100 + source.counters().heartbeats, `${messagesOut} messages left a router`)
    assert.ok(
      messagesIn <= 2 * (100 + source.counters().heartbeats),
      `${messagesIn} messages came to a router`,
    )
  }
  // The copy that comes back round the loop is known and discarded.
  assert.ok(left.counters().duplicate > 0)
  const { received, lost, duplicate } = sink.counters()
  assert.deepEqual({ received, lost, duplicate }, { received: 100, lost: 0, duplicate: 0 })
})

test('with two routers side by side each event arrives once', async () => {
  await using left = new EventRouter(bound())
  await using right = new EventRouter(bound())
  const events: StormEvent[] = []
  await using sink = await attach(
    { write: (batch) => void events.push(...batch) },
    { ...RETRY, connect: [...left.sinkEndpoints, ...right.sinkEndpoints] },
  )
  await using source = new EventSource({
    ...FAST,
    source: 'shop',
    connect: [...left.sourceEndpoints, ...right.sourceEndpoints],
  })
  await until('both paths are up', () => {
    // The source is not told of the second subscription to the same prefix, so only an event can tell.
    source.emit('probe')
    return left.counters().eventsOut > 0 && right.counters().eventsOut > 0
  })
  for (let i = 0; i < 5000; i++) {
    source.emit('http.hit', { i })
    if (i % 20 === 0) await turn()
  }
  const stream = () => [...sink.streams()].find(({ type }) => type === 'http.hit')
  await until('both copies have come', () => {
    const { received = 0, duplicate = 0 } = stream() ?? {}
    return received + duplicate === 10_000
  })
  const { received, lost, duplicate } = stream()!
  assert.deepEqual({ received, lost, duplicate }, { received: 5000, lost: 0, duplicate: 5000 })
  assert.deepEqual(
    events.filter((event) => event.type === 'http.hit').map((event) => event.seq),
    Array.from({ length: 5000 }, (_, i) => i),
  )
})

for (const victim of [0, 1]) {
  test(`killing router ${victim + 1} of two loses nothing`, async () => {
    const routers = [await Remote.start('router', bound()), await Remote.start('router', bound())]
    try {
      await using sink = await attach(
        { write: () => {} },
        { ...RETRY, connect: routers.map((router) => router.endpoints[1]!) },
      )
      await using source = new EventSource({
        ...FAST,
        source: 'shop',
        connect: routers.map((router) => router.endpoints[0]!),
      })
      await source.subscribed('http.hit', { timeout: 5000 })
      // Both paths are up once the sink gets each event twice.
      await until('both paths carry', async () => {
        source.emit('http.hit', {})
        await turn()
        return sink.counters().duplicate > 5
      })
      for (let i = 0; i < 20_000; i++) {
        source.emit('http.hit', { i })
        if (i % 20 === 0) await turn()
        if (i === 7000) await routers[victim]!.kill()
      }
      await turn()
      const { sent } = source.counters()
      await until('all have come', () => sink.counters().received + sink.counters().lost >= sent)
      const { received, lost } = sink.counters()
      assert.deepEqual({ received, lost }, { received: sent, lost: 0 })
    } finally {
      for (const router of routers) await router.kill()
    }
  })
}

test('subscriptions travel through a chain of routers, and back out when the sink leaves', async () => {
  await using near = new EventRouter(bound())
  await using middle = new EventRouter({
    ...RETRY,
    connectSources: [...near.sinkEndpoints],
    bindSinks: [freeEndpoint()],
  })
  await using far = new EventRouter({
    ...RETRY,
    connectSources: [...middle.sinkEndpoints],
    bindSinks: [freeEndpoint()],
  })
  await using source = new EventSource({ ...FAST, source: 'shop', connect: [...near.sourceEndpoints] })
  const sink = await attach(
    { write: () => {} },
    { ...RETRY, connect: [...far.sinkEndpoints], subscribe: ['http.*'] },
  )
  await source.subscribed('http.hit', { timeout: 5000 })
  assert.equal(source.emit('ssh.login', {}), false)
  for (let i = 0; i < 100; i++) source.emit('http.hit', { i })
  await until('all have arrived', () => sink.counters().received === 100)
  assert.equal(far.counters().eventsOut, 100)
  await sink.drain()
  await until('the source knows', () => source.emit('http.hit', {}) === false)
  assert.equal(near.counters().subscriptions, 0)
})

test('what goes on while a router does not ask for it is no loss there', async () => {
  await using left = new EventRouter(bound())
  await using right = new EventRouter(bound())
  await using source = new EventSource({
    ...FAST,
    source: 'shop',
    connect: [...left.sourceEndpoints, ...right.sourceEndpoints],
  })
  await using _steady = await attach({ write: () => {} }, { ...RETRY, connect: [...right.sinkEndpoints] })
  const guest = () => attach({ write: () => {} }, { ...RETRY, connect: [...left.sinkEndpoints] })

  const first = await guest()
  await until('the left router asks', () => left.counters().subscriptions === 1)
  await until('it gets events', () => {
    source.emit('http.hit', {})
    return left.counters().received > 0
  })
  await first.drain()
  await until('the left router asks no more', () => left.counters().subscriptions === 0)
  for (let i = 0; i < 1000; i++) source.emit('http.hit', { i })
  await until('the right router got them', () => right.counters().received >= 1000)
  await using second = await guest()
  await until('the left router gets events again', () => {
    source.emit('http.hit', {})
    return second.counters().received > 0
  })
  assert.equal(left.counters().lost, 0)
  assert.equal(second.counters().lost, 0)
})

test('a router inside the process of a sink is the same router', async () => {
  const inside = freeEndpoint('inproc')
  await using router = new EventRouter({ bindSources: [freeEndpoint()], bindSinks: [inside] })
  await using sink = await attach({ write: () => {} }, { connect: [inside] })
  await using source = await Remote.start('source', { connect: router.sourceEndpoints })
  await source.emit('http.hit', 1000)
  await until('all have come', () => sink.counters().received === 1000)
})
