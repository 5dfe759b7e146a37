/**
 * Writes plain documents as BSON, byte for byte as the `bson` package would, several times faster. The events of
 * a stream mostly have one shape (the same keys in the same order), so for each shape a function is generated
 * in which the keys are constants. Anything unusual (BSON's own types, class instances, functions, keys that are
 * not plain ASCII ...) is refused with UNUSUAL, and the caller lets `bson` do it.
 *
 * BSON's layout: bsonspec.org, version 1.1.
 */

import { Generated } from './generated.js'
import { mayKeep } from './kept-texts.js'

/** The target has too little room; what was written so far is to be ignored. */
export const NO_ROOM = -1
/** The value is none that this writer knows. */
export const UNUSUAL = -2

/** A place where documents of few shapes occur: the data of a type, or one member of it. */
export class WriteSite {
  shapes: CompiledShape[] = []
  /** The shape that fitted last, which the next document mostly has too. */
  last = 0
  readonly texts = new TextMemory()
}

type Write = (
  target: Buffer,
  at: number,
  limit: number,
  value: Record<string, unknown>,
  depth: number,
) => number

interface CompiledShape {
  keys: string[]
  write: Write
}

/** Optional members make shapes: four of them, sixteen. */
const MAX_SHAPES_PER_SITE = 16
const MAX_KEYS = 100
const MAX_DEPTH = 50
const generated = new Generated<(h: typeof helpers) => Write>()

// Keys the `bson` package or JavaScript itself treats in some special way are left to `bson`.
const PLAIN_KEY = /^[\x21-\x7e](?:[\x20-\x7e]{0,63})$/
const SPECIAL_KEYS = new Set(['toBSON', '_bsontype', '__proto__', '$ref', '$id', '$db', '$code', '$scope'])

export const isPlainKey = (key: string) => PLAIN_KEY.test(key) && !SPECIAL_KEYS.has(key)

const DOUBLE = 1
const TEXT = 2
export const DOCUMENT = 3
const ARRAY = 4
const BOOLEAN = 8
const DATE = 9
const NULL = 10
const INT32 = 16

// Below this length a loop over the characters beats the call into C++ (measured: 24 to 28).
const SHORT_TEXT = 28

const HIGH = 2 ** 32

// Several bytes in one store. A view of the buffer that is being filled, which stays the same for many events.
let view: DataView = new DataView(new ArrayBuffer(0))
let viewed: Buffer | undefined

export function viewOf(target: Buffer): DataView {
  if (target !== viewed) {
    viewed = target
    view = new DataView(target.buffer, target.byteOffset, target.length)
  }
  return view
}

// Found once: in Buffer's prototype V8 looks methods up at each call.
const { utf8Write } = Buffer.prototype as Buffer & { utf8Write(text: string, at: number): number }

const SLOTS = 8
/** Shorter ones are written as fast as they are looked up. */
const SHORTEST_KEPT = 8
const LONGEST_KEPT = 256
/** Of a place that has kept nothing yet. */
const NONE: string[] = []

/**
 * The texts written last at one place, with the bytes they made. Hosts, agents, paths come again and again, and to copy
 * bytes is cheaper than to make them. Where texts hardly ever repeat, it turns itself off.
 */
class TextMemory {
  #texts = NONE
  #bytes: DataView[] = []
  /** Bytes of each, rounded up to eight: to ask a view costs more than to ask a list. */
  #sizes: number[] = []
  #credit = 512

  /** Writes what the text is as a value. */
  write(target: Buffer, at: number, limit: number, text: string): number {
    const { length } = text
    if (this.#credit <= 0 || length < SHORTEST_KEPT || length > LONGEST_KEPT) {
      return writeText(target, at, limit, text)
    }
    const slot = (length + text.charCodeAt(length >> 1)) & (SLOTS - 1)
    if (this.#texts[slot] === text) {
      const bytes = this.#bytes[slot]!
      const size = this.#sizes[slot]!
      if (at + size <= limit) {
        if (this.#credit < 4096) this.#credit++
        viewOf(target)
        // UTF-8 between a length and a NUL is never the bits of a NaN, which might not be stored as they are.
        for (let i = 0; i < size; i += 8) view.setFloat64(at + i, bytes.getFloat64(i))
        return at + 4 + bytes.getInt32(0, true)
      }
    }
    this.#credit -= 2
    const end = writeText(target, at, limit, text)
    if (end > 0) this.#keep(slot, text, target, at, end)
    return end
  }

  #keep(slot: number, text: string, target: Buffer, at: number, end: number): void {
    if (this.#texts === NONE) {
      if (!mayKeep(this, SLOTS)) {
        this.#credit = 0
        return
      }
      this.#texts = new Array(SLOTS).fill('')
    }
    const bytes = Buffer.alloc(Math.ceil((end - at) / 8) * 8)
    target.copy(bytes, 0, at, end)
    this.#texts[slot] = text
    this.#bytes[slot] = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
    this.#sizes[slot] = bytes.length
  }
}

function writeText(target: Buffer, at: number, limit: number, text: string): number {
  const { length } = text
  // Asked for each time: a getter in the data may have written another event, elsewhere, since the last text.
  viewOf(target)
  // A character takes three bytes at most; it is only worth counting them where that may be too many.
  if (at + 5 + length * 3 > limit && at + 5 + Buffer.byteLength(text) > limit) return NO_ROOM
  const start = at + 4
  const end =
    length < SHORT_TEXT && writeAscii(text, start)
      ? start + length
      : start + utf8Write.call(target, text, start)
  target[end] = 0
  view.setInt32(at, end - start + 1, true)
  return end + 1
}

/** Writes a text of ASCII characters, four in a store. False when it has others; then it is not all written. */
function writeAscii(text: string, start: number): boolean {
  const { length } = text
  const whole = length & ~3
  let i = 0
  for (; i < whole; i += 4) {
    const a = text.charCodeAt(i)
    const b = text.charCodeAt(i + 1)
    const c = text.charCodeAt(i + 2)
    const d = text.charCodeAt(i + 3)
    if ((a | b | c | d) >= 0x80) return false
    view.setInt32(start + i, a | (b << 8) | (c << 16) | (d << 24), true)
  }
  for (; i < length; i++) {
    const code = text.charCodeAt(i)
    if (code >= 0x80) return false
    view.setUint8(start + i, code)
  }
  return true
}

/** Whether a number is stored as int32: -0 is not, as an int32 has no sign of zero. */
const isInt32 = (value: number) => value === (value | 0) && (value !== 0 || 1 / value > 0)

/**
 * Writes any value whose type byte goes to `typeAt` and whose content goes to `at`.
 * @returns where it ends, NO_ROOM or UNUSUAL
 */
export function writeValue(
  target: Buffer,
  typeAt: number,
  at: number,
  limit: number,
  value: unknown,
  site: WriteSite,
  depth: number,
): number {
  if (at + 16 > limit) return NO_ROOM
  viewOf(target)
  switch (typeof value) {
    case 'string':
      target[typeAt] = TEXT
      return site.texts.write(target, at, limit, value)
    case 'number':
      if (isInt32(value)) {
        target[typeAt] = INT32
        view.setInt32(at, value, true)
        return at + 4
      }
      target[typeAt] = DOUBLE
      view.setFloat64(at, value, true)
      return at + 8
    case 'boolean':
      target[typeAt] = BOOLEAN
      target[at] = value ? 1 : 0
      return at + 1
    case 'object':
      break
    default:
      return UNUSUAL
  }
  if (value === null) {
    target[typeAt] = NULL
    return at
  }
  if (depth > MAX_DEPTH) return UNUSUAL
  const prototype = Object.getPrototypeOf(value)
  if (prototype === Object.prototype || prototype === null) {
    target[typeAt] = DOCUMENT
    return writeDocument(target, at, limit, value as Record<string, unknown>, site, depth)
  }
  if (prototype === Array.prototype) {
    target[typeAt] = ARRAY
    return writeArray(target, at, limit, value as unknown[], site, depth)
  }
  if (prototype === Date.prototype) {
    target[typeAt] = DATE
    return writeDate(at, (value as Date).getTime())
  }
  return UNUSUAL
}

export function writeDate(at: number, ms: number): number {
  if (Number.isNaN(ms)) return UNUSUAL
  const high = Math.floor(ms / HIGH)
  view.setUint32(at, ms - high * HIGH, true)
  view.setInt32(at + 4, high, true)
  return at + 8
}

function writeArray(
  target: Buffer,
  start: number,
  limit: number,
  values: unknown[],
  site: WriteSite,
  depth: number,
): number {
  // A list with members of its own beside the elements, or with holes, is left to `bson`.
  const { length } = values
  if (Object.keys(values).length !== length) return UNUSUAL
  let at = start + 4
  for (let i = 0; i < length; i++) {
    const key = String(i)
    if (at + key.length + 18 > limit) return NO_ROOM
    const typeAt = at++
    for (let j = 0; j < key.length; j++) target[at++] = key.charCodeAt(j)
    target[at++] = 0
    at = writeValue(target, typeAt, at, limit, values[i], site, depth + 1)
    if (at < 0) return at
  }
  if (at + 1 > limit) return NO_ROOM
  target[at++] = 0
  viewOf(target).setInt32(start, at - start, true)
  return at
}

function writeDocument(
  target: Buffer,
  at: number,
  limit: number,
  value: Record<string, unknown>,
  site: WriteSite,
  depth: number,
): number {
  const keys = Object.keys(value)
  const { shapes, last } = site
  for (let i = 0; i < shapes.length; i++) {
    const index = last + i < shapes.length ? last + i : last + i - shapes.length
    const shape = shapes[index]!
    if (!sameKeys(shape.keys, keys)) continue
    site.last = index
    return shape.write(target, at, limit, value, depth)
  }
  if (site.shapes.length >= MAX_SHAPES_PER_SITE) return UNUSUAL
  const write = compile(keys)
  if (write === undefined) return UNUSUAL
  site.shapes.push({ keys, write })
  return write(target, at, limit, value, depth)
}

function sameKeys(a: string[], b: string[]): boolean {
  const { length } = a
  if (b.length !== length) return false
  for (let i = 0; i < length; i++) if (a[i] !== b[i]) return false
  return true
}

const helpers = { NO_ROOM, WriteSite, isInt32, writeValue, viewOf }

/** Statements that store constant ASCII bytes at `at + offset`, as many at once as there are. */
function storeConstant(bytes: Buffer, offset: number): string {
  const stores: string[] = []
  for (let i = 0; i < bytes.length; ) {
    const left = bytes.length - i
    const place = `at + ${offset + i}`
    // Eight ASCII bytes are never the bits of a NaN, which might not be stored as they are.
    if (left >= 8) {
      stores.push(`view.setFloat64(${place}, ${bytes.readDoubleLE(i)}, true)`)
      i += 8
    } else if (left >= 4) {
      stores.push(`view.setInt32(${place}, ${bytes.readInt32LE(i)}, true)`)
      i += 4
    } else if (left >= 2) {
      stores.push(`view.setInt16(${place}, ${bytes.readInt16LE(i)}, true)`)
      i += 2
    } else {
      stores.push(`view.setUint8(${place}, ${bytes[i]})`)
      i += 1
    }
  }
  return stores.join('; ')
}

/** The function for one shape; undefined when it is not plain, or no code may be generated here. */
function compile(keys: string[]): Write | undefined {
  if (keys.length > MAX_KEYS || !keys.every(isPlainKey)) return undefined
  return generated.get(JSON.stringify(keys), ['h'], () => writingOf(keys))?.(helpers)
}

function writingOf(keys: string[]): string {
  // The most that everything but texts and nested values can take: type, key, NUL, eight bytes.
  const fixed = keys.reduce((sum, key) => sum + key.length + 10, 5)
  const fields = keys.map((key, i) => {
    const bytes = Buffer.from(`${key}\0`)
    return `
    typeAt = at
    ${storeConstant(bytes, 1)}
    at += ${bytes.length + 1}
    v = value[${JSON.stringify(key)}]
    if (typeof v === 'string') {
      target[typeAt] = ${TEXT}
      at = site${i}.texts.write(target, at, room, v)
      if (at < 0) return at
    } else if (typeof v === 'number') {
      if (h.isInt32(v)) { target[typeAt] = ${INT32}; view.setInt32(at, v, true); at += 4 }
      else { target[typeAt] = ${DOUBLE}; view.setFloat64(at, v, true); at += 8 }
    } else if (v === true || v === false) {
      target[typeAt] = ${BOOLEAN}
      target[at++] = v ? 1 : 0
    } else if (v === undefined) {
      at = typeAt
    } else {
      at = h.writeValue(target, typeAt, at, room, v, site${i}, depth + 1)
      if (at < 0) return at
    }`
  })
  return `
  ${keys.map((_, i) => `const site${i} = new h.WriteSite()`).join('\n  ')}
  return (target, start, limit, value, depth) => {
    // Texts and nested values leave room for all that is of fixed size.
    const room = limit - ${fixed}
    if (start > room) return h.NO_ROOM
    const view = h.viewOf(target)
    let at = start + 4, typeAt = 0, v
    ${fields.join('')}
    target[at++] = 0
    view.setInt32(start, at - start, true)
    return at
  }`
}
