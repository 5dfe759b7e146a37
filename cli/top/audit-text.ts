import type { AuditedSource, AuditedStream, AuditedTotals } from '../../lib/index.js'
import { fit, type Look } from './top-text.js'

export interface TableOptions {
  look: Look
  /** Columns of the terminal; longer names are shortened to fit, and what does not fit then is left out. */
  width?: number
  /** Rows shown at most; the rest is one line that says how many. */
  maxRows?: number
}

type Cell = string | number

const GAP = '  '
/** A name is shortened to no less. */
const LEAST_WIDTH = 8

/**
 * What each source sent and what each sink has of it. `under way` is what is sent and neither received nor lost yet; once
 * things are quiet it is 0, or the bus has lost count. `unheard` is what a source sent and died before the sink could learn
 * of it.
 */
export function streamLines(
  sources: readonly AuditedSource[],
  streams: readonly AuditedStream[],
  options: TableOptions,
): string[] {
  const states = new Map(sources.map(({ source, epoch, state }) => [`${epoch} ${source}`, state]))
  const rows = streams.flatMap(({ source, epoch, type, sent, sinks }): Cell[][] => {
    const state = states.get(`${epoch} ${source}`) ?? 'dead'
    const first = [state === 'alive' ? source : `${source} (${state})`, type, sent ?? '?']
    if (sinks.length === 0) return [[...first, 'no sink', '', '', '', '', '', '']]
    return sinks.map((each) => [
      ...first,
      each.sink,
      ...[each.received, each.lost, each.duplicate, each.before, each.unheard, each.balance],
    ])
  })
  return table(
    ['source', 'type', 'sent', 'sink', 'received', 'lost', 'duplicate', 'before', 'unheard', 'under way'],
    ['source', 'type', 'sink'],
    rows,
    options,
  )
}

/** What became of it in each sink. */
export function sinkLines(sinks: readonly AuditedTotals[], options: TableOptions): string[] {
  const rows = sinks.map((each): Cell[] => {
    const gone = Object.entries(each.dropped).filter(([, count]) => count > 0)
    return [
      each.state === 'alive' ? each.sink : `${each.sink} (${each.state})`,
      ...[each.received, each.written, each.alreadyStored, each.queued, each.balance],
      gone.map(([reason, count]) => `${reason} ${count}`).join(', ') || 0,
    ]
  })
  return table(
    ['sink', 'received', 'written', 'stored before', 'queued', 'balance', 'dropped'],
    ['sink', 'dropped'],
    rows,
    options,
  )
}

function table(
  heading: string[],
  names: string[],
  rows: Cell[][],
  { look, width, maxRows }: TableOptions,
): string[] {
  const shown = rows.slice(0, maxRows)
  const more = rows.length - shown.length
  const widths = heading.map((title, i) =>
    Math.max(title.length, ...shown.map((row) => String(row[i]).length)),
  )
  const columns = names.map((name) => heading.indexOf(name))
  const fitting = width === undefined ? heading.length : fitTo(width, widths, columns)
  const line = (cells: Cell[]) =>
    cells
      .slice(0, fitting)
      .map((cell, i) =>
        typeof cell === 'number' ? String(cell).padStart(widths[i]!) : fit(cell, widths[i]!),
      )
      .join(GAP)
      .trimEnd()
  return [
    look.bold(line(heading)),
    ...shown.map(line),
    ...(rows.length === 0 ? [look.dim('nobody has reported yet')] : []),
    ...(more > 0 ? [look.dim(`and ${more} more`)] : []),
  ]
}

/**
 * How many columns there is room for with names at their shortest: the last ones are left out before a number is cut. Of the
 * names among the rest the widest are shortened until the line fits.
 */
function fitTo(width: number, widths: number[], names: number[]): number {
  const lineWidth = (columns: number[]) => columns.reduce((sum, each) => sum + each + GAP.length, -GAP.length)
  const least = widths.map((each, i) => (names.includes(i) ? Math.min(each, LEAST_WIDTH) : each))
  let fitting = widths.length
  while (fitting > 1 && lineWidth(least.slice(0, fitting)) > width) fitting--
  const shown = names.filter((i) => i < fitting)
  while (lineWidth(widths.slice(0, fitting)) > width) {
    const widest = shown.reduce((a, b) => (widths[b]! > widths[a]! ? b : a))
    if (widths[widest] === least[widest]) break
    widths[widest]!--
  }
  return fitting
}
