import { BSON, EJSON, type Long } from 'bson'
import { EventstormError, reason, show } from '../errors.js'
import type { Data, NewEvent, StormEvent } from '../event.js'
import type { Message } from '../wire.js'
import { readEvent } from './event-reader.js'
import { type DataWriter, writeEvent, writeEventOf } from './event-writer.js'
import { READ_DEPTH, ReadSite, UNREAD } from './shape-reader.js'
import { NO_ROOM, UNUSUAL, WriteSite } from './shape-writer.js'

export { type DataWriter, NO_ROOM, UNUSUAL, WriteSite, writeEvent, writeEventOf }

/** Names that an extension attribute may not take: they are the envelope's own (CloudEvents 1.0 and ours). */
const TAKEN = new Set(['time', 'data', 'type', 'source', 'id', 'epoch', 'seq', 'specversion'])
const EXTENSION_NAME = /^[a-z0-9]{1,20}$/

/** Largest document that BSON's specification and every MongoDB server accept. */
export const MAX_BSON_BYTES = 16 * 1024 * 1024

const isExtensionName = (name: string) => EXTENSION_NAME.test(name) && !TAKEN.has(name)

function checkExtensions(extensions: Record<string, Data>): void {
  for (const name of Object.keys(extensions)) {
    if (isExtensionName(name)) continue
    throw new EventstormError(
      'EXTENSION_INVALID',
      `expected an extension attribute of 1 to 20 lower-case letters and digits that is none of ${[...TAKEN].join(', ')}, got ${show(name)}`,
    )
  }
}

/** How deep documents and lists may lie in each other, the event's own document included: MongoDB's limit. */
export const MAX_DEPTH = 100

const INT64_END = 2n ** 63n

/**
 * What is wrong with a value that `bson` has no objection to. It reads and writes any depth, but what takes an event
 * from us seldom does (JSON.stringify gives up at a few thousand levels). It writes an invalid Date as 1970 and a
 * bigint beyond int64 without its upper bits. And it reads members by which it then takes a plain document for one of
 * its own types, and can write it no more.
 */
function fault(value: unknown, levels: number): string | undefined {
  if (typeof value === 'bigint') {
    return value < INT64_END && value >= -INT64_END ? undefined : `${value} does not fit an int64`
  }
  if (value === null || typeof value !== 'object') return undefined
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? 'a Date in it is invalid' : undefined
  if (Object.hasOwn(value, '_bsontype')) return 'a member of it is called _bsontype'
  if (isLeaf(value)) return undefined
  if (levels === 0) return `it is nested more than ${MAX_DEPTH} levels deep`
  const { toBSON } = value as { toBSON?: unknown }
  if (toBSON !== undefined && typeof toBSON !== 'function') return 'a member of it is called toBSON'
  const document = typeof toBSON === 'function' ? toBSON.call(value) : value
  const members = document instanceof Map ? Object.fromEntries(document) : document
  for (const key in members) {
    const found = fault(members[key], levels - 1)
    if (found) return found
  }
  return undefined
}

/** Bytes, and BSON's own types but for the two that have a document inside. */
function isLeaf(value: object): boolean {
  if (ArrayBuffer.isView(value)) return true
  const kind = (value as { _bsontype?: unknown })._bsontype
  return kind !== undefined && kind !== 'Code' && kind !== 'DBRef'
}

/**
 * One event as a BSON document: `{ time, data, ...extensions }`. As in JSON.stringify, members that are
 * functions, symbols or undefined are left out.
 *
 * @throws DATA_INVALID, TIME_INVALID, EXTENSION_INVALID, EVENT_TOO_LARGE
 */
export function encodeEvent(
  type: string,
  time: Date,
  data: Data,
  extensions: Record<string, Data> | undefined,
  maxBytes: number,
): Uint8Array {
  if (!(time instanceof Date) || Number.isNaN(time.getTime())) {
    throw new EventstormError(
      'TIME_INVALID',
      `expected the time of a ${show(type)} event to be a valid Date, got ${show(time)}`,
    )
  }
  if (typeof data === 'function' || typeof data === 'symbol') {
    throw new EventstormError(
      'DATA_INVALID',
      `expected the data of a ${show(type)} event to be something BSON can hold, got a ${typeof data}`,
    )
  }
  if (extensions !== undefined) checkExtensions(extensions)
  const document = { time, data: data === undefined ? null : data, ...extensions }
  const refuse = (why: string, cause?: unknown) =>
    new EventstormError(
      'DATA_INVALID',
      `the data of a ${show(type)} event cannot be written as BSON: ${why}`,
      cause,
    )
  let bytes: Uint8Array
  try {
    bytes = BSON.serialize(document)
  } catch (error) {
    throw refuse(reason(error), error)
  }
  checkSize(type, bytes.length, maxBytes)
  const found = fault(document, MAX_DEPTH)
  if (found) throw refuse(found)
  return bytes
}

/** Where the time of an event of ours stands: behind the document's length, the kind of the element and its name. */
const TIME_AT = 10

/** An event that `encodeEvent` has made, as one of another time; milliseconds since 1970. */
export function atTime(event: Uint8Array, time: number): Uint8Array {
  const copy = Uint8Array.from(event)
  new DataView(copy.buffer).setBigInt64(TIME_AT, BigInt(time), true)
  return copy
}

/** @throws EVENT_TOO_LARGE */
export function checkSize(type: string, bytes: number, maxBytes: number): void {
  if (bytes <= maxBytes) return
  // `bson` cuts documents above its own buffer without a word, so the size it tells may be too small.
  throw new EventstormError(
    'EVENT_TOO_LARGE',
    `expected a ${show(type)} event of at most ${maxBytes} bytes of BSON, got ${bytes} or more; send less, or raise maxEventBytes on the source`,
  )
}

// What was learned of the shapes of each type's data. Emptied when it grows too large: then it is learned again.
const MAX_TYPES_LEARNED = 20_000
const sites = new Map<string, ReadSite>()

function siteOf(type: string): ReadSite {
  let site = sites.get(type)
  if (site === undefined) {
    if (sites.size >= MAX_TYPES_LEARNED) sites.clear()
    site = new ReadSite()
    sites.set(type, site)
  }
  return site
}

/**
 * The events of a message, without those that are no valid events; never throws.
 * @param events where they are added
 */
export function decodeEvents(message: Message, events: StormEvent[] = []): StormEvent[] {
  const { type, seq, body, count } = message
  const site = siteOf(type)
  let at = message.offset
  for (let i = 0; i < count; i++) {
    const end = at + body.readInt32LE(at)
    const event = decode(message, seq + i, at, end, site)
    if (event) events.push(event)
    at = end
  }
  return events
}

/** The event from `start` up to but without `end` in the body of a message; undefined when it is no valid one. */
export function decodeEvent(
  message: Message,
  seq: number,
  start: number,
  end: number,
): StormEvent | undefined {
  return decode(message, seq, start, end, siteOf(message.type))
}

function decode(
  message: Message,
  seq: number,
  start: number,
  end: number,
  site: ReadSite,
): StormEvent | undefined {
  const { type, source, epoch, body, maxDepth = MAX_DEPTH } = message
  // The event itself and its data are two levels before anything lies in the data.
  const read = readEvent(body, start, end, site, Math.max(0, READ_DEPTH + 2 - maxDepth))
  if (read === UNREAD) return decodeUnusual(body.subarray(start, end), message, seq)
  return { type, source, epoch, seq, time: read.time, data: read.data }
}

function decodeUnusual(
  bytes: Buffer,
  { type, source, epoch, maxDepth = MAX_DEPTH }: Message,
  seq: number,
): StormEvent | undefined {
  try {
    const document = BSON.deserialize(bytes)
    const { time, data, ...extensions } = document
    if (!(time instanceof Date) || data === undefined || fault(document, maxDepth)) return undefined
    const event: StormEvent = { type, source, epoch, seq, time, data }
    for (const name in extensions) {
      // An attribute called `source` would pass itself off as the event's own wherever both are written side by side.
      if (!isExtensionName(name)) return undefined
      event.extensions = extensions
    }
    return event
  } catch {
    return undefined
  }
}

/**
 * Relaxed Extended JSON writes an int64 as a number even where a number cannot hold it; here those keep their digits,
 * as `{"$numberLong":"..."}`. What has none of them is returned as it is.
 */
function withExactLongs(value: unknown): unknown {
  if (typeof value === 'bigint') return exactLong(Number(value), value)
  if (value === null || typeof value !== 'object' || ArrayBuffer.isView(value)) return value
  if (Array.isArray(value)) {
    const members = value.map(withExactLongs)
    return members.some((member, i) => member !== value[i]) ? members : value
  }
  const kind = (value as { _bsontype?: unknown })._bsontype
  if (kind === 'Long') return exactLong((value as Long).toNumber(), value)
  if (kind !== undefined || value instanceof Date) return value
  let copy: Record<string, unknown> | undefined
  for (const [key, member] of Object.entries(value)) {
    const exact = withExactLongs(member)
    if (exact === member) continue
    copy ??= { ...value }
    copy[key] = exact
  }
  return copy ?? value
}

const exactLong = (number: number, value: object | bigint) =>
  Number.isSafeInteger(number) ? value : { $numberLong: String(value) }

/** Whether JSON.stringify writes it as Extended JSON would: most data is of that kind, and that is twice as fast. */
function isPlain(value: unknown): boolean {
  if (typeof value === 'number') return Number.isFinite(value)
  if (typeof value === 'string' || typeof value === 'boolean' || value === null) return true
  if (typeof value !== 'object') return false
  if (Array.isArray(value)) return value.every(isPlain)
  if (Object.getPrototypeOf(value) !== Object.prototype) return false
  for (const key in value) if (!isPlain((value as Record<string, unknown>)[key])) return false
  return true
}

/**
 * Data as one line of JSON, to be kept and read with `dataFromJson`: Extended JSON, relaxed where that loses nothing. A
 * whole number of 64 bits comes back as a plain one where that holds it, and else as a bigint.
 *
 * @throws DATA_INVALID when it cannot be written
 */
export function dataToJson(data: Data): string {
  try {
    return isPlain(data) ? JSON.stringify(data) : EJSON.stringify(withExactLongs(data), { relaxed: true })
  } catch (error) {
    throw new EventstormError(
      'DATA_INVALID',
      `expected data that BSON can hold, got ${show(data)}: ${reason(error)}`,
      error,
    )
  }
}

/**
 * An event as one line of JSON. BSON's own types are written as relaxed Extended JSON (MongoDB Extended JSON
 * v2), plain values as plain JSON; `time` is an ISO 8601 text. An event that was not sent has no `source` and
 * `seq`.
 */
export function eventToJson(event: StormEvent | (NewEvent & { time: Date })): string {
  const { type, data, extensions } = event
  const time = event.time.toISOString()
  const document =
    'seq' in event
      ? { type, source: event.source, time, seq: event.seq, data: withExactLongs(data), ...extensions }
      : { type, time, data: withExactLongs(data), ...extensions }
  return EJSON.stringify(document, { relaxed: true })
}

/** Reads data as a user types it: JSON or Extended JSON; its `$numberLong` is a bigint. @throws DATA_INVALID */
export function dataFromJson(text: string): Data {
  try {
    return EJSON.parse(text, { relaxed: true, useBigInt64: true })
  } catch (error) {
    throw new EventstormError(
      'DATA_INVALID',
      `expected the data to be JSON, got ${show(text)}: ${reason(error)}`,
      error,
    )
  }
}
