/** Who has no key, one that nobody knows, or one for the other side: kept out wherever an end is bound. */
import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { test } from 'node:test'
import { attach, EventRouter, EventSource, type Logger } from '../lib/index.js'
import { ControlledClock, freeEndpoint, until } from '../testing/index.js'
import { identity, keyList } from '../testing/keys.js'

type Connections = { opened: number; connected: number; disconnected: number; refused: number }
const connections = (of: { counters(): object }, which = 'connections') =>
  (of.counters() as Record<string, Connections>)[which]!

/** Waits until only so many are there still: a refusal that is counted late would be taken for that of the next one. */
async function remaining(of: { counters(): object }, count: number): Promise<void> {
  const present = () => connections(of).opened - connections(of).disconnected
  await until('who was refused has left', () => present() === count)
}

async function collector(options: object) {
  const seen: unknown[] = []
  const write = (batch: Iterable<{ data: unknown }>) => {
    for (const { data } of batch) seen.push(data)
  }
  return { sink: await attach({ write }, { reconnectInterval: 20, ...options }), seen }
}

test('a bound source and a bound sink refuse no key, an unknown one and one of the other role', async () => {
  const [web, viewer, stranger] = [identity('web'), identity('viewer'), identity('stranger')]
  await using source = new EventSource({
    source: 's',
    bind: [freeEndpoint()],
    key: web.key,
    allow: [keyList(viewer.line)],
  })
  const good = await collector({
    connect: [...source.endpoints],
    key: viewer.key,
    serverKey: [web.publicKey],
  })
  await using _ = good.sink
  const listening = await collector({ bind: [freeEndpoint()], key: viewer.key, allow: [keyList(web.line)] })
  await using __ = listening.sink
  await source.subscribed('a', { timeout: 15_000 })

  for (const key of [undefined, stranger.key, web.key]) {
    const before = connections(source).refused
    const known = key === undefined ? {} : { key, serverKey: [web.publicKey] }
    const spy = await collector({ connect: [...source.endpoints], ...known })
    await until('the spy was refused', () => connections(source).refused > before)
    source.emit('a', key)
    const { sent } = source.counters()
    await until('the good one has it', () => good.seen.length === sent)
    assert.deepEqual(spy.seen, [])
    await spy.sink.close()
    await remaining(source, 1)
  }
  assert.equal(connections(source).connected, 1)

  for (const key of [undefined, stranger.key, viewer.key]) {
    const before = connections(listening.sink).refused
    const known = key === undefined ? {} : { key, serverKey: [viewer.publicKey] }
    const forger = new EventSource({ source: 's', connect: [...listening.sink.endpoints], ...known })
    await until('the forger was refused', () => connections(listening.sink).refused > before)
    assert.equal(forger.emit('a', 'forged'), false, 'nobody has subscribed there')
    await forger.close()
    await remaining(listening.sink, 0)
  }
  assert.equal(connections(listening.sink).connected, 0)
  assert.equal(listening.sink.counters().messages, 0)
})

test('a key taken out of the list of one endpoint costs the peers of another nothing', async () => {
  const [router, web, one, other] = [identity('router'), identity('web'), identity('one'), identity('other')]
  const lists = [keyList(one.line), keyList(other.line)]
  await using middle = new EventRouter({
    bindSources: [freeEndpoint()],
    bindSinks: [freeEndpoint(), freeEndpoint()],
    key: router.key,
    allowSources: [keyList(web.line)],
    allowSinks: lists,
  })
  const dial = { serverKey: [router.publicKey], reconnectInterval: 20 }
  const [atOne, atOther] = middle.sinkEndpoints as [string, string]
  const first = await collector({ connect: [atOne], key: one.key, ...dial })
  await using _ = first.sink
  const second = await collector({ connect: [atOther], key: other.key, ...dial })
  await using __ = second.sink
  await using source = new EventSource({
    source: 'web',
    connect: [...middle.sourceEndpoints],
    key: web.key,
    ...dial,
  })
  await source.subscribed('a', { timeout: 15_000 })
  await until('both get events', () => {
    source.emit('a', 1)
    return first.seen.length > 0 && second.seen.length > 0
  })
  // Which of the two had subscribed when the first event came is theirs to know.
  const { lost: lostBefore } = second.sink.counters()
  const { refused } = connections(middle, 'sinkConnections')
  writeFileSync(lists[0]!, '')
  await until('the first is kept out', () => {
    source.emit('a', 2)
    return connections(middle, 'sinkConnections').refused > refused
  })
  source.emit('a', 'last')
  await until('the second goes on', () => second.seen.at(-1) === 'last')
  // What was on its way when it was sent away may come still.
  assert.ok(!first.seen.includes('last'))
  assert.deepEqual(connections(second.sink), { ...connections(second.sink), connected: 1, disconnected: 0 })
  const { lost, received } = second.sink.counters()
  assert.deepEqual({ lost, received }, { lost: lostBefore, received: second.seen.length })
})

test('a refused key is told of once a minute, and again after it; each key for itself', async () => {
  const clock = new ControlledClock()
  const [server, peer, stranger, another] = [
    identity('server'),
    identity('peer'),
    identity('stranger'),
    identity('another'),
  ]
  const told: string[] = []
  const log: Logger = {
    debug() {},
    info() {},
    warn: (context, text) => void told.push(`${(context as { key: string }).key} ${text}`),
    error: (_, text) => void told.push(text),
  }
  await using source = new EventSource({
    source: 's',
    bind: [freeEndpoint()],
    key: server.key,
    allow: [keyList(peer.line)],
    clock,
    log,
  })
  const knock = async (key: string) => {
    const { refused } = connections(source)
    const spy = await collector({ connect: [...source.endpoints], key, serverKey: [server.publicKey] })
    await until('it was refused', () => connections(source).refused > refused)
    await spy.sink.close()
    await remaining(source, 0)
  }
  const line = ({ publicKey }: { publicKey: string }) =>
    `${publicKey} a peer was refused; its key is not in the list`
  for (let i = 0; i < 3; i++) await knock(stranger.key)
  assert.deepEqual(told, [line(stranger)])
  await knock(another.key)
  assert.deepEqual(told, [line(stranger), line(another)])
  await clock.advance(59_000)
  await knock(stranger.key)
  assert.equal(told.length, 2)
  await clock.advance(1000)
  await knock(stranger.key)
  assert.deepEqual(told.slice(2), [line(stranger)])
})
