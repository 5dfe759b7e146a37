import { DATA_AT, TIME_AT, VALUE_AT, writeKeys } from './event-layout.js'
import { DOCUMENT, NO_ROOM, UNUSUAL, viewOf, type WriteSite, writeDate, writeValue } from './shape-writer.js'

/** Something that writes the data of events as BSON, one after the other, without ever having had it as objects. */
export interface DataWriter {
  /**
   * Writes a document to `at`, and nothing at `limit` or behind it. May be called several times for one event.
   * @returns where it ends; NO_ROOM when there is too little room; UNUSUAL when the event has to be made otherwise
   */
  write(target: Buffer, at: number, limit: number): number
  /** When it happened, milliseconds since 1970, known once `write` has returned. Undefined: now. */
  readonly time: number | undefined
  /**
   * Called when the event that was written last is on its way.
   * @returns whether there is another one, which `write` is to write from now on
   */
  taken(): boolean
}

/**
 * Writes an event document `{ time, data }` to `start`.
 * @param time milliseconds since 1970
 * @returns where it ends, NO_ROOM or UNUSUAL
 */
export function writeEvent(
  target: Buffer,
  start: number,
  limit: number,
  time: number,
  data: unknown,
  site: WriteSite,
): number {
  const at = start + VALUE_AT
  if (at + 1 > limit) return NO_ROOM
  writeKeys(viewOf(target), start)
  let end: number
  try {
    if (writeDate(start + TIME_AT, time) < 0) return UNUSUAL
    end = writeValue(target, start + DATA_AT, at, limit - 1, data === undefined ? null : data, site, 0)
  } catch {
    // A getter that throws: the other way finds the words for it.
    return UNUSUAL
  }
  return end < 0 ? end : endEvent(viewOf(target), start, end)
}

/**
 * The same with data that somebody else writes. One who throws instead has not written it.
 * @param clock asked when the writer does not know the time
 */
export function writeEventOf(
  target: Buffer,
  start: number,
  limit: number,
  writer: DataWriter,
  clock: { now(): number },
): number {
  const at = start + VALUE_AT
  if (at + 1 > limit) return NO_ROOM
  let end: number
  try {
    end = writer.write(target, at, limit - 1)
  } catch {
    return UNUSUAL
  }
  if (end < 0) return end
  const view = viewOf(target)
  writeKeys(view, start)
  target[start + DATA_AT] = DOCUMENT
  writeDate(start + TIME_AT, writer.time ?? clock.now())
  return endEvent(view, start, end)
}

function endEvent(view: DataView, start: number, end: number): number {
  view.setInt8(end, 0)
  view.setInt32(start, end + 1 - start, true)
  return end + 1
}
