import assert from 'node:assert/strict'
import { test } from 'node:test'
import { cpuUsage, type Driver, makeReadings, networkRates, percent } from './readings.js'

test('percent stays within 0 and 100, with two decimals', () => {
  assert.equal(percent(1, 3), 33.33)
  assert.equal(percent(5, 4), 100)
  assert.equal(percent(-1, 4), 0)
  assert.equal(percent(0, 0), 0)
})

test('processor usage is the difference of two readings', () => {
  const before = [
    { user: 100, system: 50, idle: 1000 },
    { user: 0, system: 0, idle: 0 },
  ]
  const after = [
    { user: 130, system: 60, idle: 1060 },
    { user: 0, system: 100, idle: 0 },
  ]
  assert.deepEqual(cpuUsage(before, after), {
    percent: 70,
    userPercent: 15,
    systemPercent: 55,
    corePercents: [40, 100],
  })
  assert.equal(cpuUsage(after, after), undefined, 'no time has passed')
  assert.equal(cpuUsage(before.slice(1), after), undefined, 'a core came')
})

test('network rates are bytes a second', () => {
  const before = { at: 1000, received: 500, sent: 0 }
  assert.deepEqual(networkRates(before, { at: 3000, received: 1500, sent: 1 }), {
    receivedBytesPerSecond: 500,
    sentBytesPerSecond: 0.5,
  })
  assert.equal(networkRates(undefined, before), undefined)
  assert.equal(networkRates(before, before), undefined, 'no time has passed')
  assert.equal(
    networkRates(before, { at: 3000, received: 1, sent: 1 }),
    undefined,
    'the interface is a new one',
  )
})

test('an interface that comes back starts anew, the others are not held up', async () => {
  let rows: [string, number][] = []
  const networkStats = async () =>
    rows.map(([iface, bytes]) => ({
      iface,
      operstate: 'up',
      rx_bytes: bytes,
      tx_bytes: bytes,
      rx_errors: 0,
      tx_errors: 0,
      rx_dropped: 0,
      tx_dropped: 0,
    }))
  const { network } = makeReadings({ networkStats } as unknown as Driver)
  const read = async (now: number, ...given: [string, number][]) => {
    rows = given
    return (await network(now)).map(({ data }) => {
      const { interface: name, receivedBytesPerSecond } = data as Record<string, unknown>
      return [name, receivedBytesPerSecond]
    })
  }
  assert.deepEqual(await read(0, ['eth0', 100], ['vpn', 100]), [])
  assert.deepEqual(await read(1000, ['eth0', 200], ['vpn', 300]), [
    ['eth0', 100],
    ['vpn', 200],
  ])
  assert.deepEqual(await read(2000, ['eth0', 200]), [['eth0', 0]])
  assert.deepEqual(await read(3000, ['eth0', 300], ['vpn', 5000]), [['eth0', 100]])
  assert.deepEqual(await read(4000, ['eth0', 300], ['vpn', 10]), [['eth0', 0]])
  assert.deepEqual(await read(5000, ['eth0', 300], ['vpn', 20]), [
    ['eth0', 0],
    ['vpn', 10],
  ])
})
