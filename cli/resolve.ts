import { existsSync } from 'node:fs'
import { isAbsolute, resolve as resolvePath } from 'node:path'
import { pathToFileURL } from 'node:url'
import {
  type AnyDefinition,
  didYouMean,
  EventstormError,
  type RouterDefinition,
  reason,
  type SinkDefinition,
  type SourceDefinition,
  show,
} from '../lib/index.js'
import { findPackage } from './find-package.js'

/** The three kinds of components, in the order in which a pipeline starts them. */
export const KINDS = ['router', 'sink', 'source'] as const
export type Kind = (typeof KINDS)[number]
/** As the events go. */
export const ALONG_THE_WAY = ['source', 'router', 'sink'] as const

export interface DefinitionOf {
  source: SourceDefinition
  router: RouterDefinition
  sink: SinkDefinition
}

/**
 * What is shipped: the word on the command line and its module, loaded when somebody asks for it. This table
 * is the only place that knows components; removing one is deleting its folder and its row here.
 */
const SHIPPED: Record<Kind, Record<string, string>> = {
  source: {
    nginx: '../sources/nginx/nginx.js',
    'nginx-error': '../sources/nginx-error/nginx-error.js',
    postfix: '../sources/postfix/postfix.js',
    sshd: '../sources/sshd/sshd.js',
    syslog: '../sources/syslog/syslog.js',
    system: '../sources/system/system.js',
  },
  router: {
    forward: '../routers/forward/forward.js',
  },
  sink: {
    cassandra: '../sinks/cassandra/cassandra.js',
    mongodb: '../sinks/mongodb/mongodb.js',
    segments: '../sinks/segments/segments.js',
    stdout: '../sinks/stdout/stdout.js',
    websocket: '../sinks/websocket/websocket.js',
  },
}

/** The names of the shipped components of a kind. */
export function shipped(kind: Kind): string[] {
  return Object.keys(SHIPPED[kind])
}

/**
 * Finds a component: a shipped one (`nginx`), a path (`./my-sink.js`), or a package, either by its full name
 * or by the short one (`foo` for `eventstorm-sink-foo`). Paths and packages are looked for from `from`.
 *
 * @throws COMPONENT_NOT_FOUND, COMPONENT_INVALID
 */
export async function resolveComponent<K extends Kind>(
  kind: K,
  name: string,
  from = process.cwd(),
): Promise<DefinitionOf[K]> {
  const url = locate(kind, name, from)
  let module: { default?: unknown }
  try {
    module = await import(url)
  } catch (error) {
    throw new EventstormError(
      'COMPONENT_INVALID',
      `the ${kind} ${show(name)} cannot be loaded: ${reason(error)}`,
      error,
    )
  }
  return checkDefinition(kind, name, module.default)
}

function locate(kind: Kind, name: string, from: string): string {
  const known = SHIPPED[kind]
  if (Object.hasOwn(known, name)) return new URL(known[name]!, import.meta.url).href
  if (isPath(name)) {
    const path = resolvePath(from, name)
    if (existsSync(path)) return pathToFileURL(path).href
    throw new EventstormError(
      'COMPONENT_NOT_FOUND',
      `expected a ${kind} at ${path}, but there is no such file`,
    )
  }
  const found = findPackage(name, from) ?? findPackage(`eventstorm-${kind}-${name}`, from)
  if (found) return pathToFileURL(found).href
  const hint = didYouMean(name, shipped(kind)) || elsewhere(kind, name)
  throw new EventstormError(
    'COMPONENT_NOT_FOUND',
    `no ${kind} is called ${show(name)}.${hint} Shipped: ${shipped(kind).join(', ')}; otherwise give a path such as ./my-${kind}.js, or install a package ${show(name)} or ${show(`eventstorm-${kind}-${name}`)} in ${from}.`,
  )
}

/** Said when the name is right and the kind is wrong. */
function elsewhere(kind: Kind, name: string): string {
  const other = KINDS.find((each) => each !== kind && Object.hasOwn(SHIPPED[each], name))
  return other ? ` There is a ${other} of that name.` : ''
}

function isPath(name: string): boolean {
  return /^\.{0,2}\//.test(name) || isAbsolute(name) || /\.[cm]?js$/.test(name)
}

function checkDefinition<K extends Kind>(kind: K, name: string, value: unknown): DefinitionOf[K] {
  const fault = faultOf(kind, value)
  if (fault === undefined) return value as DefinitionOf[K]
  const define = `define${kind[0]!.toUpperCase()}${kind.slice(1)}`
  throw new EventstormError(
    'COMPONENT_INVALID',
    `expected the default export of ${show(name)} to be a ${kind} made with ${define}(...), got ${fault}`,
  )
}

function faultOf(kind: Kind, value: unknown): string | undefined {
  if (value === null || typeof value !== 'object') return show(value)
  const definition = value as Partial<AnyDefinition>
  if (definition.kind !== kind) return definition.kind ? `a ${definition.kind}` : 'an object without a kind'
  if (typeof definition.name !== 'string') return 'one without a name'
  if (typeof definition.create !== 'function') return 'one without create()'
  if (typeof definition.options?.safeParse !== 'function') return 'one without options (a zod object)'
  return undefined
}
