import assert from 'node:assert/strict'
import { test } from 'node:test'
import { EventstormError } from '../../lib/index.js'
import { explain, isRefused } from './judge.js'
import { ListedPartitions } from './listed.js'
import { int64 } from './rows.js'
import { compactionWindow, DAY, MINUTE, replicationClause } from './schema.js'

test('fewer than 50 windows, whatever time is kept', () => {
  for (const keep of [
    1,
    31,
    60,
    900,
    901,
    1440,
    3000,
    1440 * 7,
    1440 * 15,
    1440 * 16,
    1440 * 365,
    1440 * 3650,
  ]) {
    const { unit, size } = compactionWindow(keep * MINUTE)
    const window = size * { MINUTES: MINUTE, HOURS: 60 * MINUTE, DAYS: DAY }[unit]
    assert.ok(Number.isInteger(size) && (keep * MINUTE) / window <= 30, `${keep} minutes: ${size} ${unit}`)
  }
  assert.deepEqual(compactionWindow(60 * DAY), { unit: 'DAYS', size: 2 })
})

test('copies are those of one data center, or of several by name', () => {
  assert.equal(replicationClause('3', 'dc1'), "{'class': 'NetworkTopologyStrategy', 'dc1': 3}")
  assert.equal(replicationClause('a:3, b-2:1', 'a'), "{'class': 'NetworkTopologyStrategy', 'a': 3, 'b-2': 1}")
  for (const text of ['', '0', "a:3'", 'a:0', '100']) {
    assert.throws(() => replicationClause(text, 'dc1'), { code: 'OPTIONS_INVALID' })
  }
})

test('what a server refuses for good is told from what passes', () => {
  const error = (code: number, message: string) => Object.assign(new Error(message), { code })
  assert.ok(isRefused(error(0x2200, 'Request is too big: length 17000048')))
  for (const passes of [
    error(0x2200, 'unconfigured table events'),
    error(0x2200, 'keyspace k does not exist'),
    error(0x1000, 'Cannot achieve consistency level LOCAL_QUORUM'),
    error(0x1001, 'overloaded'),
    error(0x1100, 'write timeout'),
    new Error('no code'),
  ]) {
    assert.ok(!isRefused(passes), passes.message)
    assert.equal(explain(passes).steer, 'wait')
  }
  assert.equal(explain(new Error('Datacenter x was not found. Available DCs are: [y]')).steer, 'stop')
  assert.equal(explain(new EventstormError('STORE_FAILED', 'no driver')).steer, 'stop')
})

test('a partition is listed once a day', () => {
  const listed = new ListedPartitions()
  const partition = { type: 'a.b', bucket: -300_000, shard: 0 }
  assert.deepEqual(listed.missing([partition], 0), [partition])
  listed.add([partition], 0)
  assert.deepEqual(listed.missing([{ ...partition }], DAY), [])
  assert.deepEqual(listed.missing([partition], DAY + 1), [partition])
  assert.equal(listed.missing([{ ...partition, shard: 1 }, partition], 5).length, 1)
})

test('numbers are written as Cassandra reads them', () => {
  for (const value of [0, 1, -1, 2 ** 32, -(2 ** 32) - 1, 8.64e15, -8.64e15, Number.MAX_SAFE_INTEGER]) {
    assert.equal(int64(value).readBigInt64BE(), BigInt(value))
  }
})
