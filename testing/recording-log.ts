import type { Logger } from '../lib/index.js'

/** A line of a log as it was given. */
export interface LogLine {
  level: 'debug' | 'info' | 'warn' | 'error'
  fields: Record<string, unknown>
  message: string
}

/** A log that keeps what it is told. */
export interface RecordingLog {
  /** To be handed to whatever takes a `log`. */
  readonly log: Logger
  /** Everything that was logged, in order; grows without a bound. */
  readonly lines: LogLine[]
  /** The messages of warnings and errors, in order. */
  readonly told: string[]
}

/** A log that keeps what it is told, for tests of what is said, how often, and what is not said. */
export function recordingLog(): RecordingLog {
  const lines: LogLine[] = []
  const told: string[] = []
  const note = (level: LogLine['level']) => (fields: object, message: string) => {
    lines.push({ level, fields: fields as Record<string, unknown>, message })
    if (level === 'warn' || level === 'error') told.push(message)
  }
  const log = { debug: note('debug'), info: note('info'), warn: note('warn'), error: note('error') }
  return { log, lines, told }
}
