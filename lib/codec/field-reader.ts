/**
 * Reads one field of a BSON document and makes nothing of the others. For each shape (the same keys in the same order) a
 * function is generated that steps over what stands before the field. What it does not expect is handed back as UNREAD,
 * and the caller reads the whole document.
 */
import { Generated } from './generated.js'
import {
  differs,
  endOfValue,
  keysOf,
  ReadSite,
  readValue,
  type ShapeReader,
  UNREAD,
  viewOf,
} from './shape-reader.js'
import type { NativeBuffer } from './text-reader.js'

/** A field of documents of few shapes. */
export class FieldSite {
  readonly key: string
  /** When the field lies in a document of its own. */
  readonly inner: FieldSite | undefined
  shapes: ShapeReader[] = []
  /** The shape that fitted last, which the next document mostly has too. */
  last = 0
  /** Attempts to learn a shape that are left. */
  learn = 64
  readonly site = new ReadSite()

  constructor([key, ...rest]: readonly string[]) {
    this.key = key!
    if (rest.length > 0) this.inner = new FieldSite(rest)
  }
}

const MAX_SHAPES_PER_SITE = 16
const generated = new Generated<(h: typeof helpers, field: FieldSite) => ShapeReader>()

/**
 * The field of the document from `start` up to but without `stop`; undefined when it has none.
 * @param stop within the buffer
 */
export function readField(source: Buffer, start: number, stop: number, field: FieldSite): unknown {
  viewOf(source)
  try {
    return read(source, start, stop, field)
  } catch {
    // A value claims to go on behind the end of the buffer.
    return UNREAD
  }
}

function read(source: Buffer, start: number, stop: number, field: FieldSite): unknown {
  const { shapes, last } = field
  for (let i = 0; i < shapes.length; i++) {
    const index = last + i < shapes.length ? last + i : last + i - shapes.length
    const value = shapes[index]!(source as NativeBuffer, start, stop, 0)
    if (value === UNREAD) continue
    field.last = index
    return value
  }
  if (shapes.length >= MAX_SHAPES_PER_SITE || field.learn <= 0) return UNREAD
  field.learn--
  const keys = keysOf(source, start, stop)
  const find = keys && compile(keys, field)
  if (find === undefined) return UNREAD
  const value = find(source as NativeBuffer, start, stop, 0)
  if (value !== UNREAD) shapes.push(find)
  return value
}

/** Where a value of a less usual type ends; -1 when it is not known how long it is. */
function skip(source: Buffer, type: number, at: number): number {
  switch (type) {
    case 8:
      return at + 1
    case 9:
    case 18:
      return at + 8
    case 10:
      return at
    case 3:
    case 4: {
      const size = source.readInt32LE(at)
      return size < 5 ? -1 : at + size
    }
    default:
      return -1
  }
}

/** A document in the document; what is no document has no fields. */
function readInner(source: Buffer, type: number, at: number, stop: number, field: FieldSite): unknown {
  if (type !== 3) return undefined
  const end = at + source.readInt32LE(at)
  return end < at + 5 || end >= stop ? UNREAD : read(source, at, end, field)
}

function readWhole(source: Buffer, type: number, at: number, stop: number, site: ReadSite): unknown {
  const value = readValue(source as NativeBuffer, type, at, stop, site, 0)
  return endOfValue < stop ? value : UNREAD
}

const helpers = { UNREAD, readWhole, readInner, skip, viewOf }

/** The function for one shape; undefined when no code may be generated here. */
function compile(keys: string[], field: FieldSite): ShapeReader | undefined {
  const { key, inner } = field
  const name = JSON.stringify([key, inner !== undefined, ...keys])
  const body = () => findingOf(keys, key, inner !== undefined)
  return generated.get(name, ['h', 'field'], body)?.(helpers, field)
}

function findingOf(keys: string[], key: string, isOuter: boolean): string {
  const index = keys.indexOf(key)
  const before = index < 0 ? keys : keys.slice(0, index)
  const expectKey = (name: string) => {
    const bytes = Buffer.from(`${name}\0`)
    return `
    if (at + ${bytes.length + 1} > stop || ${differs(bytes, 1)}) return h.UNREAD
    type = source[at]
    at += ${bytes.length + 1}`
  }
  const steps = before.map(
    (name) => `${expectKey(name)}
    if (type === 2) {
      size = view.getInt32(at, true)
      at += 4 + size
      if (size < 1 || source[at - 1] !== 0) return h.UNREAD
    } else if (type === 16) at += 4
    else if (type === 1) at += 8
    else {
      at = h.skip(source, type, at)
      if (at < 0) return h.UNREAD
    }`,
  )
  const found = isOuter
    ? 'h.readInner(source, type, at, stop, inner)'
    : 'h.readWhole(source, type, at, stop, site)'
  return `
  const { inner, site } = field
  return (source, start, stop) => {
    const view = h.viewOf(source)
    let at = start + 4, type = 0, size = 0
    ${steps.join('')}
    ${index < 0 ? 'return at === stop - 1 ? undefined : h.UNREAD' : `${expectKey(key)}\n    return ${found}`}
  }`
}
