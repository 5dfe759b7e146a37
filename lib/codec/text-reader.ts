import { mayKeep } from './kept-texts.js'

/*
 * Texts come again and again: methods, hosts and versions in nearly every event, addresses and users in one of some thousand.
 * To find out by its bytes that a text was made before is far cheaper than to make a new string.
 */

export type NativeBuffer = Buffer & {
  utf8Slice(from: number, to: number): string
  latin1Slice(from: number, to: number): string
}

const SLOTS = 16
const LONGEST_KEPT = 256
/** Of a place that has kept nothing yet. */
const NONE = new Uint16Array(SLOTS)

/** The texts seen last at one place. Where they hardly ever repeat it turns itself off, and asks what all places share. */
export class TextMemory {
  #lengths = NONE
  #bytes: DataView[] = []
  #texts: string[] = []
  #credit = 512
  #shareCredit = SHARED

  /**
   * @param view of `source`
   * @returns undefined when the bytes are no text, or `bson` has to tell
   */
  read(view: DataView, source: NativeBuffer, start: number, end: number): string | undefined {
    const length = end - start
    if (this.#credit <= 0 || length > LONGEST_KEPT || length === 0)
      return this.#shareCredit > 0 && length <= LONGEST_SHARED
        ? this.#readShared(view, source, start, end)
        : makeText(view, source, start, end)
    const slot = (length * 7 + source[end - 1]! * 3 + source[start + (length >> 1)]!) & (SLOTS - 1)
    if (this.#lengths[slot] === length && same(this.#bytes[slot]!, 0, view, start, length)) {
      if (this.#credit < 4096) this.#credit++
      return this.#texts[slot]!
    }
    this.#credit -= 2
    const text = makeText(view, source, start, end)
    if (text !== undefined) this.#keep(slot, text, source, start, end)
    return text
  }

  #keep(slot: number, text: string, source: NativeBuffer, start: number, end: number): void {
    if (this.#lengths === NONE) {
      if (!mayKeep(this, SLOTS)) {
        this.#credit = 0
        return
      }
      this.#lengths = new Uint16Array(SLOTS)
    }
    this.#lengths[slot] = end - start
    this.#bytes[slot] = new DataView(source.buffer.slice(source.byteOffset + start, source.byteOffset + end))
    this.#texts[slot] = text
  }

  #readShared(view: DataView, source: NativeBuffer, start: number, end: number): string | undefined {
    const length = end - start
    const slot = slotOf(view, start, end)
    if (sharedLengths[slot] === length && same(sharedBytes, slot * LONGEST_SHARED, view, start, length)) {
      if (this.#shareCredit < 2 * SHARED) this.#shareCredit++
      return sharedTexts[slot]!
    }
    this.#shareCredit--
    const text = makeText(view, source, start, end)
    if (text === undefined) return undefined
    sharedLengths[slot] = length
    for (let i = 0; i < length; i++) sharedBytes.setUint8(slot * LONGEST_SHARED + i, view.getUint8(start + i))
    sharedTexts[slot] = text
    return text
  }
}

/** Short texts of all places together, each in the slot that its bytes say. */
const SHARED = 4096
const LONGEST_SHARED = 32
const sharedLengths = new Uint8Array(SHARED)
const sharedBytes = new DataView(new ArrayBuffer(SHARED * LONGEST_SHARED))
const sharedTexts: string[] = new Array(SHARED).fill('')

/** The upper bits of a product know of all bits of what was multiplied (Knuth, The Art of Computer Programming 3, 6.4). */
function slotOf(view: DataView, start: number, end: number): number {
  let hash = end - start
  let at = start
  for (; at + 4 <= end; at += 4) hash = Math.imul(hash ^ view.getInt32(at), 0x9e3779b1)
  for (; at < end; at++) hash = Math.imul(hash ^ view.getUint8(at), 0x9e3779b1)
  return (hash >>> 20) & (SHARED - 1)
}

/** Whether the same `length` bytes stand at both places. */
function same(known: DataView, from: number, view: DataView, start: number, length: number): boolean {
  const whole = length & ~3
  let i = 0
  for (; i < whole; i += 4) if (known.getInt32(from + i) !== view.getInt32(start + i)) return false
  for (; i < length; i++) if (known.getUint8(from + i) !== view.getUint8(start + i)) return false
  return true
}

// Found once: in Buffer's prototype V8 looks methods up at each call.
const { latin1Slice, utf8Slice } = Buffer.prototype as NativeBuffer

function makeText(view: DataView, source: NativeBuffer, start: number, end: number): string | undefined {
  if (isAscii(view, start, end)) return latin1Slice.call(source, start, end)
  const text = utf8Slice.call(source, start, end)
  // Either there was such a character or the bytes were no UTF-8: `bson` tells which.
  return text.includes('\ufffd') ? undefined : text
}

function isAscii(view: DataView, start: number, end: number): boolean {
  let at = start
  for (; at + 4 <= end; at += 4) if ((view.getInt32(at) & 0x80808080) !== 0) return false
  for (; at < end; at++) if (view.getUint8(at) >= 0x80) return false
  return true
}
