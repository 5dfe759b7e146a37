import type { Escaping } from './format.js'
import { parseTimeIso8601, parseTimeLocal, TIME_ISO8601_LENGTH, TIME_LOCAL_LENGTH } from './time.js'
import { plainField } from './variables.js'
import { ENDS, Key, LENGTH, NUMBER, putText, type Writing } from './writing.js'

/**
 * Reads one field and the separator behind it, and writes what they make. False: the line is none that this can
 * write, or there is no room; see `Writing.full`.
 */
export type Step = (writing: Writing) => boolean

const TEXT = 2
const ARRAY = 4
const INT32 = 16
const DOUBLE = 1

const DASH = 45
const POINT = 46
const SLASH = 47
const QUESTION = 63
const SPACE = 32
const COMMA = 44

/** The end of a field: where it is, and which bytes need a closer look on the way there. */
class Separator {
  readonly length: number
  /** 1 for the separator's first byte, and for bytes that only the parser understands. */
  readonly special = new Uint8Array(256)
  #bytes: Buffer

  /** @param text empty for a field that ends with the line; the line feed is not read over then */
  constructor(text: string) {
    this.length = text.length
    this.#bytes = Buffer.from(text || '\n')
    this.special.fill(1, 0, 0x20).fill(1, 0x7f)
    this.special[0x5c] = 1
    this.special[this.#bytes[0]!] = 1
  }

  isAt(block: Buffer, at: number): boolean {
    const bytes = this.#bytes
    for (let i = 0; i < bytes.length; i++) if (block[at + i] !== bytes[i]) return false
    return true
  }

  /** Whether a byte that is special belongs to the value all the same: the separator goes on otherwise here. */
  isPlain(byte: number): boolean {
    return byte === this.#bytes[0] && byte >= 0x20
  }
}

/** Reads over the dash of a value that is not there. */
function skipAbsent(w: Writing, separator: Separator): boolean {
  const { block, at } = w
  if (block[at] !== DASH || !separator.isAt(block, at + 1)) return false
  w.at = at + 1 + separator.length
  return true
}

/** With the escapes that write a value which is not there as nothing, `absentWhenEmpty`. */
function text(name: string, separator: Separator, absentWhenEmpty: boolean): Step {
  const key = new Key(TEXT, name)
  const { special } = separator
  return (w) => {
    const { block } = w
    let from = w.at
    if (skipAbsent(w, separator)) return true
    if (absentWhenEmpty && separator.isAt(block, from)) {
      w.at = from + separator.length
      return true
    }
    const start = from
    for (; ; from++) {
      if (special[block[from]!] === 0) continue
      if (separator.isAt(block, from)) break
      if (from >= block.length || !separator.isPlain(block[from]!)) return false
    }
    w.at = from + separator.length
    return putText(w, key, w.source, start, from)
  }
}

// Quotients of whole numbers below 2^53 by these are the doubles that the decimal texts stand for.
const TENS = [1, 10, 100, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15]

function number(name: string, separator: Separator): Step {
  const int32 = new Key(INT32, name)
  const double = new Key(DOUBLE, name)
  return (w) => {
    const { block } = w
    let from = w.at
    if (skipAbsent(w, separator)) return true
    const start = from
    let value = 0
    let point = -1
    for (; ; from++) {
      const byte = block[from]!
      if (byte >= 48 && byte <= 57) value = value * 10 + byte - 48
      else if (byte === POINT && point < 0) point = from
      else break
    }
    const length = from - start
    // Nothing at all is absent, and so is left to the parser, like what has too many digits for this.
    if (length === 0 || length > 15 || (point >= 0 && length === 1)) return false
    if (!separator.isAt(block, from)) return false
    if (w.to + int32.room + NUMBER > w.limit) return w.noRoom()
    if (point >= 0) value /= TENS[from - point - 1]!
    if (value === (value | 0)) {
      const at = int32.write(w.view, w.to)
      w.view.setInt32(at, value, true)
      w.to = at + 4
    } else {
      const at = double.write(w.view, w.to)
      w.view.setFloat64(at, value, true)
      w.to = at + 8
    }
    w.at = from + separator.length
    return true
  }
}

/** The lines of one second share their stamp: it is compared with the last one, four bytes at a time. */
function time(parse: (text: string, at: number) => number, length: number, separator: Separator): Step {
  const last = Buffer.alloc(length)
  const lastView = new DataView(last.buffer, last.byteOffset, length)
  let lastTime = Number.NaN
  return (w) => {
    const { block, at, source } = w
    if (at + length > block.length) return false
    let same = block[at + length - 1] === last[length - 1] && block[at + length - 2] === last[length - 2]
    for (let i = 0; i + 4 <= length && same; i += 4) {
      same = source.getInt32(at + i) === lastView.getInt32(i)
    }
    if (!same) {
      block.copy(last, 0, at, at + length)
      lastTime = parse(last.toString('latin1'), 0)
    }
    if (Number.isNaN(lastTime) || !separator.isAt(block, at + length)) return false
    w.time ??= lastTime
    w.at = at + length + separator.length
    return true
  }
}

/** `GET /path?query HTTP/1.1`; anything that is not quite that is left to the parser. */
function request(separator: Separator): Step {
  const method = new Key(TEXT, 'method')
  const target = new Key(TEXT, 'target')
  const path = new Key(TEXT, 'path')
  const query = new Key(TEXT, 'query')
  const httpVersion = new Key(TEXT, 'httpVersion')
  const { special } = separator
  return (w) => {
    const { block, source } = w
    const start = w.at
    let at = start
    while (block[at]! >= 65 && block[at]! <= 90) at++
    if (at === start || block[at] !== SPACE || block[at + 1] !== SLASH) return false
    const targetAt = at + 1
    if (!putText(w, method, source, start, at)) return false
    let mark = -1
    for (at = targetAt; block[at] !== SPACE; at++) {
      const byte = block[at]!
      if (byte === QUESTION && mark < 0) mark = at
      // Where the separator itself may stand in the target, the parser finds out.
      else if (special[byte] !== 0) return false
    }
    if (!putText(w, target, source, targetAt, at)) return false
    if (!putText(w, path, source, targetAt, mark < 0 ? at : mark)) return false
    if (mark >= 0 && !putText(w, query, source, mark + 1, at)) return false
    at = afterHttp(block, at + 1)
    if (at < 0 || !separator.isAt(block, at + 3)) return false
    w.at = at + 3 + separator.length
    return putText(w, httpVersion, source, at, at + 3)
  }
}

/** Where the version begins in `HTTP/1.1`; -1 when it is something else. */
function afterHttp(block: Buffer, at: number): number {
  const isHttp =
    block[at] === 72 &&
    block[at + 1] === 84 &&
    block[at + 2] === 84 &&
    block[at + 3] === 80 &&
    block[at + 4] === SLASH &&
    isDigit(block[at + 5]!) &&
    block[at + 6] === POINT &&
    isDigit(block[at + 7]!)
  return isHttp ? at + 5 : -1
}

const isDigit = (byte: number) => byte >= 48 && byte <= 57

/** `203.0.113.7, 198.51.100.2`; with white space in other places it is left to the parser. */
function list(name: string, separator: Separator): Step {
  const key = new Key(ARRAY, name)
  const items = Array.from({ length: 10 }, (_, i) => new Key(TEXT, String(i)))
  const { special } = separator
  return (w) => {
    const { block, view } = w
    let from = w.at
    if (skipAbsent(w, separator)) return true
    if (w.to + key.room + LENGTH + ENDS > w.limit) return w.noRoom()
    const start = key.write(view, w.to)
    w.to = start + LENGTH
    for (const item of items) {
      const itemAt = from
      let byte = block[from]!
      for (; byte !== COMMA; byte = block[++from]!) {
        if (special[byte] === 0) continue
        if (separator.isAt(block, from)) break
        if (from >= block.length || !separator.isPlain(byte)) return false
      }
      if (block[from - 1] === SPACE || !putText(w, item, w.source, itemAt, from)) return false
      if (byte !== COMMA) {
        view.setUint8(w.to++, 0)
        view.setInt32(start, w.to - start, true)
        w.at = from + separator.length
        return true
      }
      from++
      while (block[from] === SPACE) from++
    }
    return false
  }
}

const isQuoted = (separator: string) => separator.startsWith('"')

/** The variables that make several fields, or none, or not just a text or a number. */
const STEPS: Record<string, { fields: string[]; make: (separator: string) => Step | undefined }> = {
  request: {
    fields: ['method', 'target', 'path', 'query', 'httpVersion', 'request'],
    make: (separator) => (isQuoted(separator) ? request(new Separator(separator)) : undefined),
  },
  time_local: {
    fields: [],
    make: (separator) => time(parseTimeLocal, TIME_LOCAL_LENGTH, new Separator(separator)),
  },
  time_iso8601: {
    fields: [],
    make: (separator) => time(parseTimeIso8601, TIME_ISO8601_LENGTH, new Separator(separator)),
  },
  http_x_forwarded_for: {
    fields: ['forwardedFor'],
    make: (separator) => (isQuoted(separator) ? list('forwardedFor', new Separator(separator)) : undefined),
  },
}

/**
 * A step for each variable.
 * @returns undefined when there is one that has no step, or when two of them make the same field
 */
export function makeSteps(variables: string[], separators: string[], escaping: Escaping): Step[] | undefined {
  const taken = new Set<string>()
  const made: Step[] = []
  for (const [i, name] of variables.entries()) {
    const separator = separators[i]!
    const plain = plainField(name)
    const field = plain && ('text' in plain ? plain.text : plain.number)
    const fields = field === undefined ? STEPS[name]?.fields : [field]
    const step =
      plain === undefined
        ? STEPS[name]?.make(separator)
        : 'text' in plain
          ? text(plain.text, new Separator(separator), escaping !== 'default')
          : number(plain.number, new Separator(separator))
    const last = i === variables.length - 1
    if ((separator === '' && !last) || step === undefined || fields!.some((each) => taken.has(each)))
      return undefined
    for (const each of fields!) taken.add(each)
    made.push(step)
  }
  return made
}
