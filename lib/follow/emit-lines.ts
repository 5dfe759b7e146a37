import { type Emit, type LineParser, type NewEvent, reason } from '../index.js'
import type { OnLine } from './lines.js'

/** What is counted of the lines that go through a parser; what each means is said by LOG_COUNTERS. */
export interface LogCounters {
  /** Events that the parser made of the lines. */
  events: number
  /** Lines that fit no format; each is an event of type `log.unparsed`. */
  unparsed: number
  /** Events that could not be sent, not even as `log.unparsed`. */
  refused: number
}

/** All of them, at zero. */
export function newLogCounters(): LogCounters {
  return { events: 0, unparsed: 0, refused: 0 }
}

/** The type of the event that a line becomes when it fits no format: `{ line, reason, file }`. */
export const UNPARSED = 'log.unparsed'

/** Longest line that is carried in a `log.unparsed` event, so that the event itself is never too large. */
const MAX_UNPARSED_CHARACTERS = 32 * 1024

/** The lines of one file on their way to events. */
export interface EmittedLines {
  onLine: OnLine
  /** Emits what is still open at the end of the log. */
  end: () => void
  /** Emits what has waited too long by `now`, milliseconds since 1970. Returns whether there was such. */
  expire: (now: number) => boolean
}

/**
 * Puts the lines of one file through its parser and emits what comes out. Nothing that a line can hold throws: what
 * the parser or the event's encoding cannot take becomes `log.unparsed`, with the reason.
 */
export function emitLines(parser: LineParser, file: string, emit: Emit, counters: LogCounters): EmittedLines {
  const give = (events: NewEvent[], cut: boolean, refused: (error: unknown) => void) => {
    for (const event of events) {
      if (cut && typeof event.data === 'object') event.data = { ...event.data, truncated: true }
      try {
        emit(event)
        counters.events++
      } catch (error) {
        // The others have done nothing wrong.
        refused(error)
      }
    }
  }
  const giveOpen = (open: () => NewEvent[] | undefined): boolean => {
    const count = () => counters.refused++
    try {
      const events = open() ?? []
      give(events, false, count)
      return events.length > 0
    } catch {
      count()
      return false
    }
  }
  const complain = (line: string, why: string, cut: boolean) => {
    counters.unparsed++
    const truncated = cut || line.length > MAX_UNPARSED_CHARACTERS
    const data = {
      line: line.slice(0, MAX_UNPARSED_CHARACTERS),
      reason: why,
      file,
      ...(truncated && { truncated }),
    }
    try {
      emit({ type: UNPARSED, data })
    } catch {
      counters.refused++
    }
  }
  const onLine: OnLine = (line, cut) => {
    try {
      const result = parser.line(line)
      if (Array.isArray(result)) give(result, cut, (error) => complain(line, reason(error), cut))
      else complain(line, result.unparsed, cut)
    } catch (error) {
      complain(line, reason(error), cut)
    }
  }
  const { writer } = parser
  if (writer !== undefined && emit.written !== undefined) {
    onLine.bytes = {
      take(block, from) {
        writer.begin(block, from)
        const taken = emit.written!(writer.type, writer)
        counters.events += taken
        return taken
      },
      next: () => writer.next,
    }
  }
  return {
    onLine,
    end: () => void giveOpen(() => parser.end?.()),
    expire: (now) => giveOpen(() => parser.expire?.(now)),
  }
}
