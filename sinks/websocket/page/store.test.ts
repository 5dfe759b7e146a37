import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Bucket, History, Series, SeriesFrame, Strip } from '../protocol.js'
import { identity, Store } from './store.js'

const strip: Strip = {
  n: 0,
  lost: 0,
  dropped: 0,
  types: 1,
  age: null,
  clients: 1,
  total: { n: 0, lost: 0, dropped: 0 },
}
const hits: Series = { i: 7, type: 'http.hit' }
const series = (add: Series[], rest: Partial<SeriesFrame> = {}): SeriesFrame => ({
  f: 'series',
  view: 1,
  add,
  del: [],
  types: [],
  hidden: 0,
  ...rest,
})
const tick = (...buckets: Bucket[]) => ({ f: 't' as const, view: 1, q: 1, now: 0, strip, buckets })
const counted = (t: number, n: number, lost = 0): Bucket => ({
  t,
  counts: { i: [7], n: [n] },
  ...(lost > 0 && { lost: { i: [7], n: [lost] } }),
})
const history = (from: number, to: number, now: number, n: number[]): History => ({
  epoch: 1,
  now,
  step: 1000,
  from,
  to,
  hidden: 0,
  types: [],
  series: [{ ...hits, at: n.map((_, k) => k), n }],
})

function filled(): Store {
  const store = new Store(1000, 60)
  store.begin(1, [])
  store.applySeries(series([hits]))
  return store
}
const column = (store: Store, measure: 'n' | 'lost', from: number, to: number) =>
  Array.from({ length: to - from }, (_, k) =>
    store.timeline.get(store.entries.get(identity(hits))?.columns[measure], from + k),
  )

test('a bucket that comes again replaces the one that is there, in any order', () => {
  const once = filled()
  once.applyTick(tick(counted(10_000, 1), counted(11_000, 2), counted(12_000, 3)))
  const jumbled = filled()
  jumbled.applyTick(tick(counted(12_000, 3)))
  jumbled.applyTick(tick(counted(10_000, 1), counted(11_000, 9)))
  jumbled.applyTick(tick(counted(11_000, 2), counted(12_000, 3)))
  assert.deepEqual(column(jumbled, 'n', 9, 14), column(once, 'n', 9, 14))
  assert.deepEqual(column(once, 'n', 10, 13), [1, 2, 3])
  assert.equal(once.complete, 13_000)
})

test('history fills what was before, and leaves to ticks what had not ended when it was told', () => {
  const store = filled()
  store.applyTick(tick(counted(20_000, 5)))
  store.applyHistory(history(15_000, 21_000, 20_400, [1, 2, 3, 4, 4, 1]))
  assert.deepEqual(column(store, 'n', 15, 21), [1, 2, 3, 4, 4, 5])
  assert.ok(store.known(15) && store.known(20))
  assert.ok(!store.known(14), 'nothing was told of it')
})

test('a second without events, one with losses and one of which nothing is known are three things', () => {
  const store = filled()
  store.applyTick(tick(counted(10_000, 4), { t: 11_000 }, counted(12_000, 2, 30), counted(14_000, 1)))
  assert.deepEqual(
    [10, 11, 12, 13, 14].map((bucket) => store.known(bucket)),
    [true, true, true, false, true],
  )
  assert.deepEqual(column(store, 'lost', 10, 13), [Number.NaN, Number.NaN, 30])
  assert.equal(store.rate('http.hit', 12, 2), 2)
})

test('after a restart of the server what was drawn stays, and goes on under the new number', () => {
  const store = filled()
  store.applyTick(tick(counted(10_000, 4)))
  store.begin(2, [])
  store.applyTick(tick(counted(12_000, 99)))
  assert.deepEqual(column(store, 'n', 12, 13), [Number.NaN], 'number 7 means nothing yet')
  store.applySeries(series([{ ...hits, i: 1 }], { reset: true }))
  store.applyTick(tick({ t: 13_000, counts: { i: [1], n: [6] } }))
  assert.deepEqual(column(store, 'n', 10, 11), [4])
  assert.deepEqual(column(store, 'n', 13, 14), [6])
  store.applyHistory(history(5_000, 12_000, 14_000, [1, 1, 1, 1, 1, 1, 1]))
  assert.deepEqual(column(store, 'n', 5, 6), [Number.NaN], 'it is the history of another server')
})

test('memory is bounded: old buckets give way, and so do series that are gone', () => {
  const store = filled()
  store.applyTick(tick(counted(10_000, 1)))
  store.applyTick(tick(counted(70_000, 2)))
  assert.deepEqual(column(store, 'n', 10, 11), [Number.NaN])
  assert.deepEqual(column(store, 'n', 11, 12), [Number.NaN], 'its place was cleared on the way')
  store.applyTick(tick(counted(9_000, 3)))
  assert.deepEqual(column(store, 'n', 69, 71), [Number.NaN, 2], 'what is too old disturbs nothing')
  for (let i = 0; i < 5000; i++) {
    store.begin(i + 10, [])
    store.applySeries(series([{ i: 1, type: `flood.${i}` }], { reset: true }))
  }
  assert.ok(store.entries.size <= 2001, `${store.entries.size}`)
})

test('numbers that are no numbers are not drawn', () => {
  const store = filled()
  store.applyTick(tick({ t: 10_000, counts: { i: [7, 8], n: [null as unknown as number, 3] } }))
  assert.deepEqual(column(store, 'n', 10, 11), [Number.NaN])
})

test('losses are told in buckets of their own length, and what was before is not known', () => {
  const store = new Store(60_000, 60)
  store.lossesFrom = Number.POSITIVE_INFINITY
  const told: History = {
    ...history(600_000, 900_000, 900_000, []),
    step: 10_000,
    series: [{ ...hits, at: [], lostAt: [1, 5, 7], lost: [3, 4, 50] }],
  }
  store.timeline.reach(14)
  for (let again = 0; again < 2; again++) store.applyLosses('http.hit', told)
  assert.deepEqual(column(store, 'lost', 9, 12), [Number.NaN, 7, 50])
  assert.equal(store.lossesFrom, 600_000)
  store.applyLosses('http.hit', { ...told, from: 900_000, series: [] })
  assert.equal(store.lossesFrom, Number.POSITIVE_INFINITY, 'nothing is known of that time')
  assert.deepEqual(column(store, 'lost', 9, 12), [Number.NaN, Number.NaN, Number.NaN])
})

test('when a type was last heard of', () => {
  const store = filled()
  store.begin(1, [{ type: 'quiet', rate: 0, seen: 0 }])
  assert.deepEqual([store.hasHeard('quiet'), store.lastOf('quiet')], [false, 0])
  store.applyTick(tick(counted(20_000, 5), { t: 30_000, lost: { i: [7], n: [2] } }))
  assert.deepEqual([store.hasHeard('http.hit'), store.lastOf('http.hit')], [true, 20_000])
})
