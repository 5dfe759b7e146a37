import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { StormEvent } from '../../lib/index.js'
import { clip, ndjson, pretty } from './format.js'

const event = (data: unknown, more: Partial<StormEvent> = {}): StormEvent => ({
  type: 'http.hit',
  source: 'web-1/nginx',
  epoch: 1,
  seq: 7,
  time: new Date(2026, 0, 2, 3, 4, 5, 67),
  data,
  ...more,
})

const plain = pretty(() => undefined, false)

test('ndjson has the five members in order, and ISO time', () => {
  const time = new Date('2026-01-02T03:04:05.678Z')
  assert.equal(
    ndjson(event({ status: 200 }, { time })),
    '{"type":"http.hit","source":"web-1/nginx","time":"2026-01-02T03:04:05.678Z","seq":7,"data":{"status":200}}',
  )
})

test('a pretty line has local time, type, source and data', () => {
  assert.equal(
    plain(event({ status: 200, path: '/a b', ok: true, list: [1, 'x'], at: new Date(0), none: null })),
    '03:04:05.067 http.hit       web-1/nginx status=200 path="/a b" ok=true list=[1,"x"] at=1970-01-01T00:00:00Z none=null',
  )
})

test('data that is no document is shown as JSON', () => {
  for (const [data, shown] of [
    [12.5, '12.5'],
    ['two words', '"two words"'],
    ['word', 'word'],
    [[1, 2], '[1,2]'],
    [null, 'null'],
    [new Date(0), '1970-01-01T00:00:00Z'],
  ] as const) {
    assert.equal(plain(event(data)), `03:04:05.067 http.hit       web-1/nginx ${shown}`)
  }
})

test('colour is there when asked for, and only then', () => {
  const coloured = pretty(() => undefined, true)(event({ a: 1 }))
  assert.ok(coloured.includes('\u001b[36mhttp.hit'))
  // biome-ignore lint/suspicious/noControlCharactersInRegex: the escape character is what is looked for
  assert.equal(coloured.replace(/\u001b\[\d+m/g, ''), plain(event({ a: 1 })))
})

test('no character that steers a terminal gets through, in either form', () => {
  const every = String.fromCharCode(...Array.from({ length: 0xa0 }, (_, i) => i), 0x202e, 0x2028, 0x2066)
  const bad = event({ [every]: every, deep: { [every]: [every] } }, { source: every })
  for (const line of [ndjson(bad), plain(bad)]) {
    assert.doesNotMatch(line, /[\p{Cc}\u2028\u202e\u2066]/u)
  }
  const { source, data } = JSON.parse(ndjson(bad))
  assert.deepEqual({ source, data }, { source: every, data: bad.data }, 'and nothing is lost by it')
})

test('a long line is clipped to the width of the terminal, whatever it is made of', () => {
  for (const filler of ['abc ', 'é', '漢字', '👩‍👩‍👧', '\u001b[2J']) {
    for (let width = 1; width <= 60; width++) {
      const line = pretty(() => width, false)(event({ text: filler.repeat(50) }))
      const columns = [...line].reduce(
        (sum, char) => sum + (/[\u1100-\uffff]|[^\0-\uffff]/u.test(char) ? 2 : 1),
        0,
      )
      assert.ok(columns <= width + 1, `${columns} columns in ${width}: ${line}`)
      if (width > 45) assert.match(line, /…$/)
    }
  }
})

test('clip keeps what fits and never cuts a character in two', () => {
  assert.equal(clip('abcd', 4), 'abcd')
  assert.equal(clip('abcde', 4), 'abc…')
  assert.equal(clip('漢字', 4), '漢字')
  assert.equal(clip('漢字漢', 4), '漢…')
  assert.equal(clip('a👍👍', 4), 'a👍…')
  assert.equal(clip('abc', 1), '…')
  assert.equal(clip('abc', 0), '')
  assert.equal(clip('', 0), '')
})
