import assert from 'node:assert/strict'
import { test } from 'node:test'
import { seeded } from '../../testing/index.js'
import { LineSplitter } from './index.js'
import type { OnLine } from './lines.js'

function split(chunks: (string | Buffer)[], maxLineBytes = 1000) {
  const lines: string[] = []
  const splitter = new LineSplitter(maxLineBytes, (line, cut) => lines.push(cut ? `${line}|cut` : line))
  for (const chunk of chunks) splitter.push(Buffer.from(chunk))
  return { lines, splitter }
}

test('a line is given once its line feed has come', () => {
  const { lines, splitter } = split(['one\ntw', 'o', '\n\nthree'])
  assert.deepEqual(lines, ['one', 'two', ''])
  assert.equal(splitter.pending, 5)
  splitter.end()
  splitter.end()
  assert.deepEqual(lines, ['one', 'two', '', 'three'])
  assert.equal(splitter.pending, 0)
})

test('a carriage return before the line feed belongs to the line ending', () => {
  assert.deepEqual(split(['a\r\nb\r', '\n\r\n\rc\r\r\n']).lines, ['a', 'b', '', '\rc\r'])
})

test('a block border inside a character does no harm', () => {
  const bytes = Buffer.from('café €\nnaïve\n')
  for (let at = 0; at <= bytes.length; at++) {
    assert.deepEqual(split([bytes.subarray(0, at), bytes.subarray(at)]).lines, ['café €', 'naïve'])
  }
})

test('bytes that are no UTF-8 harm their own line only', () => {
  const { lines, splitter } = split([Buffer.from('ok é\nbad \xe2\x82\nok\n', 'latin1'), Buffer.from('é\n')])
  assert.deepEqual(lines, ['ok \ufffd', 'bad \ufffd', 'ok', 'é'])
  assert.equal(splitter.counters.invalidUtf8, 2)
})

test('NUL bytes at the start of a line are skipped, however many', () => {
  const { lines, splitter } = split([Buffer.alloc(5000), Buffer.from('\0\0after\n\0x\0\n')], 100)
  assert.deepEqual(lines, ['after', 'x\0'])
  assert.equal(splitter.counters.nulBytes, 5003)
})

test('a line over the limit is cut at a character border, and the next one is whole', () => {
  const { lines, splitter } = split(['aaaaaaaéb', 'bbbbbbbbbbbbb\r\nnext\n12345678\r\n123456789\r\nab\n'], 8)
  assert.deepEqual(lines, ['aaaaaaa|cut', 'next', '12345678', '12345678|cut', 'ab'])
  assert.equal(splitter.counters.cut, 2)
})

test('memory is bounded while a line never ends', () => {
  const { lines, splitter } = split([], 4096)
  const chunk = Buffer.alloc(65536, 'x')
  const before = process.memoryUsage().arrayBuffers
  for (let i = 0; i < 2000; i++) splitter.push(chunk)
  assert.ok(process.memoryUsage().arrayBuffers - before < 4 * 65536)
  splitter.push(Buffer.from('\nnext\n'))
  assert.deepEqual(lines, [`${'x'.repeat(4096)}|cut`, 'next'])
})

test('any way of cutting the bytes into blocks gives the same lines', () => {
  const next = seeded(20260101)
  const random = (limit: number) => Math.floor(next() * limit)
  const pieces = ['\n', '\r\n', '\r', '\0', 'a', 'word', 'é', '€', '😀', '\xff', '\xe2\x82', 'x'.repeat(30)]
  for (let round = 0; round < 2000; round++) {
    const bytes = Buffer.concat(
      Array.from({ length: random(60) }, () => {
        const piece = pieces[random(pieces.length)]!
        return piece.startsWith('\xff') || piece.startsWith('\xe2')
          ? Buffer.from(piece, 'latin1')
          : Buffer.from(piece)
      }),
    )
    const maxLineBytes = 4 + random(120)
    const whole = split([bytes], maxLineBytes)
    whole.splitter.end()
    const chunks: Buffer[] = []
    for (let at = 0; at < bytes.length; ) {
      const length = 1 + random(20)
      chunks.push(bytes.subarray(at, at + length))
      at += length
    }
    const parts = split(chunks, maxLineBytes)
    parts.splitter.end()
    assert.deepEqual(parts.lines, whole.lines, `round ${round}`)
    assert.deepEqual(parts.splitter.counters, whole.splitter.counters, `round ${round}`)
  }
})

test('lines are taken as bytes, however many times the limit of one a block holds', () => {
  const lines: string[] = []
  const blocks: number[] = []
  const onLine: OnLine = (line, cut) => void lines.push(cut ? `${line}...` : line)
  onLine.bytes = {
    take(block) {
      blocks.push(block.length)
      lines.push(...block.toString('latin1').trimEnd().split('\n'))
      return block.toString('latin1').split('\n').length - 1
    },
    next: () => blocks.at(-1)!,
  }
  const splitter = new LineSplitter(100, onLine)
  const given = Array.from({ length: 50 }, (_, i) => `${i}${'x'.repeat(i)}`)
  given.splice(20, 0, 'y'.repeat(100), 'z'.repeat(101))
  splitter.push(Buffer.from(`${given.join('\n')}\n`))
  assert.deepEqual(
    lines,
    given.map((line) => (line.length > 100 ? `${line.slice(0, 100)}...` : line)),
  )
  assert.ok(blocks.length > 10 && blocks.every((length) => length <= 100))
  assert.deepEqual(splitter.counters, { lines: 52, cut: 1, invalidUtf8: 0, nulBytes: 0 })
})

test('a listener that takes some lines as bytes gets the others as text, in order', () => {
  const next = seeded(20261121)
  for (let round = 0; round < 300; round++) {
    // Rounds in which most lines are taken, and such in which most are not, so that asking pauses.
    const share = round % 2 === 0 ? 0.9 : 0.2
    const lines: string[] = []
    const onLine: OnLine = (line) => void lines.push(line)
    let at = 0
    onLine.bytes = {
      take(block, from) {
        const before = lines.length
        for (at = from; block[at] === 0x2b; at = block.indexOf(10, at) + 1) {
          lines.push(block.toString('latin1', at, block.indexOf(10, at)))
        }
        return lines.length - before
      },
      next: () => at,
    }
    const splitter = new LineSplitter(1000, onLine)
    const given = Array.from({ length: 100 }, (_, i) => `${next() < share ? '+' : 'é'}${i}`)
    const bytes = Buffer.from(given.map((line) => `${line}\n`).join(''))
    for (let at = 0; at < bytes.length; ) {
      const length = 1 + Math.floor(next() * 50)
      splitter.push(bytes.subarray(at, at + length))
      at += length
    }
    assert.deepEqual(lines, given, `round ${round}`)
    assert.equal(splitter.counters.lines, given.length)
  }
})
