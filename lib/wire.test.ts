import assert from 'node:assert/strict'
import { test } from 'node:test'
import { BSON, Int32, Long } from 'bson'
import { seeded } from '../testing/random.js'
import { eventsFill, type Header, headerLength, heartbeatBody, readHeader, writeHeader } from './wire.js'

const NUMBERS = [0, 1, 2 ** 31 - 1, 2 ** 31, 2 ** 32 - 1, 2 ** 32, 2 ** 32 + 1, 2 ** 53 - 2]

function header(source: string, epoch: number, seq: number, count: number): Buffer {
  const name = Buffer.from(source)
  const target = Buffer.alloc(headerLength(name.length), 0xee)
  writeHeader(target, name, epoch, seq, count)
  return target
}

test('headers and heartbeats are what bson writes, and are read back', () => {
  for (const source of ['a', 'web-1/nginx', 'Zürich', 'x'.repeat(255)]) {
    for (const epoch of NUMBERS) {
      for (const seq of NUMBERS) {
        const document = { v: new Int32(1), epoch: Long.fromNumber(epoch), seq: Long.fromNumber(seq) }
        const bytes = header(source, epoch, seq, 1)
        assert.deepEqual(bytes, Buffer.from(BSON.serialize({ ...document, n: new Int32(1), source })))
        assert.deepEqual(readHeader(bytes), { source, epoch, seq, count: 1, beat: 0, length: bytes.length })

        const beat = heartbeatBody(Buffer.from(source), epoch, seq, 7)
        const beating = { ...document, n: new Int32(0), source, beat: Long.fromNumber(7) }
        assert.deepEqual(beat, Buffer.from(BSON.serialize(beating)))
        assert.deepEqual(readHeader(beat), { source, epoch, seq, count: 0, beat: 7, length: beat.length })
      }
    }
  }
})

test('the numbers are at the offsets that PROTOCOL.md gives', () => {
  const bytes = header('web', 2 ** 40 + 1, 2 ** 41 + 2, 3)
  assert.equal(bytes.readInt32LE(7), 1)
  assert.equal(bytes.readBigInt64LE(18), 2n ** 40n + 1n)
  assert.equal(bytes.readBigInt64LE(31), 2n ** 41n + 2n)
  assert.equal(bytes.readInt32LE(42), 3)
  assert.equal(bytes.readInt32LE(54), 4)
  assert.equal(bytes.toString('latin1', 58, 61), 'web')
  assert.equal(heartbeatBody(Buffer.from('web'), 1, 2, 9).readBigInt64LE(58 + 3 + 1 + 6), 9n)
})

test('a beat is read in a heartbeat only, and is not negative', () => {
  const make = (n: number, beat: number) =>
    Buffer.from(
      BSON.serialize({
        v: new Int32(1),
        epoch: Long.fromNumber(1),
        seq: Long.fromNumber(1),
        n: new Int32(n),
        source: 's',
        beat: Long.fromNumber(beat),
      }),
    )
  assert.equal((readHeader(make(0, 5)) as Header).beat, 5)
  assert.equal((readHeader(make(1, 5)) as Header).beat, 0)
  assert.equal((readHeader(make(0, -5)) as Header).beat, 0)
})

test('a header that is cut off anywhere is refused', () => {
  const bytes = heartbeatBody(Buffer.from('web-1'), 1, 2, 3)
  for (let end = 0; end < bytes.length; end++)
    assert.equal(readHeader(bytes.subarray(0, end)), 'header', `${end}`)
})

test('events fill a body when their lengths say so, to the byte', () => {
  const event = Buffer.from(BSON.serialize({ a: 1 }))
  const three = Buffer.concat([Buffer.from('head'), event, event, event])
  assert.ok(eventsFill(three, 4, 3))
  for (const count of [0, 1, 2, 4, 2 ** 31 - 1]) assert.ok(!eventsFill(three, 4, count), `${count}`)
  for (const offset of [3, 5, three.length]) assert.ok(!eventsFill(three, offset, 3), `from ${offset}`)
  for (let end = 4; end < three.length; end++)
    assert.ok(!eventsFill(three.subarray(0, end), 4, 3), `to ${end}`)
  assert.ok(eventsFill(three, three.length, 0))
})

/** The definition: what the `bson` package reads, held against the rules of PROTOCOL.md one by one. */
function naive(body: Buffer): Omit<Header, 'beat'> | 'header' | 'version' {
  let document: Record<string, unknown>
  const length = body.length >= 4 ? body.readInt32LE(0) : -1
  try {
    if (length > body.length || length < 5) return 'header'
    document = BSON.deserialize(body.subarray(0, length), {
      promoteValues: false,
      validation: { utf8: false },
    })
  } catch {
    return 'header'
  }
  const keys = Object.keys(document).slice(0, 5)
  // biome-ignore lint/suspicious/noExplicitAny: whatever the bytes are read as
  const { v, epoch, seq, n, source } = document as Record<string, any>
  if (keys[0] !== 'v' || v?._bsontype !== 'Int32') return 'header'
  if (Number(v) !== 1) return 'version'
  if (keys.join() !== 'v,epoch,seq,n,source') return 'header'
  if (epoch?._bsontype !== 'Long' || seq?._bsontype !== 'Long' || n?._bsontype !== 'Int32') return 'header'
  const numbers = [epoch, seq, n].map((each) => Number(each.toString())) as [number, number, number]
  if (numbers.some((each) => each < 0 || each > Number.MAX_SAFE_INTEGER)) return 'header'
  if (numbers[1] + numbers[2] > Number.MAX_SAFE_INTEGER) return 'header'
  if (typeof source !== 'string' || source === '' || Buffer.byteLength(source) > 255) return 'header'
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
  if (/[\0-\x1f\x7f-\x9f\ufffd]/.test(source)) return 'header'
  return { source, epoch: numbers[0], seq: numbers[1], count: numbers[2], length }
}

test('50,000 damaged headers are read as the definition says (seed 7)', () => {
  const random = seeded(7)
  const upTo = (n: number) => Math.floor(random() * n)
  const outcomes: Record<string, number> = {}
  for (let i = 0; i < 50_000; i++) {
    const whole = header(['s', 'web-1/nginx', 'Zürich'][upTo(3)]!, 1.7e15, upTo(1000), upTo(4))
    const body = Buffer.concat([whole, Buffer.from(BSON.serialize({ time: new Date(0), data: 1 }))])
    for (let hits = upTo(3); hits > 0; hits--) {
      const at = upTo(whole.length)
      body[at] = random() < 0.5 ? upTo(256) : body[at]! ^ (1 << upTo(8))
    }
    const read = readHeader(body)
    const expected = naive(body)
    outcomes[typeof read === 'string' ? read : 'read'] =
      (outcomes[typeof read === 'string' ? read : 'read'] ?? 0) + 1
    // What lies behind `source`, and how a header of another version goes on, is none of our business.
    if (typeof read === 'object' && expected === 'header') continue
    // Of two keys `v` bson takes the last one.
    if (read === 'header' && expected === 'version' && body.readInt32LE(7) === 1) continue
    if (read === 'version') {
      assert.notEqual(body.readInt32LE(7), 1)
      continue
    }
    if (typeof read === 'string') assert.equal(read, expected, body.toString('hex'))
    else {
      const { beat: _, ...rest } = read
      assert.deepEqual(rest, expected, body.toString('hex'))
    }
  }
  assert.ok(
    outcomes.read! > 10_000 && outcomes.header! > 10_000 && outcomes.version! > 500,
    JSON.stringify(outcomes),
  )
})
