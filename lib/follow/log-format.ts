import type { LineParser } from '../index.js'

export interface LogFormat {
  /** The types it emits besides `log.unparsed`. With `once`, a subscription to any of them starts the reading. */
  types: readonly string[]
  /** Makes the parser of one file. */
  parser: () => LineParser
}
