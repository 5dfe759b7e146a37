/**
 * Reads BSON documents into plain objects, with the same values as the `bson` package, several times faster.
 * For each shape (the same keys in the same order) a function is generated that expects them and makes an
 * object literal. Whatever it does not expect or know, and whatever is not as the specification says, is
 * handed back as UNREAD, and the caller lets `bson` judge.
 *
 * BSON's layout: bsonspec.org, version 1.1.
 */
import { Generated } from './generated.js'
import { isPlainKey } from './shape-writer.js'
import { type NativeBuffer, TextMemory } from './text-reader.js'

/** Not read: unknown shape, unusual type, or damaged. */
export const UNREAD = Symbol('unread')

/** A place where documents of few shapes occur: the data of a type, or one member of it. */
export class ReadSite {
  shapes: ShapeReader[] = []
  /** The shape that fitted last, which the next document mostly has too. */
  last = 0
  /** Attempts to learn a shape that are left; documents of ever new shapes are not worth it. */
  learn = 64
  texts = new TextMemory()
}

export type ShapeReader = (source: NativeBuffer, start: number, end: number, depth: number) => unknown

/** Optional members make shapes: four of them, sixteen. */
const MAX_SHAPES_PER_SITE = 16
const MAX_KEYS = 100
/** Levels of documents and lists that are read here. */
export const READ_DEPTH = 50
const generated = new Generated<(h: typeof helpers) => ShapeReader>()

const HIGH = 2 ** 32
/** The last millisecond that a Date can hold. */
const LAST_MS = 8.64e15

/** Where the value that was read last ends. A second return value, without an object per value. */
export let endOfValue = 0

// Several bytes in one load. A view of the body that is being read, which holds many events. Reading behind its end
// throws, and whoever asked takes that as UNREAD.
let view: DataView = new DataView(new ArrayBuffer(0))
let viewed: Buffer | undefined

export function viewOf(source: Buffer): DataView {
  if (source !== viewed) {
    viewed = source
    view = new DataView(source.buffer, source.byteOffset, source.length)
  }
  return view
}

/** A text value at `at`, whose content must end before `end`. */
function readText(source: NativeBuffer, at: number, end: number, texts: TextMemory): string | typeof UNREAD {
  const size = view.getInt32(at, true)
  const stop = at + 3 + size
  if (size < 1 || stop >= end || source[stop] !== 0) return UNREAD
  endOfValue = stop + 1
  return texts.read(view, source, at + 4, stop) ?? UNREAD
}

/**
 * Reads a value of the given type at `at` inside a document that ends at `end`, and leaves in `endOfValue`
 * where it ends.
 */
export function readValue(
  source: NativeBuffer,
  type: number,
  at: number,
  end: number,
  site: ReadSite,
  depth: number,
): unknown {
  switch (type) {
    case 1:
      endOfValue = at + 8
      return view.getFloat64(at, true)
    case 2:
      return readText(source, at, end, site.texts)
    case 3:
    case 4: {
      const stop = at + view.getInt32(at, true)
      if (stop < at + 5 || stop >= end || source[stop - 1] !== 0 || depth > READ_DEPTH) return UNREAD
      const value =
        type === 3
          ? readDocument(source, at, stop, site, depth + 1)
          : readArray(source, at, stop, site, depth + 1)
      endOfValue = stop
      return value
    }
    case 8:
      endOfValue = at + 1
      return source[at] === 1 ? true : source[at] === 0 ? false : UNREAD
    case 9: {
      endOfValue = at + 8
      const ms = view.getInt32(at + 4, true) * HIGH + view.getUint32(at, true)
      return Math.abs(ms) <= LAST_MS ? new Date(ms) : UNREAD
    }
    case 10:
      endOfValue = at
      return null
    case 16:
      endOfValue = at + 4
      return view.getInt32(at, true)
    case 18: {
      endOfValue = at + 8
      const value = view.getInt32(at + 4, true) * HIGH + view.getUint32(at, true)
      return Number.isSafeInteger(value) ? value : UNREAD
    }
    default:
      return UNREAD
  }
}

function readArray(
  source: NativeBuffer,
  start: number,
  stop: number,
  site: ReadSite,
  depth: number,
): unknown {
  const values: unknown[] = []
  const last = stop - 1
  let at = start + 4
  while (at < last) {
    const type = source[at++]!
    // The keys of a list are its indexes; `bson` does not look at them either.
    while (at < last && source[at] !== 0) at++
    const value = readValue(source, type, at + 1, stop, site, depth)
    if (value === UNREAD || endOfValue > last) return UNREAD
    values.push(value)
    at = endOfValue
  }
  return at === last ? values : UNREAD
}

/** Reads the document from `start` up to but without `stop`, by the shapes known at this place. */
function readDocument(
  source: NativeBuffer,
  start: number,
  stop: number,
  site: ReadSite,
  depth: number,
): unknown {
  const { shapes, last } = site
  for (let i = 0; i < shapes.length; i++) {
    const index = last + i < shapes.length ? last + i : last + i - shapes.length
    const value = shapes[index]!(source, start, stop, depth)
    if (value === UNREAD) continue
    site.last = index
    return value
  }
  if (shapes.length >= MAX_SHAPES_PER_SITE || site.learn <= 0) return UNREAD
  site.learn--
  const keys = keysOf(source, start, stop)
  const read = keys && compile(keys)
  if (read === undefined) return UNREAD
  const value = read(source, start, stop, depth)
  if (value !== UNREAD) shapes.push(read)
  return value
}

/** Sizes of values of fixed size, by type. */
const FIXED_SIZE: Record<number, number> = { 1: 8, 8: 1, 9: 8, 10: 0, 16: 4, 18: 8 }

/** The keys of a document of usual types; undefined when there is something unusual about it. */
export function keysOf(source: Buffer, start: number, stop: number): string[] | undefined {
  const keys: string[] = []
  const last = stop - 1
  let at = start + 4
  while (at < last) {
    const type = source[at]!
    const nul = source.indexOf(0, at + 1)
    if (nul === -1 || nul >= last || keys.length >= MAX_KEYS) return undefined
    keys.push(source.toString('latin1', at + 1, nul))
    at = nul + 1
    if (type === 2) at += 4 + view.getInt32(at, true)
    else if (type === 3 || type === 4) at += view.getInt32(at, true)
    else if (FIXED_SIZE[type] !== undefined) at += FIXED_SIZE[type]
    else return undefined
    if (at <= nul) return undefined
  }
  const usable = at === last && keys.every(isPlainKey) && new Set(keys).size === keys.length
  return usable ? keys : undefined
}

const helpers = { UNREAD, ReadSite, readText, readValue, view: () => view, end: () => endOfValue }

/** An expression that says whether these constant bytes do not stand at `at + offset`, comparing several at once. */
export function differs(bytes: Buffer, offset: number): string {
  const tests: string[] = []
  for (let i = 0; i < bytes.length; ) {
    const left = bytes.length - i
    const place = `at + ${offset + i}`
    if (left >= 4) {
      tests.push(`view.getInt32(${place}, true) !== ${bytes.readInt32LE(i)}`)
      i += 4
    } else if (left >= 2) {
      tests.push(`view.getInt16(${place}, true) !== ${bytes.readInt16LE(i)}`)
      i += 2
    } else {
      tests.push(`view.getUint8(${place}) !== ${bytes[i]}`)
      i += 1
    }
  }
  return tests.join(' || ')
}

/** The function for one shape; undefined when no code may be generated here. */
function compile(keys: string[]): ShapeReader | undefined {
  return generated.get(JSON.stringify(keys), ['h'], () => readingOf(keys))?.(helpers)
}

function readingOf(keys: string[]): string {
  const fields = keys.map((key, i) => {
    const bytes = Buffer.from(`${key}\0`)
    return `
    if (at + ${bytes.length + 1} > stop || ${differs(bytes, 1)}) return h.UNREAD
    type = source[at]
    at += ${bytes.length + 1}
    let v${i}
    if (type === 2) {
      v${i} = h.readText(source, at, stop, site${i}.texts)
      if (v${i} === h.UNREAD) return h.UNREAD
      at = h.end()
    } else if (type === 16) {
      v${i} = view.getInt32(at, true)
      at += 4
    } else if (type === 1) {
      v${i} = view.getFloat64(at, true)
      at += 8
    } else {
      v${i} = h.readValue(source, type, at, stop, site${i}, depth)
      if (v${i} === h.UNREAD) return h.UNREAD
      at = h.end()
    }`
  })
  return `
  ${keys.map((_, i) => `const site${i} = new h.ReadSite()`).join('\n  ')}
  return (source, start, stop, depth) => {
    const view = h.view()
    let at = start + 4, type = 0
    ${fields.join('')}
    if (at !== stop - 1) return h.UNREAD
    return { ${keys.map((key, i) => `${JSON.stringify(key)}: v${i}`).join(', ')} }
  }`
}
