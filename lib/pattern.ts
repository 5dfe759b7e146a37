import { EventstormError, show } from './errors.js'
import { isReserved, isTypeName, MAX_TYPE_BYTES } from './event.js'

/**
 * Which event types somebody wants: `http.hit` that type, `*` one segment, `**` any number of segments
 * (none included). As ZeroMQ can only filter by prefix, a pattern becomes the longest literal prefix, given to
 * ZeroMQ, and an exact matcher, applied once per message.
 *
 * A wildcard in the first place does not match types that start with an underscore (the framework's own), as
 * MQTT 5 section 4.7.2 has it for `$SYS`.
 */
export interface Pattern {
  text: string
  prefix: string
  /** Whether an event type is meant by it. */
  matches(type: string): boolean
}

/** @throws PATTERN_INVALID */
export function compilePattern(text: string): Pattern {
  const segments = typeof text === 'string' ? text.split('.') : []
  const good = segments.every((each) => each === '*' || each === '**' || isTypeName(each))
  if (!good || segments.length === 0 || Buffer.byteLength(text) > MAX_TYPE_BYTES) {
    throw new EventstormError(
      'PATTERN_INVALID',
      `expected a pattern such as "http.hit", "cpu.*.percentage" or "http.**" (segments between dots, "*" for one, "**" for any number), got ${show(text)}`,
    )
  }
  const wild = segments.findIndex((each) => each === '*' || each === '**')
  if (wild === -1) return { text, prefix: text, matches: (type) => type === text }

  const literal = segments.slice(0, wild).join('.')
  // `http.**` wants `http` too, so its prefix has no dot; `http.*` cannot match `http`.
  const prefix = literal && segments.slice(wild).some((each) => each !== '**') ? `${literal}.` : literal
  const open = wild === 0
  return {
    text,
    prefix,
    matches: (type) => !(open && isReserved(type)) && matchSegments(segments, type.split('.')),
  }
}

/**
 * Takes as many steps as both have segments, multiplied, whatever the pattern: types come from outside, and a regular
 * expression with several `**` takes seconds for one that was made for it.
 */
function matchSegments(pattern: string[], type: string[]): boolean {
  let p = 0
  let t = 0
  // Where the last `**` stands, and up to where it reaches so far: a later one makes up for all before it.
  let anyAt = -1
  let reach = 0
  while (t < type.length) {
    if (pattern[p] === '**') {
      anyAt = p++
      reach = t
    } else if (p < pattern.length && (pattern[p] === '*' || pattern[p] === type[t])) {
      p++
      t++
    } else if (anyAt !== -1) {
      p = anyAt + 1
      t = ++reach
    } else return false
  }
  while (pattern[p] === '**') p++
  return p === pattern.length
}

/** The empty prefix is what wildcards need, which do not ask for reserved types; who wants those says so. */
const covers = (shorter: string, prefix: string) =>
  prefix.startsWith(shorter) && !(shorter === '' && isReserved(prefix))

/** Several patterns as one question, with as few ZeroMQ subscriptions as possible. */
export interface PatternSet {
  /** Prefixes to subscribe to; none of them covers another. */
  prefixes: string[]
  /** Whether an event type is meant by any of them. */
  matches(type: string): boolean
}

/** @throws PATTERN_INVALID */
export function compilePatterns(texts: readonly string[]): PatternSet {
  const patterns = texts.map(compilePattern)
  const prefixes = [...new Set(patterns.map((each) => each.prefix))].sort()
  return {
    prefixes: prefixes.filter((each, i) => !prefixes.slice(0, i).some((shorter) => covers(shorter, each))),
    matches: (type) => patterns.some((each) => each.matches(type)),
  }
}
