import { EventstormError, type LineParser, show } from '../../lib/index.js'
import type { Format } from './format.js'
import type { Reading, Variable } from './kinds.js'
import { accessLineWriter } from './line-writer.js'
import { makeVariable } from './variables.js'

/** A hostile line may make the search for its fields try so many places, and no more. */
const MAX_TRIES = 1000

const QUOTE = 34
const BACKSLASH = 92

/** A variable in a format, with the text that ends it. */
interface Field extends Variable {
  name: string
  separator: string
  find: (line: string, from: number, start: number) => number
}

/** Whether the character at `at` is escaped by an odd number of backslashes before it. */
function isEscaped(line: string, at: number): boolean {
  let backslashes = 0
  while (line.charCodeAt(at - 1 - backslashes) === BACKSLASH) backslashes++
  return backslashes % 2 === 1
}

/** Where a list goes on: after `, `, and on both sides of ` : `. */
function insideList(line: string, space: number): boolean {
  const before = line[space - 1]
  if (before === ',') return true
  if (before === ':' && line[space - 2] === ' ') return true
  return line[space + 1] === ':' && line[space + 2] === ' '
}

/**
 * How the end of a field is found: the first place from `start` on where its separator stands and may end it, or -1.
 * `from` is where the field begins.
 */
function finder(variable: Variable, separator: string, quoted: boolean): Field['find'] {
  if (separator === '') return (line, _, start) => (start <= line.length ? line.length : -1)
  if (variable.length !== undefined) {
    const length = variable.length
    return (line, from, start) =>
      start <= from + length && line.startsWith(separator, from + length) ? from + length : -1
  }
  if (quoted) {
    return (line, from, start) => {
      // The value holds no quote that is not escaped: there is no second place to try.
      if (start > from) return -1
      let at = line.indexOf(separator, start)
      while (at > 0 && line.charCodeAt(at - 1) === BACKSLASH && isEscaped(line, at)) {
        at = line.indexOf(separator, at + 1)
      }
      return at
    }
  }
  if (variable.shape === 'list' && separator.startsWith(' ')) {
    return (line, _, start) => {
      let at = line.indexOf(separator, start)
      while (at >= 0 && insideList(line, at)) at = line.indexOf(separator, at + 1)
      return at
    }
  }
  return (line, _, start) => line.indexOf(separator, start)
}

function makeFields({ escaping, literals, variables }: Format): Field[] {
  return variables.map((name, i) => {
    const variable = makeVariable(name, escaping)
    const separator = literals[i + 1]!
    const quoted = escaping !== 'none' && separator.charCodeAt(0) === QUOTE && literals[i]!.endsWith('"')
    return {
      ...variable,
      name,
      separator,
      find: finder(variable, separator, quoted),
    }
  })
}

/** @throws FORMAT_INVALID when two neighbours cannot be told apart */
function checkAmbiguity(fields: Field[]): void {
  for (const [i, field] of fields.entries()) {
    const next = fields[i + 1]
    if (next === undefined || field.shape !== 'sentence' || field.separator.trim() !== '') continue
    if (next.shape === 'digits' || next.shape === 'time') continue
    throw new EventstormError(
      'FORMAT_INVALID',
      `expected something other than white space between $${field.name} and $${next.name}, since $${field.name} has spaces itself; put it in quotes in the log_format`,
    )
  }
}

/**
 * The parser of one file in a given format. Every line that has the format's separators becomes an `http.hit`, be
 * its request as odd as it may. Fields are found by searching for the separators from left to right; where a value
 * holds the separator itself, other places are tried until the numbers and times fit.
 *
 * @throws FORMAT_INVALID when the format is ambiguous
 */
export function accessLogParser(format: Format): LineParser {
  const lead = format.literals[0]!
  const fields = makeFields(format)
  checkAmbiguity(fields)
  const starts = new Array<number>(fields.length).fill(0)
  const ends = new Array<number>(fields.length).fill(0)
  let tries = 0

  const locate = (line: string): boolean => {
    if (!line.startsWith(lead)) return false
    let at = lead.length
    for (let i = 0; i < fields.length; i++) {
      const field = fields[i]!
      const end = field.find(line, at, at)
      if (end < 0 || (field.fits !== undefined && !field.fits(line, at, end)))
        return search(line, 0, lead.length)
      starts[i] = at
      ends[i] = end
      at = end + field.separator.length
    }
    return at === line.length || search(line, 0, lead.length)
  }

  /** The same with going back: the first way to place all fields. */
  const search = (line: string, i: number, from: number): boolean => {
    if (i === 0) tries = 0
    if (i === fields.length) return from === line.length
    const field = fields[i]!
    for (let end = field.find(line, from, from); end >= 0; end = field.find(line, from, end + 1)) {
      if (++tries > MAX_TRIES) return false
      if (field.fits !== undefined && !field.fits(line, from, end)) continue
      starts[i] = from
      ends[i] = end
      if (search(line, i + 1, end + field.separator.length)) return true
    }
    return false
  }

  return {
    writer: accessLineWriter(format),
    line(line) {
      if (!locate(line)) return { unparsed: explain(line, lead, fields) }
      const reading: Reading = { hit: {}, time: undefined, escaped: line.includes('\\') }
      for (let i = 0; i < fields.length; i++) fields[i]!.read(reading, line, starts[i]!, ends[i]!)
      const { hit, time } = reading
      return [
        time === undefined
          ? { type: 'http.hit', data: hit }
          : { type: 'http.hit', data: hit, time: new Date(time) },
      ]
    },
  }
}

/** Why a line does not fit: what was expected where reading from left to right got stuck. */
function explain(line: string, lead: string, fields: Field[]): string {
  if (line === '') return 'the line is empty'
  if (!line.startsWith(lead)) return `expected the line to begin with ${show(lead)}`
  let at = lead.length
  for (const field of fields) {
    const end = field.find(line, at, at)
    const place = `at character ${at + 1}, got ${show(line.slice(at, end < 0 ? undefined : end))}`
    if (end < 0) return `expected $${field.name} and then ${show(field.separator)} ${place}`
    if (field.fits !== undefined && !field.fits(line, at, end)) return `expected $${field.name} ${place}`
    at = end + field.separator.length
  }
  return `expected the line to end at character ${at + 1}, got ${show(line.slice(at))}; is the log_format another one?`
}
