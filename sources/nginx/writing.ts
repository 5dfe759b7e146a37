/** What the steps of one line share. */
export class Writing {
  /** Whole lines, each with its line feed. */
  block: Buffer = Buffer.alloc(0)
  source: DataView = new DataView(new ArrayBuffer(0))
  /** Where reading stands. */
  at = 0
  target: Buffer = Buffer.alloc(0)
  view: DataView = new DataView(new ArrayBuffer(0))
  /** Where writing stands. */
  to = 0
  limit = 0
  full = false
  time: number | undefined

  /** For a step that finds no room for what it has to write. */
  noRoom(): false {
    this.full = true
    return false
  }
}

// BSON's parts beside the bytes of a text: its length in front, NUL behind.
export const LENGTH = 4
/** NULs that may end a text and the list around it. */
export const ENDS = 2
/** What a number takes at most. */
export const NUMBER = 8

/** Type byte and key of a member, written in words of eight bytes. */
export class Key {
  readonly length: number
  /** How much room it needs, with the part of its last word that is written over afterwards. */
  readonly room: number
  #words: number[]

  constructor(type: number, name: string) {
    const bytes = Buffer.alloc(Math.ceil((name.length + 2) / 8) * 8)
    bytes[0] = type
    bytes.write(name, 1)
    this.length = name.length + 2
    this.room = bytes.length
    // ASCII and small numbers are never the bits of a NaN, which might not be stored as they are.
    this.#words = Array.from({ length: bytes.length / 8 }, (_, i) => bytes.readDoubleLE(i * 8))
  }

  /** @returns where the value begins */
  write(view: DataView, at: number): number {
    const words = this.#words
    for (let i = 0; i < words.length; i++) view.setFloat64(at + 8 * i, words[i]!, true)
    return at + this.length
  }
}

/** Copies ASCII, eight bytes at a time: they are never the bits of a NaN, which might not be copied as they are. */
function copy(source: DataView, from: number, view: DataView, to: number, length: number): void {
  let i = 0
  for (; i + 8 <= length; i += 8) view.setFloat64(to + i, source.getFloat64(from + i, true), true)
  if (i + 4 <= length) {
    view.setInt32(to + i, source.getInt32(from + i, true), true)
    i += 4
  }
  for (; i < length; i++) view.setUint8(to + i, source.getUint8(from + i))
}

/** Writes a member that is the text from `from` to `to` in `source`. */
export function putText(w: Writing, key: Key, source: DataView, from: number, to: number): boolean {
  const length = to - from
  if (w.to + key.room + LENGTH + length + ENDS > w.limit) return w.noRoom()
  const { view } = w
  const at = key.write(view, w.to)
  view.setInt32(at, length + 1, true)
  copy(source, from, view, at + LENGTH, length)
  const end = at + LENGTH + length
  view.setUint8(end, 0)
  w.to = end + 1
  return true
}
