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
  matches(type: string): boolean
}

/** @throws PATTERN_INVALID */
export function compilePattern(text: string): Pattern {
  const segments = typeof text === 'string' ? text.split('.') : []
  const good = segments.every((each) => each === '*' || each === '**' || isTypeName(each))
  if (!good || segments.length === 0 || text.length > MAX_TYPE_BYTES) {
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
  const expression = new RegExp(`^${toExpression(segments)}$`, 'u')
  const open = wild === 0
  return { text, prefix, matches: (type) => !(open && isReserved(type)) && expression.test(type) }
}

function toExpression(segments: string[]): string {
  const literally = (each: string) => each.replace(/[\\^$+?()[\]{}|/]/g, '\\$&')
  const one = '[^.]+'
  // Each segment after the first brings its dot; `**` brings any number of dots and segments, and none.
  let out = ''
  let needsDot = false
  for (const [i, each] of segments.entries()) {
    if (each === '**') {
      if (i === 0 && segments.length > 1) {
        out += `(?:${one}\\.)*`
        needsDot = false
      } else {
        out += i === 0 ? `${one}(?:\\.${one})*` : `(?:\\.${one})*`
        needsDot = true
      }
    } else {
      out += (needsDot ? '\\.' : '') + (each === '*' ? one : literally(each))
      needsDot = true
    }
  }
  return out
}

/** Several patterns as one question, with as few ZeroMQ subscriptions as possible. */
export interface PatternSet {
  /** Prefixes to subscribe to; none of them covers another. */
  prefixes: string[]
  matches(type: string): boolean
}

/** @throws PATTERN_INVALID */
export function compilePatterns(texts: readonly string[]): PatternSet {
  const patterns = texts.map(compilePattern)
  const prefixes = [...new Set(patterns.map((each) => each.prefix))].sort()
  return {
    prefixes: prefixes.filter((each, i) => !prefixes.slice(0, i).some((shorter) => each.startsWith(shorter))),
    matches: (type) => patterns.some((each) => each.matches(type)),
  }
}
