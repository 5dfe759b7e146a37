import { DATA_AT, hasKeys, TIME_AT, VALUE_AT } from './event-layout.js'
import { endOfValue, type ReadSite, readValue, UNREAD, viewOf } from './shape-reader.js'
import type { NativeBuffer } from './text-reader.js'

/** The fields of an event document: `{ time, data }`, in this order and without extensions. */
export interface TimedData {
  time: Date
  data: unknown
}

/** Whether the event document from `start` to `stop` begins with `time` and `data`, as events do. */
export function isUsual(source: Buffer, start: number, stop: number): boolean {
  return start + VALUE_AT < stop && hasKeys(viewOf(source), start)
}

/**
 * Reads the event document from `start` to `stop`, whose length was checked; `site` is its type's.
 * @param depth where counting the levels of its data up to READ_DEPTH begins
 */
export function readEvent(
  source: Buffer,
  start: number,
  stop: number,
  site: ReadSite,
  depth = 0,
): TimedData | typeof UNREAD {
  if (!isUsual(source, start, stop)) return UNREAD
  try {
    const time = readValue(source as NativeBuffer, 9, start + TIME_AT, stop, site, 0)
    const type = source[start + DATA_AT]!
    const data = readValue(source as NativeBuffer, type, start + VALUE_AT, stop, site, depth)
    if (time === UNREAD || data === UNREAD || endOfValue !== stop - 1) return UNREAD
    return { time: time as Date, data }
  } catch {
    // A value claims to go on behind the end of the body.
    return UNREAD
  }
}

/** Where the data of such an event begins when it is a document; -1 when it is not, or the event is of another form. */
export function dataDocument(source: Buffer, start: number, stop: number): number {
  const isDocument = isUsual(source, start, stop) && source[start + DATA_AT] === 3
  return isDocument ? start + VALUE_AT : -1
}
