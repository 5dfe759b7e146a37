import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Series } from '../protocol.js'
import { extentOf, PictureMaker, reachOf, SharedPicture, UNKNOWN, valueAt } from './picture.js'
import { Store } from './store.js'

function storeWith(buckets: Record<number, { n?: number; lost?: number }>): Store {
  const store = new Store(1000, 600)
  const series: Series = { i: 1, type: 'a' }
  store.begin(1, [])
  store.applySeries({ f: 'series', view: 1, add: [series], del: [], types: [], hidden: 0 })
  const strip = {
    n: 0,
    lost: 0,
    dropped: 0,
    types: 1,
    age: 0,
    clients: 1,
    total: { n: 0, lost: 0, dropped: 0 },
  }
  for (const [at, { n, lost }] of Object.entries(buckets)) {
    const bucket = {
      t: Number(at) * 1000,
      ...(n !== undefined && { counts: { i: [1], n: [n] } }),
      ...(lost !== undefined && { lost: { i: [1], n: [lost] } }),
    }
    store.applyTick({ f: 't', view: 1, q: 1, now: 0, strip, buckets: [bucket] })
  }
  return store
}

function make(store: Store, from: number, to: number) {
  const entry = [...store.entries.values()][0]!
  const line = { name: 'events', entry, reading: 'rate' as const, colour: 0 }
  return new PictureMaker().make(store, 'a', [line], from * 1000, to * 1000, to * 1000)
}

test('silence is zero, ignorance is a hole, and loss is a span of its own', () => {
  const store = storeWith({
    100: { n: 5 },
    101: {},
    102: { n: 3, lost: 10 },
    103: { n: 2, lost: 7 },
    108: { n: 4 },
  })
  const picture = make(store, 98, 109)
  assert.deepEqual(
    [...picture.values[0]!],
    [UNKNOWN, UNKNOWN, 5, 0, 3, 2, UNKNOWN, UNKNOWN, UNKNOWN, UNKNOWN, 4],
  )
  assert.deepEqual(picture.lost, [{ from: 102, to: 104, events: 17 }])
  assert.deepEqual(picture.unknown, [{ from: 104, to: 108, events: 0 }])
})

test('when the data ends, a hole begins', () => {
  const store = storeWith({ 100: { n: 5 }, 101: { n: 5 } })
  assert.deepEqual(make(store, 90, 102).unknown, [])
  assert.deepEqual(make(store, 90, 130).unknown, [{ from: 102, to: 131, events: 0 }])
})

test('a line spans the usual distance of its values and no more', () => {
  const every = (step: number) =>
    Float64Array.from({ length: 60 }, (_, i) => (i % step === 0 ? i : Number.NaN))
  assert.equal(reachOf(every(1)), 3)
  assert.equal(reachOf(every(10)), 30)
  assert.equal(valueAt(every(2), 3), 2)
  assert.ok(Number.isNaN(valueAt(Float64Array.of(1, UNKNOWN, Number.NaN), 2)))
})

test('graphs that share a picture share its scale, and each has it once', () => {
  let made = 0
  const shared = new SharedPicture()
  const take = (line: number) =>
    shared.take(line, () => {
      made++
      const values = [
        Float64Array.of(1, 2),
        Float64Array.of(Number.NaN, 40 + made),
        Float64Array.of(UNKNOWN, 3),
      ]
      return { from: 0, to: 2, times: Float64Array.of(0, 1), values, lost: [], unknown: [] }
    })
  const [first, second] = [take(0), take(1)]
  assert.deepEqual([first.extent, second.extent, made], [[1, 41], [1, 41], 1])
  assert.deepEqual([...second.values[0]!], [Number.NaN, 41])
  assert.deepEqual([take(1).extent, take(0).extent, made], [[1, 42], [1, 42], 2])
  assert.ok(extentOf([Float64Array.of(Number.NaN, UNKNOWN)]).every((end) => !Number.isFinite(end)))
})
