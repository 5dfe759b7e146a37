import { EventstormError, show } from '../errors.js'
import { checkSize } from './codec.js'
import { isUsual } from './event-reader.js'
import { viewOf } from './shape-reader.js'

/* Events that somebody has encoded before they came to us, end to end as they lie in a message. */

/** Looks at the bytes and copies nothing. @throws DATA_INVALID when it is none */
export function bytesOf(type: string, events: Uint8Array): Buffer {
  if (Buffer.isBuffer(events)) return events
  if (events instanceof Uint8Array) return Buffer.from(events.buffer, events.byteOffset, events.byteLength)
  throw new EventstormError(
    'DATA_INVALID',
    `expected the encoded events of type ${show(type)} to be a Uint8Array, got ${show(events)}`,
  )
}

/** Length of `{ time, data: null }`. */
const SHORTEST = 25

/**
 * How many they are. Looks at their lengths and at how each begins; what is wrong further in is found by whoever decodes it.
 *
 * @throws DATA_INVALID, EVENT_TOO_LARGE
 */
export function countEncoded(type: string, events: Buffer, maxBytes: number): number {
  const view = viewOf(events)
  let count = 0
  for (let at = 0; at < events.length; count++) {
    const length = at + SHORTEST <= events.length ? view.getInt32(at, true) : 0
    const end = at + length
    if (length < SHORTEST || end > events.length || events[end - 1] !== 0 || !isUsual(events, at, end)) {
      throw new EventstormError(
        'DATA_INVALID',
        `expected the encoded events of type ${show(type)} to be BSON documents end to end, of a date "time" and then "data" each, got something else at byte ${at} of ${events.length}, after ${count} such events`,
      )
    }
    checkSize(type, length, maxBytes)
    at = end
  }
  return count
}

/** The events from `from` on that fit into so many bytes, and no more than `most`; one at least. */
export function takeEncoded(
  events: Buffer,
  from: number,
  bytes: number,
  most: number,
): { end: number; count: number } {
  const view = viewOf(events)
  let end = from + view.getInt32(from, true)
  let count = 1
  while (count < most && end < events.length) {
    const next = end + view.getInt32(end, true)
    if (next - from > bytes) break
    end = next
    count++
  }
  return { end, count }
}
