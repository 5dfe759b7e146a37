/*
 * How an event lies in its message, as nearly all do: a document of the members `time` and `data`, in this order, and of
 * no others. All places are counted from its beginning, where its length is.
 */

/** Type byte and key of the time. */
export const TIME = Buffer.from('\x09time\0', 'latin1')
/** Where the milliseconds begin. */
export const TIME_AT = 4 + TIME.length
/** Where the type byte of the data is. */
export const DATA_AT = TIME_AT + 8
/** The key of the data. */
export const DATA_KEY = Buffer.from('data\0', 'latin1')
/** Where the data begins. */
export const VALUE_AT = DATA_AT + 1 + DATA_KEY.length
