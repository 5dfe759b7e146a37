import { BSON, EJSON } from 'bson'
import { EventstormError, reason, show } from './errors.js'
import type { Data, StormEvent } from './event.js'
import type { Message } from './wire.js'

/** Names that an extension attribute may not take: they are the envelope's own (CloudEvents 1.0 and ours). */
const TAKEN = new Set(['time', 'data', 'type', 'source', 'id', 'epoch', 'seq', 'specversion'])
const EXTENSION_NAME = /^[a-z0-9]{1,20}$/

/** Largest document that BSON's specification and every MongoDB server accept. */
export const MAX_BSON_BYTES = 16 * 1024 * 1024

function checkExtensions(extensions: Record<string, Data>): void {
  for (const name of Object.keys(extensions)) {
    if (EXTENSION_NAME.test(name) && !TAKEN.has(name)) continue
    throw new EventstormError(
      'EXTENSION_INVALID',
      `expected an extension attribute of 1 to 20 lower-case letters and digits that is none of ${[...TAKEN].join(', ')}, got ${show(name)}`,
    )
  }
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
  let bytes: Uint8Array
  try {
    bytes = BSON.serialize({ time, data: data === undefined ? null : data, ...extensions })
  } catch (error) {
    throw new EventstormError(
      'DATA_INVALID',
      `the data of a ${show(type)} event cannot be written as BSON: ${reason(error)}`,
      error,
    )
  }
  if (bytes.length > maxBytes) {
    throw new EventstormError(
      'EVENT_TOO_LARGE',
      `expected a ${show(type)} event of at most ${maxBytes} bytes of BSON, got ${bytes.length} or more; send less, or raise maxEventBytes on the source`,
    )
  }
  return bytes
}

/** The events of a message, without those that are no valid events; never throws. */
export function decodeEvents(message: Message): StormEvent[] {
  const { type, source, epoch, body, count } = message
  const events: StormEvent[] = []
  let at = message.offset
  for (let i = 0; i < count; i++) {
    const length = body.readInt32LE(at)
    const event = decodeEvent(body.subarray(at, at + length), type, source, epoch, message.seq + i)
    if (event) events.push(event)
    at += length
  }
  return events
}

function decodeEvent(
  bytes: Buffer,
  type: string,
  source: string,
  epoch: number,
  seq: number,
): StormEvent | undefined {
  try {
    // Documents nested so deeply that the recursive reader runs out of stack end up in the catch as well.
    const { time, data, ...extensions } = BSON.deserialize(bytes)
    if (!(time instanceof Date) || data === undefined) return undefined
    const event: StormEvent = { type, source, epoch, seq, time, data }
    for (const _ in extensions) {
      event.extensions = extensions
      break
    }
    return event
  } catch {
    return undefined
  }
}

/**
 * An event as one line of JSON. BSON's own types are written as relaxed Extended JSON (MongoDB Extended JSON
 * v2), plain values as plain JSON; `time` is an ISO 8601 text.
 */
export function eventToJson(event: StormEvent): string {
  const { type, source, time, seq, data, extensions } = event
  return EJSON.stringify(
    { type, source, time: time.toISOString(), seq, data, ...extensions },
    { relaxed: true },
  )
}

/** Reads data as a user types it: JSON or Extended JSON. @throws DATA_INVALID */
export function dataFromJson(text: string): Data {
  try {
    return EJSON.parse(text, { relaxed: true })
  } catch (error) {
    throw new EventstormError(
      'DATA_INVALID',
      `expected the data to be JSON, got ${show(text)}: ${reason(error)}`,
      error,
    )
  }
}
