import type { Counters, LineParser } from '../index.js'

/** What there is to know of a log, to make a source of it with `logSource`. */
export interface LogFormat {
  /** The types it emits besides `log.unparsed`. With `once`, a subscription to any of them starts the reading. */
  types: readonly string[]
  /** Makes the parser of one file. */
  parser: () => LineParser
  /** What its parsers count besides the lines. */
  counters?: () => Counters
}
