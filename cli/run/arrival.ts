import { compilePatterns } from '../../lib/index.js'
import { connectionsOf } from '../http/health.js'
import type { Part } from '../pipeline/part.js'
import { endsOf } from '../pipeline/part-ends.js'
import { type Plan, planOf } from '../pipeline/plan.js'
import { reaches } from '../pipeline/wiring.js'
import type { Member } from './members.js'

/**
 * Whether what the sinks of a file ask for has come to where its sources will be heard, so that the first event of a source
 * comes to all of them. Whoever is outside of the file is not waited for, nor is a part that has failed.
 */
export function haveArrived(members: readonly Member[]): boolean {
  const parts = members.map(({ part }) => part)
  const plan = planOf(parts)
  return members.every(({ kind, part, running }) => {
    if (kind === 'source' || running.restarts > 0 || running.waiting || running.status === 'stopped')
      return true
    const { subscriptions = Infinity, ...counters } = running.counters()
    const ways = (['in', 'out'] as const).map((way) => ({ expected: dialled(part, way, parts), way }))
    return (
      ways.every(
        ({ expected, way }) => expected === 0 || connectionsOf(counters, way).connected >= expected,
      ) && Number(subscriptions) >= asked(part, plan)
    )
  })
}

/** How many parts of the file a part dials on one side, but for those within the process, where a dial has arrived at once. */
function dialled(part: Part, way: 'in' | 'out', parts: readonly Part[]): number {
  const bound = parts.flatMap(endsOf).filter(({ use }) => use === 'bind')
  return endsOf(part).filter(
    (end) =>
      end.way === way &&
      end.use === 'connect' &&
      !end.endpoint.startsWith('inproc:') &&
      bound.some(({ endpoint }) => reaches(end.endpoint, endpoint)),
  ).length
}

/** How many prefixes the sinks of the file ask a part for. */
function asked(part: Part, { ways }: Plan): number {
  const patterns = ways
    .filter(({ from }) => 'part' in from && from.part === part)
    .flatMap((way) => way.patterns)
  return new Set(compilePatterns(patterns).prefixes.map((prefix) => prefix.toString())).size
}
