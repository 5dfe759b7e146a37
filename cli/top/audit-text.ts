import type { AuditedSource, AuditedStream, AuditedTotals } from '../../lib/index.js'
import type { Look } from './top-text.js'

const GAP = '  '

/**
 * Two tables: what each source sent and what each sink has of it, and what became of it in each sink. `under way` is what
 * is sent and neither received nor lost yet; once things are quiet it is 0, or the bus has lost count. `unheard` is what a
 * source sent and died before the sink could learn of it.
 */
export function auditLines(
  sources: readonly AuditedSource[],
  streams: readonly AuditedStream[],
  sinks: readonly AuditedTotals[],
  look: Look,
): string[] {
  const states = new Map(sources.map(({ source, epoch, state }) => [`${epoch} ${source}`, state]))
  const rows = streams.flatMap(({ source, epoch, type, sent, sinks }) => {
    const state = states.get(`${epoch} ${source}`) ?? 'dead'
    const first = [state === 'alive' ? source : `${source} (${state})`, type, String(sent ?? '?')]
    if (sinks.length === 0) return [[...first, 'no sink', '', '', '', '', '', '']]
    return sinks.map((each) => [
      ...first,
      each.sink,
      ...[each.received, each.lost, each.duplicate, each.before, each.unheard, each.balance].map(String),
    ])
  })
  const totals = sinks.map((each) => {
    const gone = Object.entries(each.dropped).filter(([, count]) => count > 0)
    return [
      each.state === 'alive' ? each.sink : `${each.sink} (${each.state})`,
      ...[each.received, each.written, each.alreadyStored, each.queued, each.balance].map(String),
      gone.map(([reason, count]) => `${reason} ${count}`).join(', ') || '0',
    ]
  })
  return [
    ...table(
      ['source', 'type', 'sent', 'sink', 'received', 'lost', 'duplicate', 'before', 'unheard', 'under way'],
      rows,
      look,
    ),
    '',
    ...table(['sink', 'received', 'written', 'stored before', 'queued', 'balance', 'dropped'], totals, look),
  ]
}

const NUMBER = /^-?\d+$/

function table(heading: string[], rows: string[][], look: Look): string[] {
  const widths = heading.map((title, i) => Math.max(title.length, ...rows.map((row) => row[i]!.length)))
  const line = (cells: string[]) =>
    cells
      .map((cell, i) => (NUMBER.test(cell) ? cell.padStart(widths[i]!) : cell.padEnd(widths[i]!)))
      .join(GAP)
      .trimEnd()
  return [
    look.bold(line(heading)),
    ...rows.map(line),
    ...(rows.length === 0 ? [look.dim('nobody has reported yet')] : []),
  ]
}
