import type { StormEvent } from '../../lib/index.js'
import { MAX_TEXT, type Row } from './protocol.js'
import { MASK, type Secrets } from './secrets.js'

const MAX_ITEMS = 32
const MAX_DEPTH = 6
/** Length of a row's data as JSON at most. */
const MAX_ROW = 4096

/** A text of at most `MAX_TEXT`, never half a character. */
export function clipText(text: string): string {
  if (text.length <= MAX_TEXT) return text
  return `${text.slice(0, MAX_TEXT - 1).replace(/[\ud800-\udbff]$/, '')}…`
}

/** Makes an event small and harmless: what a browser may have of it. */
export class RowMaker {
  #secrets: Secrets
  #room = 0
  #cut = false

  constructor(secrets: Secrets) {
    this.#secrets = secrets
  }

  row({ type, source, seq, time, data }: StormEvent): Row {
    this.#room = MAX_ROW
    this.#cut = false
    const small = this.#value(data, 0)
    const row: Row = { t: time.getTime(), type, source: clipText(source), seq, data: small ?? null }
    if (this.#cut) row.cut = true
    return row
  }

  #value(value: unknown, depth: number): unknown {
    this.#room -= 8
    switch (typeof value) {
      case 'string':
        return this.#text(value)
      case 'number':
        return Number.isFinite(value) ? value : String(value)
      case 'boolean':
        return value
      case 'bigint':
        return String(value)
      case 'object':
        break
      default:
        return null
    }
    if (value === null) return null
    if (value instanceof Date) return Number.isNaN(value.getTime()) ? null : value.toISOString()
    if (ArrayBuffer.isView(value)) return `${value.byteLength} bytes`
    if (depth >= MAX_DEPTH || this.#room <= 0) {
      this.#cut = true
      return '…'
    }
    if (Array.isArray(value)) {
      if (value.length > MAX_ITEMS) this.#cut = true
      return value.slice(0, MAX_ITEMS).map((each) => this.#value(each, depth + 1))
    }
    // BSON's own types, such as an ObjectId, tell best as text.
    if ('_bsontype' in value) return this.#text(String(value))
    return this.#members(value as Record<string, unknown>, depth)
  }

  #members(value: Record<string, unknown>, depth: number): object {
    const small: [string, unknown][] = []
    for (const key in value) {
      if (small.length >= MAX_ITEMS || this.#room <= 0) {
        this.#cut = true
        break
      }
      this.#room -= Math.min(key.length, MAX_TEXT)
      small.push([clipText(key), this.#secrets.has(key) ? MASK : this.#value(value[key], depth + 1)])
    }
    return Object.fromEntries(small)
  }

  #text(text: string): string {
    if (text.length > MAX_TEXT) this.#cut = true
    const room = Math.max(0, this.#room)
    let small = clipText(this.#secrets.mask(text.slice(0, 4 * MAX_TEXT)))
    if (small.length > room) {
      this.#cut = true
      small = '…'
    }
    this.#room -= small.length
    return small
  }
}
