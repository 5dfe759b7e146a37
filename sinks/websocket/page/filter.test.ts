import assert from 'node:assert/strict'
import { test } from 'node:test'
import { filtered, patternsOf } from './filter.js'

test('words with wildcards are patterns for the server, others are parts of names', () => {
  assert.deepEqual(patternsOf(' http.**, cpu.* '), ['http.**', 'cpu.*'])
  assert.deepEqual(patternsOf('http.** cpu'), ['**'])
  assert.deepEqual(patternsOf('ht*p'), ['**'])
  assert.deepEqual(patternsOf(''), ['**'])
  assert.deepEqual(patternsOf('t42 a.*', true), ['**.t42.**', 'a.*'])
  assert.deepEqual(patternsOf('<t>', true), ['**'])
  const wanted = (filter: string) =>
    ['http', 'http.hit', 'http.hit.late', 'cpu.usage'].filter((type) => filtered(filter, type))
  assert.deepEqual(wanted('http.**'), ['http', 'http.hit', 'http.hit.late'])
  assert.deepEqual(wanted('http.*'), ['http.hit'])
  assert.deepEqual(wanted('*.usage hit.LATE'), ['http.hit.late', 'cpu.usage'])
  assert.deepEqual(wanted('**.late'), ['http.hit.late'])
  assert.deepEqual(wanted('nothing'), [])
})
