/**
 * The shape-specialised codec against the `bson` package, on documents made by chance from a fixed seed: the
 * same bytes, the same values, the same refusals, for good input and for damaged.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { inspect, isDeepStrictEqual } from 'node:util'
import {
  Binary,
  BSON,
  Decimal128,
  Double,
  Int32,
  Long,
  MaxKey,
  MinKey,
  ObjectId,
  Timestamp,
  UUID,
} from 'bson'
import { seeded } from '../../testing/random.js'
import { EventBatch } from '../batch.js'
import type { Message } from '../wire.js'
import { decodeEvents, encodeEvent, WriteSite, writeEvent } from './codec.js'
import { readEvent } from './event-reader.js'
import { ReadSite, UNREAD } from './shape-reader.js'

const SEED = 20260102
const DOCUMENTS = 100_000
const TYPES = 50

type Chance = () => number
const pick = <T>(chance: Chance, from: readonly T[]): T => from[Math.floor(chance() * from.length)]!

const KEYS = [
  'a',
  'status',
  'bodyBytesSent',
  'user agent',
  'x-y',
  'é',
  '漢',
  '0',
  '17',
  '$set',
  '$ref',
  '$id',
  'a.b',
  '',
]
const TEXTS = [
  '',
  'GET',
  'ä',
  '漢字',
  '😀'.repeat(9),
  'x'.repeat(27),
  'x'.repeat(28),
  'y'.repeat(300),
  'z'.repeat(256),
  'costs 12 € in 東京',
  'half of a pair: \ud800',
  'nul\0in',
  '\ud800',
  '\ufffd',
  'a\ufffdb',
]

const scalars: ((chance: Chance) => unknown)[] = [
  (chance) => pick(chance, TEXTS),
  (chance) => Math.floor(chance() * 2 ** 31) * (chance() < 0.5 ? -1 : 1),
  (chance) =>
    pick(chance, [0, -0, 1, -1, 2 ** 31 - 1, -(2 ** 31), 2 ** 31, 2 ** 53, -(2 ** 53), 1e300, Number.NaN]),
  (chance) => pick(chance, [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 0.1, 12.5, 5e-324]),
  (chance) => chance() < 0.5,
  () => null,
  () => undefined,
  (chance) => new Date(Math.floor((chance() - 0.5) * 1e13)),
  (chance) => pick(chance, [new Date(0), new Date(-1), new Date(8.64e15), new Date(-8.64e15)]),
]
const unusual: ((chance: Chance) => unknown)[] = [
  () => Long.fromString('9007199254740993'),
  (chance) => Long.fromNumber(Math.floor(chance() * 1e6)),
  () => 12345678901234567n,
  () => new Int32(5),
  () => new Double(5),
  () => new Decimal128('1.10'),
  () => new ObjectId('0123456789abcdef01234567'),
  () => new Binary(Buffer.from('bytes')),
  () => Buffer.from([1, 2, 3]),
  () => new Uint8Array([4, 5]),
  () => new UUID('0189a3c4-0000-7000-8000-000000000001'),
  () => /x+/gi,
  () => new Map([['k', 1]]),
  () => new MinKey(),
  () => new MaxKey(),
  () => new Timestamp({ t: 1, i: 2 }),
  () => () => 1,
  () => ({ toBSON: () => ({ replaced: true }) }),
  () => Object.assign(Object.create(null), { bare: 1 }),
  () =>
    new (class Point {
      x = 1
      y = 2
    })(),
  () => Object.assign([1, 2], { extra: 3 }),
  // biome-ignore lint/suspicious/noSparseArray: a hole is what is tested
  () => [1, , 3],
  () => JSON.parse('{"__proto__": {"polluted": true}, "b": 1}'),
]

function document(chance: Chance, depth: number): Record<string, unknown> {
  const made: Record<string, unknown> = {}
  for (let i = Math.floor(chance() * 6); i >= 0; i--) {
    const key = chance() < 0.9 ? pick(chance, KEYS.slice(0, 5)) : pick(chance, KEYS)
    made[key] = value(chance, depth)
  }
  return made
}

/** What the events of one type look like: the same keys each time, with values of their own. */
function shape(chance: Chance): (chance: Chance) => Record<string, unknown> {
  const keys = Object.keys(document(chance, 4))
  const nested = chance() < 0.3 ? Object.keys(document(chance, 4)) : undefined
  const fill = (names: string[], fresh: Chance) => {
    const made: Record<string, unknown> = {}
    for (const key of names) made[key] = pick(fresh, fresh() < 0.003 ? unusual : scalars)(fresh)
    return made
  }
  return (fresh) => (nested ? { ...fill(keys, fresh), nested: fill(nested, fresh) } : fill(keys, fresh))
}

function value(chance: Chance, depth: number): unknown {
  const roll = chance()
  if (depth < 4 && roll < 0.1) return document(chance, depth + 1)
  if (depth < 4 && roll < 0.2)
    return Array.from({ length: Math.floor(chance() * 12) }, () => value(chance, depth + 1))
  return pick(chance, roll < 0.25 ? unusual : scalars)(chance)
}

const outcome = (call: () => unknown) => {
  try {
    return { value: call() }
  } catch {
    return { refused: true }
  }
}

/** bson reads dates that no Date can hold; we do not take events with such. */
function holdsInvalidDate(value: unknown): boolean {
  if (value instanceof Date) return Number.isNaN(value.getTime())
  return value !== null && typeof value === 'object' && Object.values(value).some(holdsInvalidDate)
}

// The runner's reporter cannot print an invalid Date, so the comparison has its own words.
function same(ours: unknown, theirs: unknown, n: number, bytes: Buffer): void {
  if (isDeepStrictEqual(ours, theirs)) return
  const whole = { depth: Number.POSITIVE_INFINITY, maxArrayLength: null, maxStringLength: null }
  // To Node 20 two invalid Dates are not equal; their texts are.
  if (inspect(ours, whole) === inspect(theirs, whole)) return
  assert.fail(`document ${n}: ${inspect(ours)} is not ${inspect(theirs)}: ${bytes.toString('hex')}`)
}

/** Of documents as they are made here; those nested in documents of a shape are called `nested`. */
const FIELDS = [
  'a',
  'status',
  'bodyBytesSent',
  'é',
  '$ref',
  'nested',
  'nested.a',
  'status.a',
  'nested.x-y.a',
  'none',
]

function fieldOf(data: unknown, field: string): unknown {
  let value = data
  for (const key of field.split('.')) {
    if (value === null || typeof value !== 'object' || !Object.hasOwn(value, key)) return undefined
    value = (value as Record<string, unknown>)[key]
  }
  return value
}

const message = (type: string, body: Buffer): Message => ({
  type,
  source: 's',
  epoch: 1,
  seq: 0,
  count: 1,
  body,
  offset: 0,
})

test(`${DOCUMENTS} documents are written and read as bson does (seed ${SEED})`, (t) => {
  const chance = seeded(SEED)
  const target = Buffer.alloc(1 << 20)
  const sites = Array.from({ length: TYPES }, () => new WriteSite())
  const shapes = Array.from({ length: TYPES }, () => shape(chance))
  let fast = 0
  let fastRead = 0
  let fields = 0
  const readSites = Array.from({ length: TYPES }, () => new ReadSite())
  for (let n = 0; n < DOCUMENTS; n++) {
    const shaped = chance() < 0.8 ? shapes[n % TYPES]!(chance) : value(chance, 0)
    const time = new Date(Math.floor(chance() * 1e13))
    const reference = outcome(() => BSON.serialize({ time, data: shaped === undefined ? null : shaped }))
    const type = `type.${n % TYPES}`

    const end = writeEvent(target, 0, target.length, time.getTime(), shaped, sites[n % TYPES]!)
    if (end > 0) {
      fast++
      assert.deepEqual(target.subarray(0, end), Buffer.from(reference.value as Uint8Array), `document ${n}`)
    } else if (typeof shaped !== 'function') {
      const other = outcome(() => encodeEvent(type, time, shaped, undefined, 1 << 20))
      assert.deepEqual(other, reference, `document ${n}`)
    }
    if (reference.value === undefined) continue
    const bytes = Buffer.from(reference.value as Uint8Array)
    if (readEvent(bytes, 0, bytes.length, readSites[n % TYPES]!) !== UNREAD) fastRead++
    const back = BSON.deserialize(bytes)
    const [event] = decodeEvents(message(type, bytes))
    if (back.data === undefined) assert.equal(event, undefined)
    else same({ time: event?.time, data: event?.data }, { time: back.time, data: back.data }, n, bytes)
    const [view] = new EventBatch([message(type, bytes)]).views()
    const field = pick(chance, FIELDS)
    const found = view!.get(field)
    if (found !== undefined) fields++
    same(found, fieldOf(event?.data, field), n, bytes)
  }
  assert.ok(fields > DOCUMENTS / 10, `${fields} fields were there`)
  t.diagnostic(`${fast} of ${DOCUMENTS} were written, ${fastRead} read by generated functions`)
  assert.ok(fast > DOCUMENTS / 3, 'the generated writers were put to the test')
  assert.ok(fastRead > DOCUMENTS / 3, 'the generated readers were put to the test')
})

test(`damaged events are refused as bson refuses them (seed ${SEED})`, (t) => {
  const chance = seeded(SEED)
  let readable = 0
  const documents = Array.from({ length: 20 }, () => document(chance, 2))
  for (let n = 0; n < 60_000; n++) {
    const type = `damaged.${n % documents.length}`
    const good = outcome(() => BSON.serialize({ time: new Date(n), data: documents[n % documents.length] }))
    if (good.value === undefined) continue
    const bytes = Buffer.from(good.value as Uint8Array)
    // Every second one is whole, so that the shapes stay known while the others are damaged.
    if (n % 2 === 1) {
      for (let hits = 1 + Math.floor(chance() * 3); hits > 0; hits--) {
        bytes[4 + Math.floor(chance() * (bytes.length - 4))] = Math.floor(chance() * 256)
      }
      bytes[bytes.length - 1] = 0
    }
    const reference = outcome(() => BSON.deserialize(bytes))
    const [event] = decodeEvents(message(type, bytes))
    const back = reference.value as Record<string, unknown> | undefined
    const usable =
      back !== undefined &&
      back.time instanceof Date &&
      back.data !== undefined &&
      Object.keys(back).every((key) => /^[a-z0-9]{1,20}$/.test(key)) &&
      !holdsInvalidDate(back)
    assert.equal(event !== undefined, usable, `document ${n}: ${bytes.toString('hex')}`)
    const [view] = new EventBatch([message(type, bytes)]).views()
    const found = view!.get('status')
    if (event === undefined) continue
    same(found, fieldOf(event.data, 'status'), n, bytes)
    readable++
    same({ time: event.time, data: event.data }, { time: back!.time, data: back!.data }, n, bytes)
  }
  t.diagnostic(`${readable} of 60000 were readable`)
})
