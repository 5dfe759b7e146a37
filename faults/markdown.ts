import type { Held } from './memory.js'
import type { Played } from './play.js'

const MB = 1_000_000

/** Before and after, and the peak; of one that did not live through it there is nothing to say. */
function megabytes(held: Held | undefined): string {
  if (held === undefined) return ''
  const [before, after, peak] = [held.before, held.after, held.peak].map((bytes) => Math.round(bytes / MB))
  return `${before} → ${after} (${peak})`
}

/** The table of a run. */
export function markdown(played: readonly Played[], skipped: readonly string[]): string {
  const heading = [
    'scenario',
    ...['sent', 'received', 'lost', 'duplicate', 'before', 'unheard', 'dropped', 'balance'],
    ...['router, MB', 'sink, MB'],
  ]
  const rows = played.map((each) => [
    each.scenario,
    ...[each.sent, each.received, each.lost, each.duplicate, each.before, each.unheard],
    Object.entries(each.dropped)
      .map(([reason, count]) => `${reason} ${count}`)
      .join(', ') || 0,
    each.balance,
    ...[each.memory.router, each.memory.sink].map(megabytes),
  ])
  const right = heading.map((_, i) => (i === 0 ? '---' : '---:'))
  const lines = [heading, right, ...rows].map((cells) => `| ${cells.join(' | ')} |`)
  return [...lines, ...skipped.map((line) => `\n${line}`)].join('\n')
}
