import assert from 'node:assert/strict'
import { test } from 'node:test'
import { EventRouter, EventSource, subscribe } from '../lib/index.js'
import { freeEndpoint, until } from '../testing/index.js'

const turn = () => new Promise((resolve) => setImmediate(resolve))
const ends = () => ({ bindSources: [freeEndpoint('inproc')], bindSinks: [freeEndpoint('inproc')] })

test('a router counts both directions', async () => {
  await using router = new EventRouter(ends())
  // A heartbeat would be a message more.
  await using source = new EventSource({ connect: [...router.sourceEndpoints], heartbeat: '1h' })
  await using sink = subscribe({ connect: [...router.sinkEndpoints], subscribe: ['a.*'] })
  await source.subscribed('a.b', { timeout: 30_000 })
  for (let i = 0; i < 10; i++) {
    source.emit('a.b', i)
    source.emit('a.b', i)
    await turn()
  }
  await until('all have come', () => sink.counters().received === 20)
  const { messagesIn, messagesOut, eventsOut, bytesIn, bytesOut, subscriptions, received, lost } =
    router.counters()
  assert.deepEqual(
    { messagesIn, messagesOut, eventsOut, subscriptions, received, lost },
    { messagesIn: 10, messagesOut: 10, eventsOut: 20, subscriptions: 1, received: 20, lost: 0 },
  )
  assert.equal(bytesIn, bytesOut)
  assert.equal(bytesIn, source.counters().bytes)
  assert.deepEqual(
    [...router.streams()].map(({ type, source: name, received }) => ({ type, name, received })),
    [{ type: 'a.b', name: source.name, received: 20 }],
  )
})

test('a router component decides by the header what passes', async () => {
  const component = { route: ({ source }: { source: string }) => source !== 'noisy' }
  await using router = new EventRouter({ ...ends(), component })
  await using sink = subscribe({ connect: [...router.sinkEndpoints] })
  for (const name of ['noisy', 'quiet']) {
    await using source = new EventSource({ source: name, connect: [...router.sourceEndpoints] })
    await source.subscribed('a', { timeout: 30_000 })
    for (let i = 0; i < 5; i++) source.emit('a', i)
    await turn()
  }
  await until('the quiet ones have come', () => sink.counters().received === 5)
  await until('the noisy ones were kept back', () => router.counters().filtered === 5)
  assert.equal(router.counters().eventsOut, 5)
})

test('what a component keeps back is no loss at the sinks behind', async () => {
  const component = { route: ({ type }: { type: string }) => type !== 'debug' }
  await using router = new EventRouter({ ...ends(), component })
  await using sink = subscribe({ connect: [...router.sinkEndpoints] })
  await using source = new EventSource({ connect: [...router.sourceEndpoints], heartbeat: 10 })
  await source.subscribed('debug', { timeout: 30_000 })
  source.emit('debug', 1)
  source.emit('order', 1)
  await until('some heartbeats of each have passed the router', () => router.counters().heartbeats >= 6)
  await until('one has reached the sink', () => sink.counters().heartbeats > 0)
  const { received, lost, streams } = sink.counters()
  assert.deepEqual({ received, lost, streams }, { received: 1, lost: 0, streams: 1 })
})

test('the bytes that leave a router are the bytes that came', async () => {
  await using router = new EventRouter(ends())
  await using source = new EventSource({ bind: [freeEndpoint('inproc')] })
  await using direct = subscribe({ connect: [...source.endpoints] })
  await using behind = new EventRouter({
    connectSources: [...source.endpoints],
    bindSinks: [freeEndpoint('inproc')],
  })
  await using routed = subscribe({ connect: [...behind.sinkEndpoints] })
  await until(
    'both are there',
    () => source.counters().subscriptions === 1 && behind.counters().subscriptions === 1,
  )
  await until('a message went both ways', () => {
    source.emit('a', { text: 'ä', list: [1, 2.5, null] })
    return direct.counters().received > 0 && routed.counters().received > 0
  })
  const first = async (subscription: typeof direct) => {
    for await (const batch of subscription) return batch.messages
    return []
  }
  const [one, two] = [await first(direct), await first(routed)]
  const same = one.find(({ seq }) => seq === two[0]!.seq)
  assert.deepEqual(two[0], same)
  assert.equal(router.status, 'running')
})

test('a router whose sinks cannot be served gives its other end back', async () => {
  await using holder = new EventRouter({
    bindSources: ['tcp://127.0.0.1:0'],
    bindSinks: ['tcp://127.0.0.1:0'],
  })
  const free = freeEndpoint('ipc')
  const options = { bindSources: [free], bindSinks: [...holder.sinkEndpoints] }
  assert.throws(() => new EventRouter(options), { code: 'BIND_FAILED' })
  await until('the first end can be bound again', async () => {
    try {
      await using _again = new EventRouter({ bindSources: [free], bindSinks: [freeEndpoint('inproc')] })
      return true
    } catch {
      return false
    }
  })
})

test('the end of a router may be asked for any number of times', async () => {
  const router = new EventRouter(ends())
  const drained = router.drain()
  await Promise.all([drained, router.close(), router.drain()])
  assert.equal(router.status, 'stopped')
  await router.ended
})

test('options that make no sense are refused in one sentence', () => {
  assert.throws(() => new EventRouter({ bindSource: ['tcp://127.0.0.1:1'] } as never), {
    code: 'OPTIONS_INVALID',
    message: /bindSource: unknown option. Did you mean "bindSources"\?/,
  })
  assert.throws(() => new EventRouter({ bindSources: ['tcp://127.0.0.1:70000'] }), {
    code: 'ENDPOINT_INVALID',
    message: /70000.*0 .* to 65535/,
  })
})
