/*
 * How an event lies in its message, as nearly all do: a document of the members `time` and `data`, in this order, and of
 * no others. All places are counted from its beginning, where its length is.
 */

/** Type byte and key of the time. */
const TIME = Buffer.from('\x09time\0', 'latin1')
/** Where the milliseconds begin. */
export const TIME_AT = 4 + TIME.length
/** Where the type byte of the data is. */
export const DATA_AT = TIME_AT + 8
/** The key of the data. */
const DATA_KEY = Buffer.from('data\0', 'latin1')
/** Where the data begins. */
export const VALUE_AT = DATA_AT + 1 + DATA_KEY.length

// A word at a time: this is done for every event that is written or read.
const TIME_BEGIN = TIME.readInt32LE(0)
const TIME_END = TIME.readInt16LE(4)
const DATA_BEGIN = DATA_KEY.readInt32LE(0)
const DATA_END = DATA_KEY.readInt8(4)

/** Whether both keys stand there, in VALUE_AT bytes that lie inside. */
export function hasKeys(view: DataView, start: number): boolean {
  return (
    view.getInt32(start + 4, true) === TIME_BEGIN &&
    view.getInt16(start + 8, true) === TIME_END &&
    view.getInt32(start + DATA_AT + 1, true) === DATA_BEGIN &&
    view.getInt8(start + DATA_AT + 5) === DATA_END
  )
}

/** Writes both keys, in VALUE_AT bytes that lie inside. */
export function writeKeys(view: DataView, start: number): void {
  view.setInt32(start + 4, TIME_BEGIN, true)
  view.setInt16(start + 8, TIME_END, true)
  view.setInt32(start + DATA_AT + 1, DATA_BEGIN, true)
  view.setInt8(start + DATA_AT + 5, DATA_END)
}
