import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Interest } from './interest.js'

function interest(prefixes: Record<string, number>, limit = 100): Interest {
  const wanted = new Interest(limit)
  for (const [prefix, micros] of Object.entries(prefixes)) wanted.change(Buffer.from(prefix), true, micros)
  return wanted
}

test('a type is wanted since the earliest of the prefixes that cover it', () => {
  const wanted = interest({ 'http.': 5, 'http.hit': 3, h: 9, cpu: 1 })
  assert.equal(wanted.since('http.hit'), 3)
  assert.equal(wanted.since('http.hits'), 3)
  assert.equal(wanted.since('http.miss'), 5)
  assert.equal(wanted.since('host'), 9)
  assert.equal(wanted.since('ssh'), undefined)
  assert.equal(wanted.since('cp'), undefined)
  assert.equal(interest({ '': 7 }).since('anything'), 7)
})

test('the end of a subscription ends what it alone wanted', () => {
  const wanted = interest({ http: 1, 'http.hit': 2 })
  wanted.change(Buffer.from('http'), false, 3)
  assert.equal(wanted.since('http.hit'), 2)
  assert.equal(wanted.since('http.miss'), undefined)
  wanted.change(Buffer.from('http'), true, 4)
  assert.equal(wanted.since('http.miss'), 4, 'wanted anew')
  wanted.change(Buffer.from('http'), true, 5)
  assert.equal(wanted.since('http.miss'), 4, 'and without a break')
})

test('prefixes are bytes and may end inside a character', () => {
  const wanted = new Interest(100)
  const euro = Buffer.from('€')
  wanted.change(euro.subarray(0, 2), true, 1)
  assert.equal(wanted.since('€.x'), 1)
  assert.equal(wanted.since('e.x'), undefined)
  wanted.change(euro.subarray(0, 2), false, 2)
  assert.equal(wanted.size, 0)
})

test('a question with a prefix is answered by what is above and below it', () => {
  const wanted = interest({ 'http.hit': 1 })
  for (const prefix of ['', 'http', 'http.', 'http.hit', 'http.hit.x'])
    assert.ok(wanted.touches(prefix), prefix)
  for (const prefix of ['https', 'cpu', 'http.m']) assert.ok(!wanted.touches(prefix), prefix)
  assert.ok(!new Interest(100).touches(''))
})

test('the version goes up with every change', () => {
  const wanted = interest({ a: 1 })
  const before = wanted.version
  wanted.change(Buffer.from('a'), false, 2)
  assert.ok(wanted.version > before)
})

test('beyond the limit everything is wanted, for as long as there is more', () => {
  const wanted = interest({ a: 1, b: 2 }, 2)
  const change = (prefix: string, on: boolean, micros: number) =>
    wanted.change(Buffer.from(prefix), on, micros).map(([each, now]) => `${now ? '+' : '-'}${each}`)
  assert.deepEqual(change('a', true, 3), [])
  assert.deepEqual(change('c', true, 3), ['+', '+_'])
  assert.deepEqual(change('', true, 4), [], 'it is asked for already')
  assert.deepEqual([wanted.size, wanted.beyond], [2, 2])
  assert.equal(wanted.since('a'), 1)
  assert.equal(wanted.since('x'), 3)
  assert.equal(wanted.since('_report.sink'), 3)
  assert.ok(wanted.has(Buffer.from('_')) && !wanted.has(Buffer.from('c')))
  assert.deepEqual(change('a', false, 5), ['-a'])
  assert.deepEqual(change('d', true, 6), ['+d'], 'there is room again')
  assert.deepEqual(change('c', false, 7), [])
  assert.deepEqual(change('', false, 7), ['-', '-_'])
  assert.equal(wanted.since('x'), undefined)
  assert.deepEqual(change('nobody asked for it', false, 7), [])
})

test('what everybody wanted is known when all have gone', () => {
  const wanted = interest({ '': 1, b: 2, c: 3 }, 2)
  const gone = () => wanted.clear().map(([each, now]) => `${now ? '+' : '-'}${each}`)
  assert.deepEqual(gone(), ['-', '-b', '-_'])
  assert.deepEqual([wanted.size, wanted.beyond, wanted.since('b')], [0, 0, undefined])
  assert.deepEqual(gone(), [])
})
