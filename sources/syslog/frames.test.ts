import assert from 'node:assert/strict'
import { test } from 'node:test'
import { seeded } from '../../testing/index.js'
import { Frames } from './frames.js'

interface Result {
  frames: string[]
  understood: boolean
}

/** What comes out when the bytes arrive in pieces of `size`. */
function split(text: string, { size = 1e9, limit = 100, clean = true, end = true } = {}): Result {
  const result: Result = { frames: [], understood: true }
  const frames = new Frames(limit, (bytes, truncated) => {
    result.frames.push(bytes.toString('latin1') + (truncated ? '~' : ''))
  })
  const bytes = Buffer.from(text, 'latin1')
  for (let at = 0; at < bytes.length && result.understood; at += size) {
    result.understood = frames.push(bytes.subarray(at, at + size))
  }
  if (end) frames.end(clean)
  return result
}

const CASES: [name: string, text: string, frames: string[], understood?: boolean][] = [
  ['lines', '<1>a\n<2>b b\n', ['<1>a', '<2>b b']],
  ['lines with CRLF and empty ones', '<1>a\r\n\r\n\0\n<2>b\n', ['<1>a\r', '<2>b']],
  ['a last line without its end', '<1>a\n<2>b', ['<1>a', '<2>b']],
  ['counted messages', '4 <1>a6 <2>b\nb', ['<1>a', '<2>b\nb']],
  ['counted messages with a line feed behind', '4 <1>a\n4 <2>b\n', ['<1>a', '<2>b']],
  ['both', '4 <1>a<2>b\n4 <3>c', ['<1>a', '<2>b', '<3>c']],
  ['half a counted message', '4 <1>a9 <2>b', ['<1>a', '<2>b~']],
  ['a line that begins with a figure', '12 monkeys\n', ['12 monkeys']],
  ['a line that begins with a date', '2026-01-01 x\n', ['2026-01-01 x']],
  ['a figure alone', '17', ['17']],
  ['no priority', 'hello\n', ['hello']],
  ['a count that is too small', '3 <1>a4 <2>b', ['<1>'], false],
  ['a count with something else behind', '4 <1>a4 x', ['<1>a'], false],
  ['a count that begins with zero', '4 <1>a04 <2>b', ['<1>a'], false],
  ['a count without end', '4 <1>a99999999999 x', ['<1>a'], false],
  ['a count without end at first', '99999999999 x\n', ['99999999999 x']],
  ['a count larger than the limit', `500 <1>${'x'.repeat(497)}4 <1>a`, [`<1>${'x'.repeat(97)}~`, '<1>a']],
  ['a line longer than the limit', `<1>${'x'.repeat(500)}\n<1>a\n`, [`<1>${'x'.repeat(97)}~`, '<1>a']],
  ['a line as long as the limit', `<1>${'x'.repeat(97)}\n`, [`<1>${'x'.repeat(97)}`]],
  ['nothing', '', []],
]
for (const [name, text, frames, understood = true] of CASES) {
  test(`${name}, in pieces of every size`, () => {
    for (const size of [1, 2, 3, 5, 7, 64, 1e9]) {
      assert.deepEqual(split(text, { size }), { frames, understood }, `pieces of ${size}`)
    }
  })
}

test('what a broken connection leaves is marked as cut', () => {
  assert.deepEqual(split('<1>a', { clean: false }).frames, ['<1>a~'])
  assert.deepEqual(split('<1>a\n', { clean: false }).frames, ['<1>a'])
})

test('a line that never ends is held up to the limit, and not at all behind it', () => {
  let given = 0
  const frames = new Frames(1000, () => given++)
  const { arrayBuffers: before } = process.memoryUsage()
  for (let i = 0; i < 200_000; i++) frames.push(Buffer.from('x'))
  for (let i = 0; i < 1000; i++) frames.push(Buffer.alloc(65_536, 'y'))
  assert.equal(given, 0)
  frames.push(Buffer.from('\n'))
  assert.equal(given, 1)
  assert.ok(process.memoryUsage().arrayBuffers - before < 100e6)
})

test('whatever comes in whatever pieces, the messages are the same and none is over the limit', () => {
  const random = seeded(6587)
  const below = (limit: number) => Math.floor(random() * limit)
  const pieces = ['<13>a', '5 <1>ab', '\n', ' ', '9', '0', '\0', 'x'.repeat(60), '70 ', '1', '<', '12345678 ']
  for (let round = 0; round < 2000; round++) {
    const text = Array.from({ length: below(15) }, () => pieces[below(pieces.length)]).join('')
    const whole = split(text)
    assert.ok(whole.frames.every((frame) => frame.length <= 101))
    assert.deepEqual(split(text, { size: 1 + below(9) }), whole, JSON.stringify(text))
  }
})
