import { hostname } from 'node:os'
import { isDeepStrictEqual } from 'node:util'
import {
  type AnyDefinition,
  type Clock,
  checkEndpoint,
  checkOptions,
  compilePattern,
  didYouMean,
  EventRouter,
  type Logger,
  type OptionSchema,
  type Problem,
  type RouterOptions,
  type Running,
  reason,
  routerOptions,
  type SinkOptions,
  type SourceOptions,
  type Stream,
  sinkOptions,
  sourceOptions,
  startSink,
  startSource,
  systemClock,
  z,
} from '../../lib/index.js'
import { findParser } from '../find-parser.js'
import { openStoreSoon } from '../open-store.js'
import { ENDPOINT_OPTIONS } from './part-ends.js'

/** The framework's options for each kind of component. */
const FRAMEWORK_OPTIONS = {
  source: sourceOptions,
  router: routerOptions,
  sink: sinkOptions,
} satisfies Record<AnyDefinition['kind'], OptionSchema>

/** The framework's options for a component, with the defaults that it prefers. */
export function frameworkOptions(definition: AnyDefinition): OptionSchema {
  const schema: OptionSchema = FRAMEWORK_OPTIONS[definition.kind]
  const preferred = Object.entries((definition.kind === 'sink' && definition.defaults) || {})
  if (preferred.length === 0) return schema
  const fields = preferred.map(([name, value]) => {
    const field = schema.shape[name] as z.ZodType
    return [name, field.prefault(value).meta(field.meta() ?? {})]
  })
  return z.strictObject({ ...schema.shape, ...Object.fromEntries(fields) })
}

/** A component with its checked options, ready to start. */
export interface Part {
  definition: AnyDefinition
  /** What it is called in logs and metrics. */
  name: string
  /** All of its options as they were given. */
  given: Record<string, unknown>
  /** The framework's options as they were given. */
  framework: Record<string, unknown>
  /** The component's options, checked and complete. */
  own: Record<string, unknown>
}

/** A part at work. */
export type RunningPart = Running & {
  streams?(): Iterable<Stream>
  /** Of a sink: settles when it was tried for the first time to open it; rejects when that is not tried again. */
  opened?: Promise<void>
  /** How a sink is doing. */
  state?: string | undefined
  endpoints?: readonly string[] | undefined
  url?: string | undefined
  sourceEndpoints?: readonly string[] | undefined
  sinkEndpoints?: readonly string[] | undefined
}

/** A problem of a part; `unknown` when it is the name of the option that is wrong, not its value. */
export interface PartProblem extends Problem {
  unknown?: true
}

/** Checks all that can be checked without opening anything. */
export function checkPart(
  definition: AnyDefinition,
  name: string,
  given: Record<string, unknown>,
): { part: Part; problems: [] } | { part: undefined; problems: PartProblem[] } {
  const shared = frameworkOptions(definition)
  const known = [...Object.keys(definition.options.shape), ...Object.keys(shared.shape)]
  const own: Record<string, unknown> = {}
  const framework: Record<string, unknown> = {}
  const problems: PartProblem[] = []
  for (const [key, value] of Object.entries(given)) {
    // A component's own option goes first, should both have one of that name.
    if (Object.hasOwn(definition.options.shape, key)) own[key] = value
    else if (Object.hasOwn(shared.shape, key)) framework[key] = value
    else problems.push({ path: [key], message: unknownOption(definition, key, known), unknown: true })
  }
  const mine = checkOptions(definition.options, own)
  const theirs = checkOptions(shared, framework)
  problems.push(...mine.problems, ...theirs.problems)
  problems.push(...checkValues(framework))
  if (mine.options && problems.length === 0) problems.push(...tryCreate(definition, mine.options))
  if (problems.length > 0 || !mine.options) return { part: undefined, problems }
  return { part: { definition, name, given, framework, own: mine.options }, problems: [] }
}

function unknownOption(definition: AnyDefinition, key: string, known: string[]): string {
  const hint = didYouMean(key, known) || ` Known are: ${known.join(', ')}.`
  return `the ${definition.kind} ${definition.name} has no such option.${hint}`
}

/** Endpoints and patterns, each for itself; what is no text has been complained about already. */
function checkValues(options: Record<string, unknown>): Problem[] {
  const problems: Problem[] = []
  const attempt = (key: string, check: (value: string) => void) => {
    const value = options[key]
    for (const [i, each] of (Array.isArray(value) ? value : [value]).entries()) {
      if (typeof each !== 'string' || each === '') continue
      try {
        check(each)
      } catch (error) {
        problems.push({ path: Array.isArray(value) ? [key, i] : [key], message: reason(error) })
      }
    }
  }
  for (const [key, use] of Object.entries(ENDPOINT_OPTIONS)) attempt(key, (each) => checkEndpoint(each, use))
  attempt('subscribe', compilePattern)
  return problems
}

/** A component may refuse in `create` what no schema can say, such as a log format that makes no sense. */
function tryCreate(definition: AnyDefinition, options: Record<string, unknown>): Problem[] {
  try {
    definition.create(options)
    return []
  } catch (error) {
    return [{ path: [], message: reason(error) }]
  }
}

/** Whether two parts are one and the same, down to every option as it is in the end: "1s" and 1000 are no difference. */
export function sameParts(a: Part, b: Part): boolean {
  const resolved = ({ definition, name, framework, own }: Part) => [
    ...[definition.kind, name, own],
    frameworkOptions(definition).parse(framework),
  ]
  return a.definition === b.definition && isDeepStrictEqual(resolved(a), resolved(b))
}

/**
 * A sink is subscribed then, and opened in the background.
 * @throws whatever keeps it from starting: BIND_FAILED, FILE_UNREADABLE ...
 */
export async function startPart(
  { definition, name, framework, own }: Part,
  log: Logger,
  clock: Clock = systemClock,
): Promise<RunningPart> {
  switch (definition.kind) {
    case 'source': {
      const options = {
        source: `${hostname()}/${name}`,
        ...(framework as SourceOptions),
        name,
        log,
        clock,
        findParser,
        ...(definition.hints ? { hints: definition.hints } : {}),
      }
      return startSource(definition.create(own), options)
    }
    case 'router':
      return new EventRouter({
        ...(framework as RouterOptions),
        component: definition.create(own),
        log,
        clock,
      })
    case 'sink':
      return startSink(definition.create(own), {
        ...(definition.defaults as SinkOptions | undefined),
        ...(framework as SinkOptions),
        name,
        log,
        clock,
        openStore: openStoreSoon,
      })
  }
}
