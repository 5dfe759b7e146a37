import type { AuditedSource, AuditedStream, AuditedTotals, SinkHealth } from '../../lib/index.js'
import { timeOfDay } from './top-text.js'

/** More of them are one line that says how many. */
const MAX_LINES = 20

const MEANING: Partial<Record<SinkHealth, string>> = {
  dead: 'was killed, stands still or is cut off',
  stalled: 'it reports, and nothing of what is sent comes to it',
  slow: 'its queue fills',
  down: 'its target takes nothing',
}

/**
 * Whoever is not as it should be, by name and since when, and what the bus has lost; a source that died is told from
 * that. Who was drained is as it should be.
 */
export function troubles(
  sources: readonly AuditedSource[],
  streams: readonly AuditedStream[],
  sinks: readonly AuditedTotals[],
): string[] {
  // A sink reports through a source of its own, by its name: it is told once.
  const reporters = new Set(sinks.map(({ sink }) => sink))
  const lines = [
    ...deadSources(
      sources.filter(({ source }) => !reporters.has(source)),
      streams,
    ),
    ...sinks.flatMap(({ sink, state, since }) => inTrouble('sink', sink, state, since)),
    ...losses(streams),
  ]
  const more = lines.length - MAX_LINES
  return more > 0 ? [...lines.slice(0, MAX_LINES), `and ${more} more`] : lines
}

/** One that was started again is no trouble, and one that never reported here may have died long before we came. */
function deadSources(sources: readonly AuditedSource[], streams: readonly AuditedStream[]): string[] {
  const newest = new Map<string, number>()
  for (const { source, epoch } of sources) newest.set(source, Math.max(epoch, newest.get(source) ?? 0))
  const unheard = new Map<string, number>()
  for (const { source, epoch, sinks } of streams) {
    if (newest.get(source) !== epoch) continue
    const sum = sinks.reduce((sum, each) => sum + each.unheard, unheard.get(source) ?? 0)
    unheard.set(source, sum)
  }
  return sources.flatMap(({ source, epoch, state, heard }) => {
    if (heard === undefined || newest.get(source) !== epoch) return []
    const lines = inTrouble('source', source, state, heard)
    const cost = unheard.get(source) ?? 0
    return cost > 0 ? lines.map((line) => `${line}; of ${cost} events its sinks know nothing`) : lines
  })
}

function inTrouble(kind: string, name: string, state: SinkHealth, since: number): string[] {
  const meaning = MEANING[state]
  return meaning === undefined ? [] : [`${kind} ${name} ${state} since ${timeOfDay(since)}: ${meaning}`]
}

function losses(streams: readonly AuditedStream[]): string[] {
  const lost = new Map<string, number>()
  for (const { sinks } of streams)
    for (const each of sinks) lost.set(each.sink, (lost.get(each.sink) ?? 0) + each.lost)
  return [...lost]
    .filter(([, events]) => events > 0)
    .map(([sink, events]) => `the bus has lost ${events} events on the way to ${sink}`)
}
