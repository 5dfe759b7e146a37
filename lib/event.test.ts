import assert from 'node:assert/strict'
import { test } from 'node:test'
import { checkTypeName, isReserved, isSourceName, isStormEvent, isTypeName } from './event.js'

const long = (bytes: number) => 'x'.repeat(bytes)

test('a type is dotted segments of visible characters, at most 255 bytes long', () => {
  const good = [
    'hit',
    'http.hit',
    'a.b.c.d',
    'cpu.0.usage',
    'x-y_z',
    '_internal',
    '日本.語',
    '🙂.x',
    long(255),
  ]
  for (const type of good) assert.ok(isTypeName(type), type)
  const bad = [
    '',
    '.',
    '.a',
    'a.',
    'a..b',
    'a b',
    ' a',
    'a\n',
    'a\tb',
    'a\0',
    '*',
    'a.*',
    'a*b',
    'a.**',
    long(256),
  ]
  for (const type of bad) assert.ok(!isTypeName(type), JSON.stringify(type))
  assert.ok(!isTypeName('é'.repeat(128)), '256 bytes in 128 characters')
  for (const type of [undefined, null, 1, {}, ['a']]) assert.ok(!isTypeName(type))
})

test('white space, invisible and broken characters are in no type', () => {
  const points = [
    0x00, 0x1f, 0x20, 0x7f, 0x80, 0x9f, 0xa0, 0xad, 0x61c, 0x1680, 0x180e, 0x2000, 0x200b, 0x200f, 0x2028,
    0x202e, 0x202f, 0x205f, 0x2066, 0x206f, 0x3000, 0xfeff, 0xfff9, 0xfffd, 0xffff, 0xe0001, 0xe007f,
  ]
  for (const point of points) assert.ok(!isTypeName(`a${String.fromCodePoint(point)}b`), point.toString(16))
  assert.ok(!isTypeName('a\ud800b'), 'half a surrogate pair')
  assert.ok(!isTypeName(Buffer.from([0x61, 0xff, 0x62]).toString()), 'what broken UTF-8 is read as')
})

test('an application may not emit reserved types', () => {
  assert.ok(isReserved('_storm.started'))
  assert.ok(!isReserved('a._b'))
  checkTypeName('a._b')
  assert.throws(() => checkTypeName('_storm.started'), {
    code: 'TYPE_INVALID',
    message: /reserved.*"_storm.started"/,
  })
  assert.throws(() => checkTypeName('a b'), { code: 'TYPE_INVALID', message: /got "a b"/ })
  assert.throws(() => checkTypeName(undefined), { code: 'TYPE_INVALID', message: /got undefined/ })
})

test('a source name is 1 to 255 bytes without control characters', () => {
  for (const source of ['a', 'web-1/nginx', 'two words', 'Zürich', '🙂', long(255)])
    assert.ok(isSourceName(source), source)
  for (const source of [
    '',
    long(256),
    'é'.repeat(128),
    'a\nb',
    'a\0',
    '\x1b[31m',
    '\x9b',
    '\ud800',
    '\ufffd',
  ]) {
    assert.ok(!isSourceName(source), JSON.stringify(source))
  }
})

test('an event from outside is told from other values', () => {
  const event = { type: 'a', source: 's', epoch: 1, seq: 0, time: new Date(0), data: null }
  assert.ok(isStormEvent(event))
  for (const [key, value] of Object.entries({ type: 'a b', source: 1, epoch: 1.5, seq: '0', time: 0 })) {
    assert.ok(!isStormEvent({ ...event, [key]: value }), key)
  }
  const { data: _, ...without } = event
  for (const value of [without, null, undefined, 'a', []]) assert.ok(!isStormEvent(value))
})
