import assert from 'node:assert/strict'
import { test } from 'node:test'
import { seeded } from '../../testing/index.js'
import { Sketch } from './sketch.js'

test('percentiles are within 1 % of the values, also of sketches that were added up', (t) => {
  const seed = Number(process.env.SEED ?? Date.now())
  const random = seeded(seed)
  t.diagnostic(`seed ${seed}`)
  const values = Array.from({ length: 20_000 }, () => Math.exp(8 * random() - 4))
  const parts = Array.from({ length: 7 }, () => new Sketch())
  for (const [i, value] of values.entries()) parts[i % 7]!.add(value)
  const whole = new Sketch()
  for (const part of parts) whole.merge(part)
  assert.equal(whole.n, values.length)
  values.sort((a, b) => a - b)
  for (const q of [0.01, 0.5, 0.95, 0.99, 1]) {
    const exact = values[Math.ceil(q * values.length) - 1]!
    assert.ok(
      Math.abs(whole.quantile(q) - exact) <= 0.01 * exact,
      `p${100 * q}: ${whole.quantile(q)}, not ${exact}`,
    )
  }
})

test('zero, negative and far apart values have their places; a cleared one starts anew', () => {
  const sketch = new Sketch()
  assert.equal(sketch.quantile(0.5), 0)
  for (const value of [-1, 0, 1e-12, 1e-8, 1e300]) sketch.add(value)
  assert.equal(sketch.quantile(0.5), 0)
  assert.ok(Math.abs(sketch.quantile(1) / 1e300 - 1) < 0.01)
  sketch.clear()
  sketch.add(5)
  assert.equal(sketch.n, 1)
  assert.ok(Math.abs(sketch.quantile(0.99) - 5) <= 0.05)
})
