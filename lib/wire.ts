import { isSourceName, MAX_SOURCE_BYTES } from './event.js'

/**
 * Wire protocol v1 (PROTOCOL.md): a message is two frames, the topic (the event type) and a body of BSON
 * documents end to end, one header and then `count` events. The header's keys have a fixed order, so its
 * numbers are read at fixed offsets without a BSON parser.
 */

export const PROTOCOL_VERSION = 1

/** A message as it was received: the header read, the events untouched in `body` from `offset` on. */
export interface Message {
  type: string
  source: string
  /** Start of the source's incarnation, microseconds since 1970. */
  epoch: number
  /** Number of the first event here; of a heartbeat, the next number that will be sent. */
  seq: number
  /** How many events follow; 0 is a heartbeat. */
  count: number
  body: Buffer
  /** Where the events begin in `body`. */
  offset: number
  /** How deep an event may be; a deeper one cannot be decoded. Default: as the protocol has it. */
  maxDepth?: number
}

export interface Header {
  source: string
  epoch: number
  seq: number
  count: number
  /** Heartbeats only: 1, 2, 3 ... within the stream, so that a copy that took another way is told from the next one. */
  beat: number
  /** Length of the header document. */
  length: number
}

/** Why a message is not what the protocol says. */
export type Malformation =
  | 'frames' // not exactly two frames
  | 'topic' // the topic is no event type
  | 'header' // the body does not begin with a header of this protocol
  | 'version' // a header of another version
  | 'events' // the events are not `count` documents that fill the body exactly
  | 'overlap' // numbers that were partly received before, in another grouping

const element = (kind: number, name: string) => Buffer.from([kind, ...Buffer.from(name), 0])
const INT32 = 0x10
const INT64 = 0x12
const TEXT = 0x02

const V = element(INT32, 'v')
const EPOCH = element(INT64, 'epoch')
const SEQ = element(INT64, 'seq')
const N = element(INT32, 'n')
const SOURCE = element(TEXT, 'source')
const BEAT = element(INT64, 'beat')

// Offsets of the keys; each value follows its key.
const V_AT = 4
const EPOCH_AT = V_AT + V.length + 4
const SEQ_AT = EPOCH_AT + EPOCH.length + 8
const N_AT = SEQ_AT + SEQ.length + 8
const SOURCE_AT = N_AT + N.length + 4
const TEXT_AT = SOURCE_AT + SOURCE.length + 4

/** Length of a header without a beat, for a source name of so many bytes of UTF-8. */
export const headerLength = (sourceBytes: number) => TEXT_AT + sourceBytes + 2

// The two halves of an int64, as Number arithmetic: the values stay below 2^53 and BigInt costs an allocation.
const HIGH = 2 ** 32

function writeInt64(target: Buffer, value: number, at: number): number {
  target.writeUInt32LE(value % HIGH, at)
  return target.writeUInt32LE(Math.floor(value / HIGH), at + 4)
}

/** The int64 at `at`, or -1 when it is negative or above 2^53. */
function readInt64(source: Buffer, at: number): number {
  const high = readInt32(source, at + 4)
  return high >= 0 && high < 2 ** 21 ? high * HIGH + (readInt32(source, at) >>> 0) : -1
}

/** Writes a header at the start of `target`, which has room for `headerLength` bytes. */
export function writeHeader(target: Buffer, source: Buffer, epoch: number, seq: number, count: number): void {
  let at = target.writeInt32LE(headerLength(source.length), 0)
  at += V.copy(target, at)
  at = target.writeInt32LE(PROTOCOL_VERSION, at)
  at += EPOCH.copy(target, at)
  at = writeInt64(target, epoch, at)
  at += SEQ.copy(target, at)
  at = writeInt64(target, seq, at)
  at += N.copy(target, at)
  at = target.writeInt32LE(count, at)
  at += SOURCE.copy(target, at)
  at = target.writeInt32LE(source.length + 1, at)
  at += source.copy(target, at)
  target[at] = 0
  target[at + 1] = 0
}

/** The whole body of a heartbeat. */
export function heartbeatBody(source: Buffer, epoch: number, next: number, beat: number): Buffer {
  const plain = headerLength(source.length)
  const body = Buffer.allocUnsafe(plain + BEAT.length + 8)
  writeHeader(body, source, epoch, next, 0)
  body.writeInt32LE(body.length, 0)
  const at = plain - 1 + BEAT.copy(body, plain - 1)
  body[writeInt64(body, beat, at)] = 0
  return body
}

// Byte by byte, as V8 looks methods of Buffer up at each call, and this is done for every message and event.
/** The int32 at `at`, which with its four bytes lies inside. */
function readInt32(body: Buffer, at: number): number {
  return body[at]! | (body[at + 1]! << 8) | (body[at + 2]! << 16) | (body[at + 3]! << 24)
}

/** Whether these few bytes stand there. At this length a loop beats the call of compare(), which V8 looks up at each call. */
function stands(bytes: Buffer, source: Buffer, at: number): boolean {
  for (let i = 0; i < bytes.length; i++) if (source[at + i] !== bytes[i]) return false
  return true
}

/**
 * Reads the header of a body, and nothing behind it. Unknown keys after `source` are passed over, so that
 * later versions may add some.
 */
export function readHeader(body: Buffer): Header | Malformation {
  if (body.length < TEXT_AT + 2) return 'header'
  const length = readInt32(body, 0)
  if (length < TEXT_AT + 2 || length > body.length || body[length - 1] !== 0) return 'header'
  if (!stands(V, body, V_AT)) return 'header'
  if (readInt32(body, V_AT + V.length) !== PROTOCOL_VERSION) return 'version'
  if (!stands(EPOCH, body, EPOCH_AT) || !stands(SEQ, body, SEQ_AT)) return 'header'
  if (!stands(N, body, N_AT) || !stands(SOURCE, body, SOURCE_AT)) return 'header'
  const epoch = readInt64(body, EPOCH_AT + EPOCH.length)
  const seq = readInt64(body, SEQ_AT + SEQ.length)
  const count = readInt32(body, N_AT + N.length)
  const sourceBytes = readInt32(body, SOURCE_AT + SOURCE.length) - 1
  if (epoch < 0 || seq < 0 || count < 0 || !Number.isSafeInteger(seq + count)) return 'header'
  if (sourceBytes < 1 || sourceBytes > MAX_SOURCE_BYTES) return 'header'
  const end = TEXT_AT + sourceBytes
  if (end + 2 > length || body[end] !== 0) return 'header'
  const source = body.toString('utf8', TEXT_AT, end)
  if (!isSourceName(source)) return 'header'
  let beat = 0
  if (count === 0 && end + 1 + BEAT.length + 8 < length && stands(BEAT, body, end + 1)) {
    beat = Math.max(0, readInt64(body, end + 1 + BEAT.length))
  }
  return { source, epoch, seq, count, beat, length }
}

const CACHE_LINE = 64
/** Smaller bodies are walked as fast as they are touched. */
const WORTH_TOUCHING = 1024
/** Takes what was read, or V8 would leave the reading out. */
const touched = new Int32Array(1)

/**
 * Reads a byte of each cache line. libzmq's thread wrote the body on another core, and the walk from length to length waits
 * for one line after the other to come from there; reads that do not depend on each other come many at a time. This took
 * a sixth off a receiver's CPU.
 */
function touch(body: Buffer): void {
  let sum = 0
  for (let at = 0; at < body.length; at += CACHE_LINE) sum = (sum + body[at]!) | 0
  touched[0] = sum
}

/** Whether exactly `count` BSON documents fill `body` from `offset` to its end, going by their lengths alone. */
export function eventsFill(body: Buffer, offset: number, count: number): boolean {
  if (count > 1 && body.length >= WORTH_TOUCHING) touch(body)
  let at = offset
  for (let i = 0; i < count; i++) {
    if (at + 5 > body.length) return false
    const length = readInt32(body, at)
    if (length < 5 || at + length > body.length || body[at + length - 1] !== 0) return false
    at += length
  }
  return at === body.length
}

/** The events from the `from`th up to but without the `to`th of a message whose events fill it. */
export function sliceMessage(message: Message, from: number, to: number): Message {
  let offset = message.offset
  for (let i = 0; i < from; i++) offset += readInt32(message.body, offset)
  let end = offset
  for (let i = from; i < to; i++) end += readInt32(message.body, end)
  return {
    ...message,
    seq: message.seq + from,
    count: to - from,
    body: message.body.subarray(0, end),
    offset,
  }
}
