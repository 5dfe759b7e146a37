import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Seldom } from './seldom.js'

test('a matter is told once in a while, each by itself', () => {
  let now = 1_000_000
  const seldom = new Seldom({ now: () => now } as never, 60_000)
  assert.ok(seldom.isDue('a'))
  assert.ok(seldom.isDue('b'))
  now += 59_999
  assert.ok(!seldom.isDue('a'))
  now += 1
  assert.ok(seldom.isDue('a'))
})

test('a clock that is set back does not silence anything', () => {
  let now = 10_000_000
  const seldom = new Seldom({ now: () => now } as never, 60_000)
  assert.ok(seldom.isDue('a'))
  now -= 3_600_000
  assert.ok(seldom.isDue('a'))
  assert.ok(!seldom.isDue('a'))
})
