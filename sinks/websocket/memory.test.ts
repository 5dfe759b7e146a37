/** What the numbers of many series take: rings that hold what was written, and bytes that were measured. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { seeded } from '../../testing/index.js'
import { Aggregates } from './aggregates.js'
import { Budget } from './budget.js'
import { Ring } from './ring.js'
import { Secrets } from './secrets.js'
import { Sketch } from './sketch.js'

const LENGTH = 1000

test('a ring has what was written, whether it is little or much, and gives all memory back', (t) => {
  const seed = Number(process.env.SEED ?? Date.now())
  t.diagnostic(`seed ${seed}`)
  const random = seeded(seed)
  for (const chance of [0.001, 0.02, 0.3, 1]) {
    const memory = new Budget(1e6)
    const ring = new Ring(LENGTH, memory)
    const expected = new Map<number, number[]>()
    let bucket = 1_000_000
    for (; bucket < 1_003_000; bucket++) {
      if (random() > chance) continue
      // Percentiles come some day; and now and then a clock is set back.
      const at = random() < 0.05 ? bucket - Math.floor(random() * 20) : bucket
      const row = [1 + at, 2, 3, 4, 5, ...(bucket > 1_001_500 ? [6, 7, 8] : [])]
      ring.write(at, row, row.length)
      expected.set(at, row)
    }
    ring.sweep(bucket)
    const read = new Map<number, number[]>()
    let before = 0
    ring.read(bucket - LENGTH, bucket - 10, (at, values, from, columns) => {
      assert.ok(at > before, 'oldest first')
      before = at
      read.set(at, [...values.subarray(from, from + columns)])
    })
    const wanted = [...expected].filter(([at]) => at >= bucket - LENGTH && at < bucket - 10)
    assert.equal(read.size, wanted.length)
    for (const [at, row] of wanted) assert.deepEqual(read.get(at)!.slice(0, row.length), row)
    ring.clear()
    assert.equal(memory.used, 0)
  }
})

test('a ring without memory keeps what it has, and counts what it refused', () => {
  const memory = new Budget(700)
  const ring = new Ring(LENGTH, memory)
  for (let bucket = 0; bucket < 100; bucket++) ring.write(bucket, [1, bucket], 2)
  const kept: number[] = []
  ring.read(0, 100, (bucket) => kept.push(bucket))
  assert.ok(kept.length >= 16 && kept.length < 100, String(kept.length))
  assert.deepEqual(kept, [...kept.keys()])
  assert.equal(memory.refused, 100 - kept.length)
})

test('few values are kept one by one, and add up with many', () => {
  const [few, many, both] = [new Sketch(), new Sketch(), new Sketch()]
  for (const value of [400, 300, 100]) few.add(value)
  for (let value = 1; value <= 200; value++) many.add(value)
  assert.deepEqual(
    [0.01, 0.5, 1].map((q) => Math.round(few.quantile(q) / 10)),
    [10, 30, 40],
  )
  for (const each of [few, many]) both.merge(each)
  for (const each of [many, few]) both.merge(each)
  assert.equal(both.n, 406)
  assert.ok(Math.abs(both.quantile(1) - 400) <= 4)
  assert.ok(Math.abs(both.quantile(0.5) - 102) <= 3)
})

test('what has just happened for the first time is not swept away', () => {
  const start = Date.UTC(2026, 0, 1)
  const limits = { types: 10, series: 10, fields: 64, keys: 20, memory: 1e9, late: 5 }
  const aggregates = new Aggregates(limits, new Secrets([]), start)
  const add = (second: number) => {
    aggregates.advance(start + second * 1000)
    const time = new Date(start + second * 1000)
    aggregates.add({ type: 'a', source: 'x', seq: 0, epoch: 1, time, data: { took_ms: 5 } })
  }
  // A second before the sweep of each minute, and ten minutes later again.
  for (const second of [59, 659]) add(second)
  aggregates.advance(start + 670_000)
  const { events } = aggregates.types.get('a')!
  const seen: number[] = []
  events.read(1, 0, 1e10, (bucket) => seen.push(bucket - start / 1000))
  assert.deepEqual(seen, [59, 659])
  assert.equal(events.total(start / 1000, start / 1000 + 670), 2)
})

test('a series in which little happens takes little', (t) => {
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc') as () => void
  const used = () => {
    collect()
    collect()
    const { heapUsed, arrayBuffers } = process.memoryUsage()
    return heapUsed + arrayBuffers
  }
  const start = Date.UTC(2026, 0, 1)
  const limits = { types: 3000, series: 20_000, fields: 64, keys: 20, memory: 1e9, late: 5 }
  const aggregates = new Aggregates(limits, new Secrets([]), start)
  const names = Array.from({ length: limits.types }, (_, i) => `flood.type${i}`)
  const before = used()
  for (const [i, type] of names.entries()) {
    const data = { load: i % 7, free: i / 2, took_ms: (i * 7919) % 500, bytes: i * 3 }
    const time = new Date(start)
    aggregates.add({ type, source: 'x', seq: 0, epoch: 1, time, data })
  }
  for (let second = 1; second <= 130; second++) aggregates.advance(start + second * 1000)
  const bytes = (used() - before) / aggregates.size
  t.diagnostic(`${bytes.toFixed(0)} bytes a series`)
  assert.equal(aggregates.size, 15_000)
  // 1.5 KB were measured; blocks that are full at once would take 7 KB.
  assert.ok(bytes < 2500, `${bytes} bytes a series`)
})
