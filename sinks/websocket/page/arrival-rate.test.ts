import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ArrivalRate } from './arrival-rate.js'

test('the rate is the mean of the last five seconds', () => {
  const rate = new ArrivalRate()
  assert.equal(rate.perSecond, undefined)
  rate.add(0, 100)
  assert.equal(rate.perSecond, undefined)
  for (let s = 1; s <= 10; s++) rate.add(s * 1000, 100 + 2 * Math.floor(s / 2))
  assert.ok(Math.abs(rate.perSecond! - 1) < 0.25, `${rate.perSecond}`)
  for (let s = 11; s <= 15; s++) rate.add(s * 1000, 110)
  assert.equal(rate.perSecond, 0)
})

test('after a restart of the server it begins anew', () => {
  const rate = new ArrivalRate()
  rate.add(1000, 5000)
  rate.add(2000, 6000)
  rate.add(3000, 10)
  assert.equal(rate.perSecond, undefined)
  rate.add(4000, 30)
  assert.equal(rate.perSecond, 20)
})
