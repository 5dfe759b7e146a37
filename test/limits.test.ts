/**
 * Every limit, reached: what is beyond it is refused or left out and counted, what is within goes on, and the counters
 * are where metrics show them.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as zmq from 'zeromq'
import { toRegistry } from '../cli/http/metrics.js'
import { attach, type Counters, EventRouter, EventSource } from '../lib/index.js'
import { Outlet } from '../lib/sockets/outlet.js'
import { ControlledClock, freeEndpoint, recordingLog, until } from '../testing/index.js'
import { identity, keyList } from '../testing/keys.js'
import { dial, enter, frame, GREETING, pour, ready } from '../testing/zmtp.js'

const FAST = { reconnectInterval: 20 }
const bound = () => ({ bindSources: [freeEndpoint()], bindSinks: [freeEndpoint()] })
const of = (counters: Counters, name: string) => counters[name] as Record<string, number>

async function collector(connect: readonly string[], options: object = {}) {
  const seen: unknown[] = []
  const write = (batch: Iterable<{ data: unknown }>) => {
    for (const { data } of batch) seen.push(data)
  }
  const sink = await attach({ write }, { ...FAST, connect: [...connect], ...options })
  return { sink, seen }
}

/** A subscriber without manners. */
function rude(endpoint: string) {
  const socket = new zmq.XSubscriber()
  socket.linger = 0
  socket.sendTimeout = 0
  socket.sendHighWaterMark = 0
  socket.connect(endpoint)
  // One that does not receive does not send its subscriptions again either.
  socket.receive().catch(() => {})
  return socket
}

test('maxConnections: one too many is refused, without keys too, and gets in once another has left', async () => {
  const { log, told } = recordingLog()
  await using router = new EventRouter({ ...bound(), handshakeTimeout: 200, maxConnections: 2, log })
  const dialled = () =>
    new EventSource({ source: 's', connect: [...router.sourceEndpoints], reconnectInterval: 20 })
  const good = await collector(router.sinkEndpoints, { subscribe: ['a'] })
  await using _ = good.sink
  const [first, second] = [dialled(), dialled()]
  for (const each of [first, second]) await each.subscribed('a', { timeout: 15_000 })
  const third = dialled()
  const counts = () => of(router.counters(), 'sourceConnections')
  await until('the third was refused', () => counts().overCount! > 0)
  assert.equal(third.emit('a', 'third'), false)
  assert.equal(counts().connected, 2)
  first.emit('a', 'first')
  await until('the others go on', () => good.seen.includes('first'))
  await first.close()
  await until('there is room', () => {
    third.emit('a', 'third')
    return good.seen.includes('third')
  })
  assert.equal(told.filter((text) => text.includes('maxConnections')).length, 1, 'told once')
  await Promise.all([second.close(), third.close()])
})

test('maxConnectionRate: a key that comes too often is refused until the next second', async () => {
  const clock = new ControlledClock()
  const [router, web] = [identity('router'), identity('web')]
  await using middle = new EventRouter({
    ...bound(),
    key: router.key,
    allowSources: [keyList(web.line)],
    allowSinks: [keyList(web.line)],
    maxConnectionRate: 2,
    clock,
  })
  const dialled = () =>
    new EventSource({
      source: 's',
      connect: [...middle.sourceEndpoints],
      key: web.key,
      serverKey: [router.publicKey],
      reconnectInterval: 20,
    })
  const three = [dialled(), dialled(), dialled()]
  const counts = () => of(middle.counters(), 'sourceConnections')
  await until('one was refused', () => counts().overRate! > 0 && counts().connected === 2)
  await clock.advance(1000)
  await until('it has come again', () => counts().connected === 3)
  await Promise.all(three.map((source) => source.close()))
})

test('handshakeTimeout: who says nothing, or half of it, is disconnected', async () => {
  await using router = new EventRouter({ ...bound(), handshakeTimeout: 100 })
  const beginnings = [Buffer.alloc(0), GREETING.subarray(0, 20), GREETING]
  for (const endpoint of [...router.sourceEndpoints, ...router.sinkEndpoints]) {
    await Promise.all(beginnings.map(async (each) => pour(await dial(endpoint), [each], false)))
  }
  for (const side of ['sourceConnections', 'sinkConnections']) {
    const counts = () => of(router.counters(), side)
    await until('they were counted', () => counts().disconnected === beginnings.length)
    assert.equal(counts().timedOut, beginnings.length)
    assert.equal(counts().refused, beginnings.length)
    assert.equal(counts().opened, beginnings.length)
  }
})

test('what speaks ZMTP 1 or 2 is no peer, and nothing of it becomes a message', async () => {
  await using router = new EventRouter({ ...bound(), handshakeTimeout: '1m' })
  const ancient = [
    Buffer.from('010002000161', 'hex'),
    Buffer.from('ff00000000000000017f01020000', 'hex'),
    Buffer.from('GET / HTTP/1.1\r\n\r\n'),
  ]
  for (const endpoint of [...router.sourceEndpoints, ...router.sinkEndpoints]) {
    for (const each of ancient) await pour(await dial(endpoint), [each], false)
  }
  const { messagesIn, subscriptions, foreign } = router.counters()
  assert.deepEqual({ messagesIn, subscriptions, foreign }, { messagesIn: 0, subscriptions: 0, foreign: 0 })
})

test('maxSubscriptions: beyond it everything is asked for, and nobody misses an event', async () => {
  const { log, told } = recordingLog()
  await using router = new EventRouter({ ...bound(), ...FAST, maxSubscriptions: 50, log })
  await using source = new EventSource({ source: 's', connect: [...router.sourceEndpoints] })
  const flood = rude(router.sinkEndpoints[0]!)
  for (let i = 0; i < 5000; i++) await flood.send(Buffer.from(`\x01flood.${i}`))
  await until('they were counted', () => of(router.counters(), 'limitedSubscriptions').tooMany === 4950)
  assert.equal(router.counters().subscriptions, 50)
  await until('the source knows', () => source.counters().subscriptions === 52)
  const good = await collector(router.sinkEndpoints, { subscribe: ['late.comer'] })
  await using _ = good.sink
  await until('who came after them gets its events', () => {
    source.emit('late.comer', 1)
    return good.seen.length > 0
  })
  assert.equal(good.sink.counters().lost, 0)
  flood.close()
  await until('all is as before', () => {
    const { subscriptions } = source.counters()
    return router.counters().subscriptions === 0 && subscriptions === 2
  })
  assert.equal(told.filter((text) => text.includes('maxSubscriptions')).length, 1, 'told once')
})

test('maxMemory: subscriptions beyond maxSubscriptions that take the memory are thrown out', async () => {
  let memory = 0
  const changes: string[] = []
  const outlet = new Outlet(
    {
      bind: [freeEndpoint()],
      connect: [],
      clock: new ControlledClock(),
      ...{ maxSubscriptions: 10, maxTopicBytes: 255, maxMemory: 1000, sendHighWaterMark: 10 },
      ...{ maxConnections: 10, maxConnectionRate: 10, handshakeTimeout: 5000, reconnectInterval: 20 },
      vitals: () => ({ memory, native: 0, load: 0 }),
    },
    (prefix, wanted) => {
      changes.push(`${wanted ? '+' : '-'}${prefix}`)
      // The socket was closed, which gives it back.
      if (!wanted) memory = 0
    },
  )
  const flood = rude(outlet.endpoints[0]!)
  const send = async (from: number, to: number) => {
    for (let i = from; i < to; i++) await flood.send(Buffer.from(`\x01flood.${i}`))
  }
  await send(0, 2010)
  await until('they are there', () => outlet.interest.beyond === 2000)
  assert.equal(outlet.resets, 0)
  memory = 2000
  await send(2010, 3010)
  await until('the socket was opened again', () => outlet.resets === 1)
  assert.deepEqual(
    changes.slice(0, 12).map((each) => each[0]),
    Array(12).fill('+'),
  )
  assert.deepEqual(
    changes.slice(12, 24).map((each) => each[0]),
    Array(12).fill('-'),
  )
  flood.close()
  outlet.close()
})

test('maxMemory: messages without an end are thrown out at either side, and events go on', async () => {
  const part = Buffer.concat(Array(1000).fill(frame(Buffer.alloc(1000), { more: true })))
  const rss = () => process.memoryUsage.rss()
  let enough = false
  function* until300MiBAbove(begin: number) {
    // By what the process takes, since what was given back is used again first.
    while (rss() < begin + 300 * 2 ** 20) yield part
    enough = true
  }
  const maxMemory = rss() + 16 * 2 ** 20
  // The router looks at its memory when this clock says so.
  const clock = new ControlledClock()
  await using router = new EventRouter({ ...bound(), maxMemory, clock })
  await using source = new EventSource({ source: 's', connect: [...router.sourceEndpoints], ...FAST })
  const good = await collector(router.sinkEndpoints)
  await using _ = good.sink
  await until('a first event has come', () => {
    source.emit('a', 0)
    return good.seen.length > 0
  })
  for (const [endpoint, type] of [
    [router.sourceEndpoints[0]!, 'PUB'],
    [router.sinkEndpoints[0]!, 'SUB'],
  ] as const) {
    const before = router.counters().resets as number
    // What one reset has given back and what comes next would be no growth together, so it looks between them.
    const resting = rss()
    await clock.advance(1000)
    const stranger = await enter(endpoint, type)
    enough = false
    const poured = pour(stranger, until300MiBAbove(Math.max(resting, maxMemory)), false)
    await until('enough was poured', () => enough, 60_000)
    await clock.advanceUntil('it is disconnected', () => stranger.destroyed, 1000)
    await poured
    assert.ok((router.counters().resets as number) > before)
    const seen = good.seen.length
    await until('events come again', () => {
      source.emit('a', 1)
      return good.seen.length > seen
    })
  }
  await until('all is counted', () => {
    const { received, lost } = good.sink.counters()
    return received + lost === source.counters().sent
  })
})

test('maxTopicBytes: longer types and longer prefixes bring nothing', async () => {
  await using router = new EventRouter({ ...bound(), ...FAST, maxTopicBytes: 10 })
  await using source = new EventSource({ source: 's', connect: [...router.sourceEndpoints] })
  const everything = await collector(router.sinkEndpoints)
  await using _ = everything.sink
  await source.subscribed('a', { timeout: 15_000 })
  source.emit('longer.than.ten', 1)
  source.emit('just.right', 2)
  await until('what may pass has come', () => everything.seen.length === 1)
  assert.deepEqual(everything.seen, [2])
  assert.equal(router.counters().malformed.topic, 1)
  const flood = rude(router.sinkEndpoints[0]!)
  for (let i = 0; i < 1000; i++) await flood.send(Buffer.from(`\x01longer.than.ten.${i}`))
  await until('they were counted', () => of(router.counters(), 'limitedSubscriptions').tooLong === 1000)
  assert.equal(router.counters().subscriptions, 1)
  const { disconnected } = of(router.counters(), 'sinkConnections')
  await flood.send(Buffer.alloc(2000, 1))
  await until('what is longer than any frame costs the connection', () => {
    return of(router.counters(), 'sinkConnections').disconnected! > disconnected!
  })
  flood.close()
})

test('maxDepth: deeper events are left out, whichever way they are read', async () => {
  await using router = new EventRouter(bound())
  await using source = new EventSource({ source: 's', connect: [...router.sourceEndpoints] })
  const shallow = await collector(router.sinkEndpoints, { maxDepth: 3 })
  await using _ = shallow.sink
  await source.subscribed('a', { timeout: 15_000 })
  // The event is the first level and its data the second.
  source.emit('a', { b: { c: 1 } })
  source.emit('a', { b: { c: { d: 1 } } })
  source.emit('a', [[1]])
  source.emit('a', [[[1]]])
  source.emit('a', [[[1n << 60n]]])
  source.emit('a', 1)
  await until('they have come', () => {
    const { written, dropped } = shallow.sink.counters()
    return written + dropped.undecodable === 6
  })
  assert.deepEqual(shallow.seen, [{ b: { c: 1 } }, [[1]], 1])
  assert.equal(shallow.sink.counters().dropped.undecodable, 3)
})

test('metrics have a number for each limit', async () => {
  await using router = new EventRouter({ ...bound(), handshakeTimeout: 100 })
  await pour(await dial(router.sourceEndpoints[0]!), [Buffer.concat([GREETING, ready('DEALER')])], false)
  await until('it was counted', () => of(router.counters(), 'sourceConnections').disconnected === 1)
  const text = await toRegistry([{ kind: 'router', name: 'main', running: router }]).metrics()
  for (const reason of [
    'opened',
    'connected',
    'disconnected',
    'refused',
    'timedOut',
    'overCount',
    'overRate',
  ]) {
    assert.match(
      text,
      new RegExp(`eventstorm_router_source_connections_total{name="main",reason="${reason}"} \\d`),
    )
  }
  assert.match(text, /eventstorm_router_source_connections_total{name="main",reason="opened"} 1/)
  for (const reason of ['tooLong', 'tooMany']) {
    assert.match(
      text,
      new RegExp(`eventstorm_router_limited_subscriptions_total{name="main",reason="${reason}"} 0`),
    )
  }
  for (const name of ['resets', 'forbidden', 'foreign']) {
    assert.match(text, new RegExp(`eventstorm_router_${name}_total{name="main"} 0`))
  }
})
