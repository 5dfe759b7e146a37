import pc from 'picocolors'
import { eventToJson, type StormEvent } from '../../lib/index.js'

/** How one event becomes one line, without its end. */
export type Format = (event: StormEvent) => string

// DEL, the C1 controls (some terminals obey them like ESC [), line separators, and what turns the direction of text.
const HARMFUL = /[\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]/g

/** Inside JSON the result means the same as before. JSON itself escapes everything below the space. */
function disarm(json: string): string {
  return json.replace(HARMFUL, (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`)
}

/** A text as it is when it is one plain word, else as JSON. */
function word(text: string): string {
  return /^[\w./:@%+,;~#?&*!()-]+$/.test(text) ? text : disarm(JSON.stringify(text))
}

export const ndjson: Format = (event) => disarm(eventToJson(event))

/** `$date`, `$oid` and the like: Extended JSON's way to write one value. */
function unwrap(value: object): string | undefined {
  const [entry, another] = Object.entries(value)
  return entry?.[0].startsWith('$') && another === undefined && typeof entry[1] === 'string'
    ? entry[1]
    : undefined
}

function value(each: unknown): string {
  if (typeof each === 'string') return word(each)
  const single = each !== null && typeof each === 'object' ? unwrap(each) : undefined
  return single === undefined ? disarm(JSON.stringify(each)) : word(single)
}

/** `status=200 path=/index.html`; what is no document is written as JSON. */
function members(data: unknown): string {
  if (data === null || typeof data !== 'object' || Array.isArray(data) || unwrap(data)) return value(data)
  return Object.entries(data)
    .map(([name, each]) => `${word(name)}=${value(each)}`)
    .join(' ')
}

/** Columns a character takes, on the safe side: whatever may be wide counts as wide. */
const columnsOf = (char: string) => (char.codePointAt(0)! >= 0x1100 ? 2 : 1)

/** The beginning of `text` that fits into `room` columns, with an ellipsis when something is missing. */
export function clip(text: string, room: number): string {
  let used = 0
  let at = 0
  // Where the ellipsis goes, should the rest not fit.
  let end = 0
  for (const char of text) {
    used += columnsOf(char)
    at += char.length
    if (used > room) return room > 0 ? `${text.slice(0, end)}…` : ''
    if (used < room) end = at
  }
  return text
}

const two = (figure: number) => String(figure).padStart(2, '0')

function localTime(time: Date): string {
  const millis = String(time.getMilliseconds()).padStart(3, '0')
  return `${two(time.getHours())}:${two(time.getMinutes())}:${two(time.getSeconds())}.${millis}`
}

/** Types up to this length stand in a column of their own. */
const TYPE_COLUMN = 14

/**
 * Lines for people: local time, type, source, data.
 *
 * @param columns width of the terminal, asked for each line since it may change; undefined: lines are not clipped
 */
export function pretty(columns: () => number | undefined, colour: boolean): Format {
  const { dim, cyan, green } = pc.createColors(colour)
  return (event) => {
    const { data } = JSON.parse(eventToJson(event)) as { data: unknown }
    const parts: [string, (text: string) => string][] = [
      [localTime(event.time), dim],
      [disarm(event.type).padEnd(TYPE_COLUMN), cyan],
      [word(event.source), green],
      [members(data), String],
    ]
    let room = columns() ?? Number.POSITIVE_INFINITY
    const shown: string[] = []
    for (const [text, paint] of parts) {
      if (room <= 0) break
      const clipped = clip(text, room)
      shown.push(paint(clipped))
      room -= [...clipped].reduce((sum, char) => sum + columnsOf(char), 1)
    }
    return shown.join(' ')
  }
}
