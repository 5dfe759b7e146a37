import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ControlledClock } from '../../testing/index.js'
import { Connections } from './connections.js'

const LIMITS = { maxConnections: 2, maxConnectionRate: 3, handshakeTimeout: 1000 }

function scene(limits = LIMITS) {
  const clock = new ControlledClock()
  const connections = new Connections(limits, clock)
  const come = (key?: string) => {
    connections.opened()
    const verdict = connections.admit(key)
    if (verdict === 'admitted') connections.connected()
    else connections.refused()
    return verdict
  }
  return { clock, connections, come }
}

test('as many peers are let in as there may be, and one more when one has left', () => {
  const { connections, come } = scene()
  assert.deepEqual([come(), come(), come()], ['admitted', 'admitted', 'overCount'])
  assert.equal(connections.peers, 2)
  connections.disconnected()
  assert.equal(connections.peers, 2, 'it was the refused one that went')
  connections.disconnected()
  assert.equal(connections.peers, 1)
  assert.deepEqual([come(), come()], ['admitted', 'overCount'])
  const { opened, connected, disconnected, refused, overCount, timedOut } = connections.counters
  assert.deepEqual(
    { opened, connected, disconnected, refused, overCount, timedOut },
    { opened: 5, connected: 3, disconnected: 2, refused: 2, overCount: 2, timedOut: 0 },
  )
})

test('those that were let in and are not told of yet count', () => {
  const { connections } = scene()
  const verdicts = [1, 2, 3].map(() => {
    connections.opened()
    return connections.admit(undefined)
  })
  assert.deepEqual(verdicts, ['admitted', 'admitted', 'overCount'])
})

test('strangers that go untold of upset the count no longer than until nobody comes for a while', async () => {
  const { clock, connections, come } = scene()
  come()
  come()
  for (let i = 0; i < 10; i++) {
    connections.opened()
    connections.disconnected()
  }
  assert.equal(connections.peers, 0, 'they were taken for those that were let in')
  await clock.advance(1001)
  assert.equal(come(), 'overCount')
  assert.equal(connections.peers, 2)
})

test('a key that comes too often in a second is refused until the next', async () => {
  const { clock, connections, come } = scene({ ...LIMITS, maxConnections: 100 })
  const four = (key?: string) => [come(key), come(key), come(key), come(key)]
  assert.deepEqual(four('a'), ['admitted', 'admitted', 'admitted', 'overRate'])
  assert.deepEqual(four('b'), ['admitted', 'admitted', 'admitted', 'overRate'])
  assert.deepEqual(four(), Array(4).fill('admitted'), 'without keys all look alike')
  await clock.advance(1000)
  assert.equal(come('a'), 'admitted')
  assert.equal(connections.counters.overRate, 2)
})
