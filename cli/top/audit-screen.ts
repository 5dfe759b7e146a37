import type { Audit, AuditedStream } from '../../lib/index.js'
import { sinkLines, streamLines } from './audit-text.js'
import { troubles } from './audit-troubles.js'
import type { Look } from './top-text.js'

/** Lines that are no rows of a table and no trouble: the headings, what stands between, how many rows more there are. */
const OTHER_LINES = 6

/**
 * The audit in as many lines as there are: sinks and troubles have a third each at most, and streams the rest, those
 * with losses first.
 */
export function auditScreen(
  books: Audit,
  now: number,
  { rows, columns, look }: { rows: number; columns: number; look: Look },
): string[] {
  const [sources, streams, sinks] = [books.sources(now), books.streams(now), books.sinks(now)]
  const third = Math.max(1, Math.floor((rows - OTHER_LINES) / 3))
  const wrong = troubles(sources, streams, sinks).slice(0, third)
  const shownSinks = Math.max(1, Math.min(sinks.length, third))
  const shownStreams = Math.max(1, rows - OTHER_LINES - shownSinks - wrong.length)
  const options = { look, width: columns }
  return [
    ...streamLines(sources, worstFirst(streams), { ...options, maxRows: shownStreams }),
    '',
    ...sinkLines(sinks, { ...options, maxRows: shownSinks }),
    ...(wrong.length > 0 ? [''] : []),
    ...wrong.map((line) => look.red(line.slice(0, columns))),
  ]
}

/** What is under way changes at every look, and would have the rows jump. */
function worstFirst(streams: readonly AuditedStream[]): AuditedStream[] {
  const gone = ({ sinks }: AuditedStream) => sinks.reduce((sum, each) => sum + each.lost + each.unheard, 0)
  return streams.toSorted((a, b) => gone(b) - gone(a))
}
