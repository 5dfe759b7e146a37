import { type AnyDefinition, DEFAULT_SINKS_ENDPOINT, DEFAULT_SOURCES_ENDPOINT } from '../../lib/index.js'

/** What has ends: a part, of which no more is to be known here. */
export interface HasEnds {
  definition: Pick<AnyDefinition, 'kind'>
  /** The framework's options as they were given. */
  framework: Readonly<Record<string, unknown>>
}

/** One endpoint of a part. */
export interface PartEnd {
  use: 'bind' | 'connect'
  /** Whether events come in there or go out. */
  way: 'in' | 'out'
  endpoint: string
  /** The option that it is given with, `connectSinks`; also when nobody gave it. */
  option: string
  /** Where it was given: the option, and its place in a list. Empty for an endpoint that nobody gave. */
  path: readonly (string | number)[]
}

interface Side {
  way: PartEnd['way']
  bind: string
  connect: string
  /** What is used when neither was given. */
  otherwise: { use: PartEnd['use']; endpoint: string }
}

const side = (way: Side['way'], suffix: string, use: PartEnd['use'], endpoint: string): Side => ({
  way,
  bind: `bind${suffix}`,
  connect: `connect${suffix}`,
  otherwise: { use, endpoint },
})

const SIDES: Record<AnyDefinition['kind'], readonly Side[]> = {
  source: [side('out', '', 'connect', DEFAULT_SOURCES_ENDPOINT)],
  router: [
    side('in', 'Sources', 'bind', DEFAULT_SOURCES_ENDPOINT),
    side('out', 'Sinks', 'bind', DEFAULT_SINKS_ENDPOINT),
  ],
  sink: [side('in', '', 'connect', DEFAULT_SINKS_ENDPOINT)],
}

/** Options that hold endpoints, and what is done with them. */
export const ENDPOINT_OPTIONS: Readonly<Record<string, PartEnd['use']>> = Object.fromEntries(
  Object.values(SIDES)
    .flat()
    .flatMap(({ bind, connect }) => [[bind, 'bind'] as const, [connect, 'connect'] as const]),
)

/** All endpoints of a part, those that it has without being told too. */
export function endsOf({ definition, framework }: HasEnds): PartEnd[] {
  return SIDES[definition.kind].flatMap(({ way, otherwise, ...options }) => {
    const given = (['bind', 'connect'] as const).flatMap((use) => {
      const option = options[use]
      const value = framework[option]
      return texts(value).map((endpoint, i): PartEnd => {
        return { use, way, endpoint, option, path: Array.isArray(value) ? [option, i] : [option] }
      })
    })
    return given.length > 0 ? given : [{ ...otherwise, way, option: options[otherwise.use], path: [] }]
  })
}

function texts(value: unknown): string[] {
  return typeof value === 'string'
    ? [value]
    : Array.isArray(value)
      ? value.filter((each) => typeof each === 'string')
      : []
}
