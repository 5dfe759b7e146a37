import { isAscii, isUtf8 } from 'node:buffer'

const LINE_FEED = 0x0a
const CARRIAGE_RETURN = 0x0d

/** Blocks that are given as text after one of which the most lines were not taken as bytes. */
const BLOCKS_AS_TEXT = 15

/** Takes the lines, one by one. */
export interface OnLine {
  /** One line without its line ending. `cut` says that it was longer than the limit and its end is missing. */
  (line: string, cut: boolean): void
  /** Asked before, for whoever can do with the bytes. */
  bytes?: BytesTaker | undefined
}

/** Takes lines as they are, many at a time. */
export interface BytesTaker {
  /**
   * Takes lines, as many as it can, in their order.
   * @param block whole lines, each with its line feed; the first one to take begins at `from`
   * @returns how many it took
   */
  take(block: Buffer, from: number): number
  /** Where the first line begins that it did not take; that one is wanted as text after all. */
  next(): number
}

/** What is counted of lines. */
export interface LineCounters {
  lines: number
  /** Lines over the limit. */
  cut: number
  /** Lines with bytes that are no UTF-8; each such place became U+FFFD. */
  invalidUtf8: number
  /** NUL bytes skipped at the start of lines. */
  nulBytes: number
}

/** All of them 0. */
export function newLineCounters(): LineCounters {
  return { lines: 0, cut: 0, invalidUtf8: 0, nulBytes: 0 }
}

/**
 * Cuts bytes into lines, whatever blocks they come in. The byte 0x0A is looked for before anything is decoded, so
 * a block border inside a character, or bytes that are no UTF-8, harm no other line. A carriage return before the
 * line feed is taken off; NUL bytes at the start of a line are skipped, since a file that was truncated under a
 * writer has a hole there. Memory is bounded by the longest line that is let through.
 */
export class LineSplitter {
  /** Bytes since the last line feed: what came in, but was not given out as a line yet. */
  pending = 0
  readonly counters: LineCounters
  #maxLineBytes: number
  #onLine: OnLine
  #held: Buffer
  #heldLength = 0
  #overflow = false
  /** Blocks that are still given as text. */
  #rest = 0

  /**
   * @param maxLineBytes longer lines are cut there, at a character's border, and the rest of them is skipped
   * @param counters what is counted into, when several splitters count together
   */
  constructor(maxLineBytes: number, onLine: OnLine, counters = newLineCounters()) {
    this.counters = counters
    this.#maxLineBytes = maxLineBytes
    this.#onLine = onLine
    this.#held = Buffer.alloc(0)
  }

  /** Takes the next bytes, which may be overwritten afterwards, and gives the lines that they complete. */
  push(chunk: Buffer): void {
    const last = chunk.lastIndexOf(LINE_FEED)
    if (last < 0) {
      this.#hold(chunk)
      return
    }
    let start = 0
    if (this.pending > 0) {
      const end = chunk.indexOf(LINE_FEED)
      this.#hold(chunk.subarray(0, end))
      this.#giveHeld()
      start = end + 1
    }
    this.#giveLines(chunk, start, last + 1)
    if (last + 1 < chunk.length) this.#hold(chunk.subarray(last + 1))
  }

  /** The bytes have ended: gives what is left as a last line, even though no line feed ended it. */
  end(): void {
    if (this.#heldLength > 0) this.#giveHeld()
    this.pending = 0
  }

  #hold(part: Buffer): void {
    this.pending += part.length
    let from = 0
    if (this.#heldLength === 0) {
      while (from < part.length && part[from] === 0) from++
      this.counters.nulBytes += from
    }
    // One byte more than the limit, which may turn out to be the carriage return.
    const room = this.#maxLineBytes + 1 - this.#heldLength
    const length = Math.min(part.length - from, room)
    if (part.length - from > room) this.#overflow = true
    if (length <= 0) return
    if (this.#heldLength + length > this.#held.length) {
      const larger = Buffer.allocUnsafeSlow(
        Math.min(this.#maxLineBytes + 1, Math.max(1024, 2 * (this.#heldLength + length))),
      )
      this.#held.copy(larger, 0, 0, this.#heldLength)
      this.#held = larger
    }
    part.copy(this.#held, this.#heldLength, from, from + length)
    this.#heldLength += length
  }

  #giveHeld(): void {
    const bytes = this.#held.subarray(0, this.#heldLength)
    const overflow = this.#overflow
    this.#heldLength = 0
    this.#overflow = false
    this.pending = 0
    this.#giveBytes(bytes, overflow)
  }

  /** Whole lines, in blocks of which none can hold a line that is too long. */
  #giveLines(chunk: Buffer, from: number, end: number): void {
    for (let start = from; start < end; ) {
      const most = start + this.#maxLineBytes
      const next = most >= end ? end : chunk.lastIndexOf(LINE_FEED, most - 1) + 1
      if (next > start) this.#giveBlock(chunk.subarray(start, next))
      start = next > start ? next : this.#giveOne(chunk, start)
    }
  }

  /** Whole lines, each with its line feed. Decoding them all at once costs a fraction of one at a time. */
  #giveBlock(block: Buffer): void {
    if (this.#giveAsBytes(block)) return
    const ascii = isAscii(block)
    if (!(ascii || isUtf8(block))) {
      this.#giveOneByOne(block)
      return
    }
    const text = ascii ? block.toString('latin1') : block.toString()
    for (let start = 0; start < text.length; ) {
      const feed = text.indexOf('\n', start)
      const next = feed + 1
      const end = text.charCodeAt(feed - 1) === CARRIAGE_RETURN && feed > start ? feed - 1 : feed
      while (start < end && text.charCodeAt(start) === 0) {
        start++
        this.counters.nulBytes++
      }
      this.counters.lines++
      this.#onLine(text.slice(start, end), false)
      start = next
    }
  }

  /** The same for a listener that takes bytes. Returns whether there is one, and it is worth asking. */
  #giveAsBytes(block: Buffer): boolean {
    const { bytes } = this.#onLine
    if (bytes === undefined || this.#rest-- > 0) return false
    let asText = 0
    let taken = 0
    for (let start = 0; start < block.length; ) {
      taken += bytes.take(block, start)
      start = bytes.next()
      if (start === block.length) break
      asText++
      start = this.#giveOne(block, start)
    }
    this.counters.lines += taken
    // Asking in vain costs as much as a line that is taken.
    this.#rest = asText > taken ? BLOCKS_AS_TEXT : 0
    return true
  }

  #giveOneByOne(block: Buffer): void {
    for (let start = 0; start < block.length; ) start = this.#giveOne(block, start)
  }

  /** Gives the line that begins at `start`, and returns where the next one does. */
  #giveOne(block: Buffer, start: number): number {
    const end = block.indexOf(LINE_FEED, start)
    let from = start
    while (from < end && block[from] === 0) from++
    this.counters.nulBytes += from - start
    this.#giveBytes(block.subarray(from, end), false)
    return end + 1
  }

  #giveBytes(bytes: Buffer, overflow: boolean): void {
    let length = bytes.length
    if (!overflow && bytes[length - 1] === CARRIAGE_RETURN) length--
    const cut = overflow || length > this.#maxLineBytes
    if (cut) length = characterBorder(bytes, this.#maxLineBytes)
    const line = bytes.subarray(0, length)
    this.counters.lines++
    if (cut) this.counters.cut++
    if (!isUtf8(line)) this.counters.invalidUtf8++
    this.#onLine(line.toString(), cut)
  }
}

/** The last border between two UTF-8 characters at or before `limit`; `limit` itself where the bytes are no UTF-8. */
function characterBorder(bytes: Buffer, limit: number): number {
  let at = limit
  while (at > 0 && limit - at < 4 && (bytes[at]! & 0xc0) === 0x80) at--
  return (bytes[at]! & 0xc0) === 0x80 ? limit : at
}
