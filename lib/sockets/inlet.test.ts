import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { test } from 'node:test'
import { ControlledClock, freeEndpoint, until } from '../../testing/index.js'
import { EventSource } from '../index.js'
import { Inlet } from './inlet.js'
import type { Vitals } from './memory-watch.js'

const LIMITS = {
  maxMessageBytes: 1 << 20,
  reconnectInterval: 20,
  maxMemory: 1000,
  handshakeTimeout: 5000,
  maxConnections: 10,
  maxConnectionRate: 10,
}

for (const transport of ['tcp', 'ipc'] as const) {
  test(`an inlet that cannot keep up drops what waits and comes back where it was (${transport})`, async () => {
    const clock = new ControlledClock()
    let vitals: Vitals = { memory: 0, native: 0, load: 0 }
    let messages = 0
    const inlet = new Inlet(
      { ...LIMITS, connect: [], bind: [freeEndpoint(transport)], clock, vitals: () => vitals },
      () => messages++,
    )
    // A heartbeat would be a message more.
    await using source = new EventSource({
      connect: [...inlet.endpoints],
      reconnectInterval: 20,
      heartbeat: '1h',
    })
    inlet.subscribe('a')
    inlet.subscribe('b')
    inlet.unsubscribe('b')
    await source.subscribed('a', { timeout: 30_000 })
    source.emit('a', 1)
    await until('it has come', () => messages === 1)

    for (const harmless of [
      { memory: 5000, native: 100, load: 0.5 },
      { memory: 900, native: 900, load: 1 },
    ]) {
      vitals = harmless
      await clock.advance(5000)
      assert.equal(inlet.resets, 0)
    }
    vitals = { memory: 5000, native: 100, load: 1 }
    await clock.advance(1000)
    assert.equal(inlet.resets, 1)
    vitals = { memory: 5000, native: 100, load: 0.1 }
    await until('events come again', async () => {
      await clock.advance(20)
      source.emit('a', 2)
      return messages > 1
    })
    assert.equal(source.emit('b', 1), false)
    assert.equal(inlet.resets, 1)
    await until('the second connection was told of', () => inlet.connections.connected >= 2)
    inlet.close()
    await until('the source knows', () => !source.emit('a', 3))
    await source.close()
    assert.equal(clock.pending, 0)
    const path = inlet.endpoints[0]!.replace('ipc://', '')
    assert.equal(existsSync(path), false, 'the file of an ipc endpoint is gone')
  })
}

test('what is asked for and given up again while nobody can be reached is not kept for ever', async (t) => {
  // Known before anybody has bound it.
  const endpoint = freeEndpoint('ipc')
  let messages = 0
  const clock = new ControlledClock()
  const inlet = new Inlet({ ...LIMITS, connect: [endpoint], bind: [], clock }, () => messages++)
  t.after(() => inlet.close())
  const change = (times: number) => {
    for (let i = 0; i < times; i++) {
      inlet.subscribe(`shop.${i % 10}`)
      inlet.unsubscribe(`shop.${i % 10}`)
    }
  }
  inlet.subscribe('a')
  change(120_000)
  inlet.subscribe('z')
  assert.equal(inlet.resets, 2)
  await using source = new EventSource({ bind: [endpoint], heartbeat: '1h' })
  // What is asked for last is heard last.
  await source.subscribed('z', { timeout: 30_000 })
  assert.deepEqual([source.counters().subscriptions, source.emit('a', 1)], [2, true])
  await until('it has come', () => messages === 1)

  // Whoever is there takes each as it comes.
  change(120_000)
  assert.equal(inlet.resets, 2)
})
