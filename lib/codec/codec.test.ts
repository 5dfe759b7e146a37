import assert from 'node:assert/strict'
import { test } from 'node:test'
import { BSON, type Document } from 'bson'
import type { Data, StormEvent } from '../event.js'
import {
  dataFromJson,
  dataToJson,
  decodeEvents,
  encodeEvent,
  eventToJson,
  MAX_BSON_BYTES,
  MAX_DEPTH,
} from './codec.js'

const TIME = new Date('2026-01-02T03:04:05.678Z')
const encode = (data: Data, extensions?: Record<string, Data>) =>
  encodeEvent('a.b', TIME, data, extensions, MAX_BSON_BYTES)

/** Reads events as they stand behind a header. */
function decode(...documents: Uint8Array[]): StormEvent[] {
  const body = Buffer.concat(documents)
  return decodeEvents({
    type: 'a.b',
    source: 's',
    epoch: 1,
    seq: 10,
    count: documents.length,
    body,
    offset: 0,
  })
}
const roundTrip = (data: Data) => decode(encode(data))[0]!.data
/** An int64 called data as a date. */
function retyped(document: Buffer): Buffer {
  document[document.indexOf('data') - 1] = 9
  return document
}
const spelled = (from: string, to: string) =>
  Buffer.from(
    foreign({ time: TIME, data: { a: { [from]: 'x' } } })
      .toString('latin1')
      .replace(from, to),
    'latin1',
  )
const foreign = (document: Document) => Buffer.from(BSON.serialize(document))

/** A list in a list in a list: so many levels. */
function nested(levels: number): Data {
  let value: Data = 'core'
  for (let i = 0; i < levels; i++) value = [value]
  return value
}

test('an event is a document of time, data and extension attributes, in this order', () => {
  const bytes = encode({ a: 1 }, { traceparent: '00-1', n1: 2 })
  assert.deepEqual(Buffer.from(bytes), foreign({ time: TIME, data: { a: 1 }, traceparent: '00-1', n1: 2 }))
  assert.deepEqual(decode(bytes), [
    {
      type: 'a.b',
      source: 's',
      epoch: 1,
      seq: 10,
      time: TIME,
      data: { a: 1 },
      extensions: { traceparent: '00-1', n1: 2 },
    },
  ])
  assert.ok(!('extensions' in decode(encode(1))[0]!), 'no extensions, no key')
})

const KEPT: [name: string, value: Data][] = [
  ['null', null],
  ['true', true],
  ['an int32', 2 ** 31 - 1],
  ['a negative int32', -(2 ** 31)],
  ['an integer beyond int32', 2 ** 31],
  ['the largest safe integer', Number.MAX_SAFE_INTEGER],
  ['a double', 0.1],
  ['minus zero', -0],
  ['infinity', Number.NEGATIVE_INFINITY],
  ['NaN', Number.NaN],
  ['a text', 'Grüße 🙂 \0 end'],
  ['a date', new Date('1969-07-20T20:17:40.123Z')],
  ['a list', [1, 'two', [3, null]]],
  ['a document', { a: { 'b.c': 1, $d: 2, '': 3 } }],
  ['a regular expression', /a+b/i],
  ['bytes', new BSON.Binary(Buffer.from([0, 1, 255]))],
  ['a UUID', new BSON.UUID('00112233-4455-4677-8899-aabbccddeeff')],
  ['an ObjectId', new BSON.ObjectId('00112233445566778899aabb')],
  ['a Decimal128', BSON.Decimal128.fromString('1.50')],
  ['a timestamp', new BSON.Timestamp({ t: 1, i: 2 })],
  ['the smallest key', new BSON.MinKey()],
  ['the largest key', new BSON.MaxKey()],
  ['code', new BSON.Code('f()')],
  ['code with a scope', new BSON.Code('f()', { a: 1 })],
  ['a reference', new BSON.DBRef('things', new BSON.ObjectId('00112233445566778899aabb'))],
  ['an int64 beyond 2^53', BSON.Long.fromString('9223372036854775807')],
]
for (const [name, value] of KEPT) {
  test(`${name} comes back as it went`, () => assert.deepEqual(roundTrip(value), value))
}

const CHANGED: [name: string, value: Data, back: Data][] = [
  ['undefined becomes null', undefined, null],
  ['a buffer becomes a Binary', Buffer.from('ab'), new BSON.Binary(Buffer.from('ab'))],
  ['a small bigint becomes a number', 5n, 5],
  ['a large bigint becomes a Long', 2n ** 63n - 1n, BSON.Long.fromString('9223372036854775807')],
  ['a Map becomes a document', new Map([['a', 1]]), { a: 1 }],
  ['an Int32 becomes a number', new BSON.Int32(7), 7],
  ['a Double becomes a number', new BSON.Double(7), 7],
  ['a small Long becomes a number', BSON.Long.fromNumber(7), 7],
  ['a symbol of BSON becomes a text', new BSON.BSONSymbol('s'), 's'],
  ['what toBSON says is sent', { toBSON: () => ({ a: 1 }) }, { a: 1 }],
  [
    'members that are functions, symbols or undefined are left out',
    { a: 1, f() {}, s: Symbol('s'), u: undefined },
    { a: 1 },
  ],
  ['half a surrogate pair becomes U+FFFD', 'a\ud800', 'a\ufffd'],
  ['undefined in a list becomes null', [1, undefined, 2], [1, null, 2]],
]
for (const [name, value, back] of CHANGED) {
  test(name, () => assert.deepEqual(roundTrip(value), back))
}

test('what bson would change in silence is refused', () => {
  const refused: [Data, RegExp][] = [
    [{ at: [new Date(Number.NaN)] }, /a Date in it is invalid/],
    [{ n: 2n ** 63n }, /9223372036854775808 does not fit an int64/],
    [-(2n ** 63n) - 1n, /does not fit an int64/],
  ]
  for (const [data, message] of refused) assert.throws(() => encode(data), { code: 'DATA_INVALID', message })
  assert.throws(() => encode(1, { a: 2n ** 64n }), { code: 'DATA_INVALID' })
})

test('what BSON cannot hold is refused with a code', () => {
  const circular: Record<string, unknown> = {}
  circular.self = circular
  const refused: [Data, RegExp][] = [
    [() => 1, /data of a "a.b" event .*got a function/],
    [Symbol('s'), /got a symbol/],
    [circular, /circular/],
    [{ 'a\0b': 1 }, /null bytes/],
    [{ _bsontype: 'ObjectId' }, /bson types must be from bson/],
    [
      {
        toBSON: () => {
          throw new Error('not me')
        },
      },
      /not me/,
    ],
  ]
  for (const [data, message] of refused) assert.throws(() => encode(data), { code: 'DATA_INVALID', message })
})

test('the time must be a valid Date', () => {
  for (const time of [new Date(Number.NaN), 0, '2026-01-01', null]) {
    assert.throws(() => encodeEvent('a', time as Date, 1, undefined, 1000), { code: 'TIME_INVALID' })
  }
})

test('extension attributes have names of 1 to 20 lower-case letters and digits that are not taken', () => {
  for (const name of ['a', '1', 'traceparent', 'abcdefghij0123456789']) encode(1, { [name]: 1 })
  for (const name of [
    '',
    'A',
    'a_b',
    'a-b',
    'é',
    'a'.repeat(21),
    '__proto__',
    'time',
    'data',
    'type',
    'source',
    'id',
    'epoch',
    'seq',
    'specversion',
  ]) {
    const extensions = JSON.parse(`{${JSON.stringify(name)}: 1}`)
    assert.throws(() => encode(1, extensions), { code: 'EXTENSION_INVALID' }, name)
  }
})

test('an event above the limit is refused, and one at the limit is not', () => {
  const size = encode('x'.repeat(100)).length
  encodeEvent('a.b', TIME, 'x'.repeat(100), undefined, size)
  assert.throws(() => encodeEvent('a.b', TIME, 'x'.repeat(101), undefined, size), {
    code: 'EVENT_TOO_LARGE',
    message: new RegExp(`at most ${size} bytes of BSON, got ${size + 1} or more`),
  })
})

test('what bson truncates at its internal buffer of 17 MiB is refused, not sent in part', () => {
  for (const mebibytes of [16, 17, 18, 40]) {
    assert.throws(
      () => encode('x'.repeat(mebibytes * 2 ** 20)),
      { code: 'EVENT_TOO_LARGE' },
      `${mebibytes} MiB of text`,
    )
  }
  assert.throws(() => encode(Buffer.alloc(18 * 2 ** 20)), { code: /EVENT_TOO_LARGE|DATA_INVALID/ })
  assert.equal((roundTrip({ small: 'still fine' }) as { small: string }).small, 'still fine')
})

test('an event may be nested 100 levels deep, on both sides', () => {
  const wide = 'x'.repeat(1000)
  const kinds: [string, (levels: number) => Data][] = [
    ['lists', (levels) => nested(levels)],
    ['wide lists', (levels) => [wide, nested(levels - 1)]],
    ['maps', (levels) => new Map([['a', nested(levels - 1)]])],
    ['what toBSON says', (levels) => ({ toBSON: () => nested(levels) })],
    ['the scope of code', (levels) => new BSON.Code('f()', { wide, a: nested(levels - 2) })],
  ]
  // The event itself is the first level.
  const most = MAX_DEPTH - 1
  for (const [name, make] of kinds) {
    assert.equal(decode(encode(make(most))).length, 1, name)
    assert.throws(
      () => encode(make(most + 1)),
      { code: 'DATA_INVALID', message: /more than 100 levels/ },
      name,
    )
    assert.equal(decode(foreign({ time: TIME, data: make(most) })).length, 1, name)
    assert.equal(decode(foreign({ time: TIME, data: make(most + 1) })).length, 0, name)
  }
  assert.throws(() => encode(1, { wide, deep: nested(100) }), { code: 'DATA_INVALID' })
  // Not levels: bytes, dates and BSON's own types.
  for (const leaf of [Buffer.alloc(1000), TIME, new BSON.ObjectId(), BSON.Long.fromNumber(1)]) {
    const data = { wide, at: [leaf] }
    assert.deepEqual(decode(encode({ wide, at: replaceCore(nested(most - 2), leaf) })).length, 1)
    assert.equal(decode(encode(data)).length, 1)
  }
})

function replaceCore(value: Data, leaf: Data): Data {
  return Array.isArray(value) ? value.map((each) => replaceCore(each, leaf)) : leaf
}

test('a nesting that would break a stack is an undecodable event, and its neighbours are not harmed', () => {
  const levels = 200_000
  const nest = Buffer.alloc(5 + 7 * levels)
  for (let level = 0; level <= levels; level++) {
    nest.writeInt32LE(5 + 7 * (levels - level), 6 * level)
    if (level < levels) nest.write('\x03\0', 6 * level + 4, 'latin1')
  }
  const time = foreign({ time: TIME }).subarray(4, -1)
  const deep = Buffer.concat([Buffer.alloc(4), time, Buffer.from('\x03data\0'), nest, Buffer.from([0])])
  deep.writeInt32LE(deep.length)
  const good = Buffer.from(encode('good'))
  assert.deepEqual(
    decode(good, deep, good).map((event) => event.seq),
    [10, 12],
  )
})

test('documents that are no events are left out', () => {
  const good = Buffer.from(encode('good'))
  const bad: [string, Buffer][] = [
    ['an empty document', foreign({})],
    ['no data', foreign({ time: TIME })],
    ['no time', foreign({ data: 1 })],
    ['a time of another kind', foreign({ time: 1, data: 1 })],
    ['a time that no Date can hold', Buffer.from(foreign({ time: TIME, data: 1 })).fill(0x7f, 10, 18)],
    [
      'data with a time that no Date can hold',
      retyped(foreign({ time: TIME, data: BSON.Long.fromNumber(9e15) })),
    ],
    ['a member that bson would stumble over', spelled('_xsontype', '_bsontype')],
    ['another one', spelled('toXSON', 'toBSON')],
    ['an attribute in the place of an envelope field', foreign({ time: TIME, data: 1, source: 'another' })],
    ['an attribute with a bad name', foreign({ time: TIME, data: 1, 'Trace-Parent': 1 })],
    ['rubbish between the length and the end', Buffer.from('0c000000ffffffffffffff00', 'hex')],
    [
      'text that is no UTF-8',
      Buffer.from(foreign({ time: TIME, data: 'xyz' }).toString('latin1').replace('xyz', 'x\xffz'), 'latin1'),
    ],
  ]
  for (const [name, document] of bad) {
    assert.deepEqual(
      decode(good, document, good).map((event) => event.seq),
      [10, 12],
      name,
    )
  }
})

test('a key called __proto__ is data like any other', () => {
  const data = JSON.parse('{"__proto__":{"admin":true}}')
  const back = roundTrip(data) as object
  assert.deepEqual(Object.keys(back), ['__proto__'])
  assert.equal((back as { admin?: boolean }).admin, undefined)
})

test('an event as JSON is plain for plain values and Extended JSON for the others', () => {
  const event = { type: 'a', source: 's', epoch: 5, seq: 3, time: TIME }
  assert.equal(
    eventToJson({
      ...event,
      data: { n: 1, d: 0.5, s: 'x', at: new Date(0), long: BSON.Long.fromString('9223372036854775807') },
    }),
    '{"type":"a","source":"s","time":"2026-01-02T03:04:05.678Z","seq":3,"data":{"n":1,"d":0.5,"s":"x","at":{"$date":"1970-01-01T00:00:00Z"},"long":{"$numberLong":"9223372036854775807"}}}',
  )
  assert.match(
    eventToJson({ ...event, data: 1, extensions: { traceparent: '00' } }),
    /"data":1,"traceparent":"00"}$/,
  )
  assert.equal(eventToJson({ ...event, data: 'line\nend' }).includes('\n'), false)
})

test('data as typed is JSON or Extended JSON', () => {
  assert.deepEqual(dataFromJson('{"a":[1,null]}'), { a: [1, null] })
  assert.deepEqual(dataFromJson('{"$date":"1970-01-01T00:00:00Z"}'), new Date(0))
  for (const text of ['', '{', 'hello', '{"$date":']) {
    assert.throws(() => dataFromJson(text), {
      code: 'DATA_INVALID',
      message: /expected the data to be JSON, got/,
    })
  }
})

test('data goes to JSON and back without loss, whatever BSON holds', () => {
  const big = {
    n: 2n ** 63n - 1n,
    list: [{ n: -(2n ** 63n) }],
    small: 5,
    text: 'x',
    at: new Date(-5),
    half: 0.5,
  }
  assert.deepEqual(dataFromJson(dataToJson(big)), big)
  assert.equal(
    dataToJson({ n: BSON.Long.fromString('9223372036854775807') }),
    '{"n":{"$numberLong":"9223372036854775807"}}',
  )
  assert.equal(dataToJson({ n: BSON.Long.fromNumber(7), m: 7n }), '{"n":7,"m":7}')
  assert.equal(dataToJson({ a: [1, 'x', null, { b: true }] }), '{"a":[1,"x",null,{"b":true}]}')
  const types = {
    id: new BSON.ObjectId('0123456789abcdef01234567'),
    exact: BSON.Decimal128.fromString('0.10'),
    bytes: new BSON.Binary(Buffer.from([1, 2, 3])),
    never: Number.POSITIVE_INFINITY,
  }
  assert.deepEqual(dataFromJson(dataToJson(types)), types)
})

test('an event as JSON keeps the digits of an int64 that no number can hold', () => {
  const event = { type: 'a.b', source: 's', epoch: 1, seq: 0, time: new Date(0), data: { n: 2n ** 62n + 1n } }
  assert.equal(
    eventToJson(event),
    '{"type":"a.b","source":"s","time":"1970-01-01T00:00:00.000Z","seq":0,"data":{"n":{"$numberLong":"4611686018427387905"}}}',
  )
})
