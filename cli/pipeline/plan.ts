import type { Part } from './part.js'
import { frameworkOptions } from './part.js'
import { endsOf, type PartEnd } from './part-ends.js'
import { reaches } from './wiring.js'

/** Where a way begins or ends: a part of the file, or whoever is at an endpoint outside of it. */
export type Place = { part: Part } | { outside: PartEnd }

/** A way that events may go, in their direction. */
export interface Way {
  from: Place
  to: Place
  endpoint: string
  /** What is asked for at its end by sinks of the file, in the order of the file. */
  patterns: readonly string[]
  /** Whether somebody outside of the file may ask for more. */
  open: boolean
}

/** What a pipeline will look like once it runs. */
export interface Plan {
  parts: readonly Part[]
  ways: readonly Way[]
}

type Passage = Pick<Way, 'from' | 'to' | 'endpoint'>

/** Who is connected to whom, and what is asked for there. Reports of sinks to routers are not shown. */
export function planOf(parts: readonly Part[]): Plan {
  const ends = parts.flatMap((part) => endsOf(part).map((end) => ({ part, end })))
  const meets = (a: PartEnd, b: PartEnd) =>
    a.way !== b.way &&
    a.use !== b.use &&
    (a.use === 'connect' ? reaches(a.endpoint, b.endpoint) : reaches(b.endpoint, a.endpoint))
  const passages = ends.flatMap(({ part, end }): Passage[] => {
    const others = ends.filter((other) => other.part !== part && meets(end, other.end))
    if (others.length === 0) {
      const [here, there] = [{ part }, { outside: end }]
      return [
        end.way === 'out'
          ? { from: here, to: there, endpoint: end.endpoint }
          : { from: there, to: here, endpoint: end.endpoint },
      ]
    }
    // Each is found from both of its ends, and told from its beginning.
    return end.way === 'in'
      ? []
      : others.map((other) => {
          const { endpoint } = end.use === 'connect' ? end : other.end
          return { from: { part }, to: { part: other.part }, endpoint }
        })
  })
  return { parts, ways: passages.map((passage) => ({ ...passage, ...wantedAt(passage.to, passages) })) }
}

/** What sinks behind a place ask for. Routers may be chained in a loop, so each is asked once. */
function wantedAt(place: Place, passages: readonly Passage[]): Pick<Way, 'patterns' | 'open'> {
  const patterns = new Set<string>()
  let open = false
  const asked = new Set<Part>()
  const ask = (at: Place) => {
    if ('outside' in at) {
      open = true
      return
    }
    if (asked.has(at.part)) return
    asked.add(at.part)
    if (at.part.definition.kind === 'sink') for (const each of subscribed(at.part)) patterns.add(each)
    for (const { from, to } of passages) if ('part' in from && from.part === at.part) ask(to)
  }
  ask(place)
  return { patterns: [...patterns], open }
}

function subscribed({ definition, framework }: Part): string[] {
  const { subscribe } = frameworkOptions(definition).parse(framework) as { subscribe: string[] }
  return subscribe
}
