import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Segment } from './layout.js'
import { mergeable } from './merge.js'

const some = (count: number, rows: number, level = 0, bytes = rows * 10): Segment[] =>
  Array.from({ length: count }, (_, i) => ({ file: `${level}-${i}`, rows, bytes, from: 0, to: 1, level }))

test('sixteen files of one level are merged, the oldest first', () => {
  assert.deepEqual(mergeable(some(15, 10)), [])
  assert.deepEqual(mergeable([...some(15, 10), ...some(15, 10, 1)]), [])
  assert.deepEqual(mergeable(some(20, 10)), some(20, 10).slice(0, 16))
  assert.deepEqual(mergeable([...some(3, 10), ...some(16, 160, 1)]), some(16, 160, 1))
})

test('a merge stays small enough not to hold up what is written', () => {
  assert.equal(mergeable(some(16, 40_000)).length, 10)
  assert.equal(mergeable(some(16, 10, 0, 16 * 1024 * 1024)).length, 4)
  assert.deepEqual(mergeable(some(100, 300_000)), [])
  assert.deepEqual(mergeable(some(100, 10, 0, 40 * 1024 * 1024)), [])
})
