import assert from 'node:assert/strict'
import { test } from 'node:test'
import { EventSource, type StormEvent, subscribe } from '../lib/index.js'
import { freeEndpoint, until } from '../testing/index.js'

const turn = () => new Promise((resolve) => setImmediate(resolve))

test('leaving the loop closes the subscription, and the source learns of it', async () => {
  await using source = new EventSource({ source: 'shop', bind: [freeEndpoint()] })
  const subscription = subscribe({ connect: [...source.endpoints], subscribe: ['order.*'] })
  const ready = source.subscribed('order.placed', { timeout: 30_000 })
  const events: StormEvent[] = []
  void ready.then(() => {
    for (let i = 0; i < 10; i++) source.emit('order.placed', { i })
  })
  for await (const batch of subscription) {
    events.push(...batch)
    if (events.length === 10) break
  }
  assert.equal(subscription.status, 'stopped')
  await until('the source knows', () => !source.emit('order.placed', {}))
})

test('while the loop is busy, events wait within bounds, and what is dropped is counted', async () => {
  const endpoint = freeEndpoint('inproc')
  await using source = new EventSource({ bind: [endpoint] })
  const subscription = subscribe({ connect: [endpoint], queueEvents: 100, batchEvents: 10 })
  await source.subscribed('a', { timeout: 30_000 })
  for (let i = 0; i < 250; i++) {
    source.emit('a', i)
    await turn()
  }
  await until('all were received', () => subscription.counters().received === 250)
  assert.equal(subscription.counters().dropped.overflow, 150)
  const seen: number[] = []
  for await (const batch of subscription) {
    assert.ok(batch.size <= 10)
    seen.push(...[...batch].map((event) => event.seq))
    if (seen.length === 100) break
  }
  assert.deepEqual(
    seen,
    Array.from({ length: 100 }, (_, i) => i),
  )
  const { received, taken, dropped, queued } = subscription.counters()
  assert.equal(received, taken + dropped.overflow + dropped.shutdown + dropped.undecodable + queued)
})

test('a drain hands out what is queued and then ends the loop; a close ends it at once', async () => {
  const endpoint = freeEndpoint('inproc')
  await using source = new EventSource({ bind: [endpoint] })
  for (const [end, expected] of [
    ['drain', 20],
    ['close', 0],
  ] as const) {
    const subscription = subscribe({ connect: [endpoint] })
    // What is sent before its subscription has arrived does not come here.
    await until('enough was received', async () => {
      source.emit('a', 0)
      await turn()
      return subscription.counters().received >= 20
    })
    await subscription[end]()
    const { received } = subscription.counters()
    let count = 0
    for await (const batch of subscription) count += batch.size
    assert.equal(count, expected === 0 ? 0 : received)
    assert.equal(subscription.counters().dropped.shutdown, expected === 0 ? received : 0)
  }
})

test('what comes in the moment of a close is handed out no more, and is counted', async () => {
  const endpoint = freeEndpoint('inproc')
  await using source = new EventSource({ bind: [endpoint] })
  const subscription = subscribe({ connect: [endpoint] })
  await source.subscribed('a', { timeout: 30_000 })
  source.emit('a', 0)
  // By now it is sent, and not read yet.
  await turn()
  await subscription.close()
  for await (const _ of subscription) assert.fail('it is closed')
  const { received, dropped, queued } = subscription.counters()
  assert.equal(queued, 0)
  assert.equal(dropped.shutdown, received)
})

test('types that share the prefix of a pattern, but do not match it, are counted and left out', async () => {
  const endpoint = freeEndpoint('inproc')
  // A heartbeat would be a message more.
  await using source = new EventSource({ bind: [endpoint], heartbeat: '1h' })
  await using subscription = subscribe({ connect: [endpoint], subscribe: ['http.hit'] })
  await source.subscribed('http.hit', { timeout: 30_000 })
  source.emit('http.hits', 1)
  source.emit('http.hit', 2)
  await until('both have come', () => subscription.counters().messages === 2)
  const { received, unmatched, lost } = subscription.counters()
  assert.deepEqual({ received, unmatched, lost }, { received: 1, unmatched: 1, lost: 0 })
})
