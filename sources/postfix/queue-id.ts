const SHORT = 1
const LONG = 2
const Z = 'z'.charCodeAt(0)

/** Which alphabets a character belongs to; see mail_queue.h of Postfix. */
const ALPHABETS = new Uint8Array(128)
for (const character of '0123456789ABCDEF') ALPHABETS[character.charCodeAt(0)]! |= SHORT
for (const character of '0123456789BCDFGHJKLMNPQRSTVWXYZbcdfghjklmnpqrstvwxyz') {
  ALPHABETS[character.charCodeAt(0)]! |= LONG
}

const SHORTEST_SHORT = 6
/** Six figures of seconds and four of microseconds stand before the `z`. */
const BEFORE_Z = 10
const LONGEST = 64

/**
 * Whether `text` from `from` to `end` is a queue id. Short ones are five figures of microseconds and the inode, in
 * upper-case hexadecimal; long ones (`enable_long_queue_ids`) are a time, a `z` and the inode, in figures and letters
 * without vowels, where case matters.
 */
export function isQueueId(text: string, from: number, end: number): boolean {
  const length = end - from
  if (length < SHORTEST_SHORT || length > LONGEST) return false
  let alphabets = SHORT | LONG
  let lastZ = -1
  for (let at = from; at < end; at++) {
    const code = text.charCodeAt(at)
    alphabets &= code < 128 ? ALPHABETS[code]! : 0
    if (alphabets === 0) return false
    if (code === Z) lastZ = at
  }
  return (alphabets & SHORT) !== 0 || (lastZ - from >= BEFORE_Z && lastZ < end - 1)
}
