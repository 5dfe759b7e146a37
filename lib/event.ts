import { EventstormError, show } from './errors.js'

/** Whatever BSON can hold: null, booleans, numbers, strings, dates, bytes, lists, documents, BSON's own types. */
export type Data = unknown

/**
 * One event as a sink reads it. The names are those of CloudEvents 1.0; `(source, epoch, type)` is the
 * stream it belongs to and `seq` its number there, so `type/epoch/seq` is unique within a source.
 */
export interface StormEvent<T = Data> {
  /** What happened, a dotted name: `http.hit`. */
  type: string
  /** Who says so: `web-1/nginx`. */
  source: string
  /** Start of the source's incarnation, microseconds since 1970. */
  epoch: number
  /** Number within the stream, from 0. */
  seq: number
  /** When it happened. */
  time: Date
  data: T
  /** Extension attributes in the sense of CloudEvents, such as `traceparent`. Absent when there are none. */
  extensions?: Record<string, Data>
}

/** What a source component produces; the framework adds source, epoch and number. */
export interface NewEvent {
  type: string
  data: Data
  /** Default: now. */
  time?: Date
  extensions?: Record<string, Data>
}

/** Longest type name, in bytes of UTF-8. */
export const MAX_TYPE_BYTES = 255

/** Longest source name, in bytes of UTF-8. */
export const MAX_SOURCE_BYTES = 255

// White space, control and invisible characters, and U+FFFD, which is what broken UTF-8 is read as. Written out
// rather than as Unicode properties: two ends with different tables of Unicode must agree on what a type is.
const CONTROLS = '\\0-\\x1F\\x7F-\\x9F\\uD800-\\uDFFF\\uFFFD'
const INVISIBLE =
  ' \\xA0\\xAD\\u061C\\u1680\\u180E\\u2000-\\u200F\\u2028-\\u202F\\u205F-\\u206F\\u3000\\uFEFF\\uFFF0-\\uFFFF\\u{E0000}-\\u{E0FFF}'
const SEGMENT = `[^${CONTROLS}${INVISIBLE}.*]+`
const TYPE_NAME = new RegExp(`^${SEGMENT}(?:\\.${SEGMENT})*$`, 'u')
const SOURCE_NAME = new RegExp(`^[^${CONTROLS}]+$`, 'u')

/** Whether `type` may travel: dotted segments, no white space, no control characters, no `*`, at most 255 bytes. */
export function isTypeName(type: unknown): type is string {
  return (
    typeof type === 'string' &&
    type.length <= MAX_TYPE_BYTES &&
    TYPE_NAME.test(type) &&
    Buffer.byteLength(type) <= MAX_TYPE_BYTES
  )
}

/** Whether `source` may be the name of a source: 1 to 255 bytes of UTF-8 without control characters. */
export function isSourceName(source: string): boolean {
  return (
    source.length <= MAX_SOURCE_BYTES &&
    SOURCE_NAME.test(source) &&
    Buffer.byteLength(source) <= MAX_SOURCE_BYTES
  )
}

/** Types that start with an underscore belong to the framework; wildcards do not match them. */
export function isReserved(type: string): boolean {
  return type.startsWith('_')
}

/** @throws TYPE_INVALID when an application may not emit events of that type. */
export function checkTypeName(type: unknown): asserts type is string {
  if (!isTypeName(type)) {
    throw new EventstormError(
      'TYPE_INVALID',
      `expected an event type such as "http.hit" (dotted segments without white space, control characters or "*", at most ${MAX_TYPE_BYTES} bytes), got ${show(type)}`,
    )
  }
  if (isReserved(type)) {
    throw new EventstormError(
      'TYPE_INVALID',
      `event types that start with "_" are reserved for Eventstorm itself, got ${show(type)}; choose another first segment`,
    )
  }
}

/** Whether a value looks like an event, for code that takes events from outside the framework. */
export function isStormEvent(value: unknown): value is StormEvent {
  if (value === null || typeof value !== 'object') return false
  const event = value as Record<string, unknown>
  return (
    isTypeName(event.type) &&
    typeof event.source === 'string' &&
    Number.isSafeInteger(event.epoch) &&
    Number.isSafeInteger(event.seq) &&
    event.time instanceof Date &&
    'data' in event
  )
}
