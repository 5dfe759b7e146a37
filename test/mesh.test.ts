/** Routers side by side, in chains and in loops: each event passes each router once and arrives once. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { attach, EventRouter, EventSource, type StormEvent, type Stream } from '../lib/index.js'
import { freeEndpoint, Remote, until } from '../testing/index.js'

const FAST = { heartbeat: '50ms', reconnectInterval: '20ms' }
const RETRY = { reconnectInterval: '20ms' }
const bound = () => ({ ...RETRY, bindSources: [freeEndpoint()], bindSinks: [freeEndpoint()] })
/** For a machine that has much else to do, milliseconds. */
const WAIT = 60_000
const turn = () => new Promise((resolve) => setImmediate(resolve))

test('two routers connected to each other in a loop forward each message once', async () => {
  // The names of inproc endpoints are known before they are bound, so that each can dial the other.
  const [a, b] = [freeEndpoint('inproc'), freeEndpoint('inproc')] as const
  const [out, backOut] = [freeEndpoint('inproc'), freeEndpoint('inproc')] as const
  await using left = new EventRouter({ bindSources: [a], bindSinks: [out], connectSources: [backOut] })
  await using right = new EventRouter({ bindSources: [b], bindSinks: [backOut], connectSources: [out] })
  await using sink = await attach({ write: () => {} }, { connect: [backOut], subscribe: ['http.**'] })
  await using source = new EventSource({ ...FAST, source: 'shop', connect: [a] })
  await source.subscribed('http.hit', { timeout: 15_000 })
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
  await until('one has come back', () => left.counters().duplicate > 0)
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
    const roomy = () => ({ ...bound(), sendHighWaterMark: 100_000 })
    const routers = [await Remote.start('router', roomy()), await Remote.start('router', roomy())]
    try {
      await using sink = await attach(
        { write: () => {} },
        { ...RETRY, connect: routers.map((router) => router.endpoints[1]!) },
      )
      await using source = new EventSource({
        ...FAST,
        source: 'shop',
        connect: routers.map((router) => router.endpoints[0]!),
        sendHighWaterMark: 100_000,
      })
      await source.subscribed('http.hit', { timeout: 15_000 })
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
  await source.subscribed('http.hit', { timeout: 15_000 })
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

test('thousands of patterns are asked for again after every restart of a router', async (t) => {
  // More than libzmq holds for a connection by default, which is 1000: what is beyond it would be lost without a word.
  const types = Array.from({ length: 1500 }, (_, i) => `load.${i}.x`)
  const roomy = { sendHighWaterMark: 100_000 }
  let router = await Remote.start('router', { ...bound(), ...roomy })
  t.after(() => router.kill())
  const [sources, sinks] = router.endpoints as [string, string]
  await using source = new EventSource({ ...FAST, ...roomy, source: 'shop', connect: [sources] })
  await using sink = await attach(
    { write: () => {} },
    { ...RETRY, connect: [sinks], subscribe: types.map((type) => type.replace(/x$/, '*')) },
  )
  for (let life = 1; life <= 4; life++) {
    await until(
      'all patterns have come to the source',
      () => source.counters().subscriptions === types.length,
      WAIT,
    )
    const before = sink.counters().received
    for (const type of types) assert.ok(source.emit(type, { life }), `${type} is wanted`)
    await until('one event of each has come', () => sink.counters().received === before + types.length, WAIT)
    assert.equal(sink.counters().lost, 0)
    await router.kill()
    await until('the source knows that nobody listens', () => source.counters().subscriptions === 0, WAIT)
    if (life < 4) {
      const again = { ...RETRY, ...roomy, bindSources: [sources], bindSinks: [sinks] }
      router = await Remote.start('router', again)
    }
  }
})

test('a ring of three routers, and one in a row behind it, forward each message once', async () => {
  // The paths of ipc endpoints are known before they are bound, so that each can dial the one before it.
  const ins = [0, 1, 2].map(() => freeEndpoint('ipc'))
  const outs = [0, 1, 2].map(() => freeEndpoint('ipc'))
  const open = (i: number) =>
    new EventRouter({
      ...RETRY,
      bindSources: [ins[i]!],
      bindSinks: [outs[i]!],
      connectSources: [outs[(i + 2) % 3]!],
    })
  await using first = open(0)
  await using second = open(1)
  await using third = open(2)
  await using behind = new EventRouter({
    ...RETRY,
    connectSources: [outs[1]!],
    bindSinks: [freeEndpoint()],
  })
  const events: StormEvent[] = []
  const sink = await attach(
    { write: (batch) => void events.push(...batch) },
    { ...RETRY, connect: [outs[2]!, ...behind.sinkEndpoints], subscribe: ['http.**'] },
  )
  await using source = new EventSource({ ...FAST, source: 'shop', connect: [ins[0]!] })
  await source.subscribed('http.hit', { timeout: 15_000 })
  const duplicates = (at: { streams(): Iterable<Stream> }, type: string) =>
    [...at.streams()].find((each) => each.type === type)?.duplicate ?? 0
  await until('both ways carry, and the ring is closed', async () => {
    source.emit('http.probe', {})
    await turn()
    return duplicates(sink, 'http.probe') > 0 && duplicates(first, 'http.probe') > 0
  })
  for (let i = 0; i < 500; i++) {
    source.emit('http.hit', { i })
    await turn()
  }
  await until('all have come, on both ways', () => duplicates(sink, 'http.hit') === 500)
  const { received, lost, duplicate } = [...sink.streams()].find(({ type }) => type === 'http.hit')!
  assert.deepEqual({ received, lost, duplicate }, { received: 500, lost: 0, duplicate: 500 })
  assert.deepEqual(
    events.filter(({ type }) => type === 'http.hit').map(({ seq }) => seq),
    Array.from({ length: 500 }, (_, i) => i),
  )
  for (const router of [first, second, third, behind]) {
    const { eventsOut, messagesOut } = router.counters()
    const { sent, batches, heartbeats } = source.counters()
    assert.ok(eventsOut <= sent, `${eventsOut} events left a router, ${sent} the source`)
    assert.ok(messagesOut <= batches + heartbeats, `${messagesOut} messages left a router`)
  }
  // What the first one gets back from the last it knows already, and there it ends.
  await until('all have gone round', () => duplicates(first, 'http.hit') === 500)
  await sink.drain()
  // Each asks because the one behind it asks: what was wanted in a ring once goes round for ever, each message once.
  await until('those outside of the ring ask no more', () => behind.counters().subscriptions === 0)
  assert.ok(source.emit('http.hit', {}))
  await until('it has gone round', () => duplicates(first, 'http.hit') === 501)
  assert.equal(first.counters().eventsOut, source.counters().sent)
})
