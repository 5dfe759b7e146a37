import { DEFAULT_SINKS_ENDPOINT, DEFAULT_SOURCES_ENDPOINT } from '../lib/index.js'
import type { Part } from './part.js'
import type { Path } from './places.js'

interface End {
  use: 'bind' | 'connect'
  endpoint: string
  path: Path
}

/** What is wrong between the parts of a pipeline, each of which may be right for itself. */
export function wiringFaults(parts: readonly (Part & { path: Path })[]): { path: Path; message: string }[] {
  const ends = parts.flatMap(endsOf)
  const binds = ends.filter((end) => end.use === 'bind')
  const taken = binds.flatMap((end, i) => {
    const holder = binds.slice(0, i).find((other) => collide(other.endpoint, end.endpoint))
    if (holder === undefined) return []
    return [{ path: end.path, message: `${end.endpoint} is taken by ${holder.path.join('.')} already` }]
  })
  const dangling = ends
    .filter((end) => end.use === 'connect' && end.endpoint.startsWith('inproc://'))
    .filter((end) => !binds.some((other) => other.endpoint === end.endpoint))
    .map((end) => ({
      path: end.path,
      message: `nothing in this file listens on ${end.endpoint}, and inproc reaches no other process`,
    }))
  return [...taken, ...dangling]
}

const ENDS: Record<string, End['use']> = {
  bind: 'bind',
  bindSources: 'bind',
  bindSinks: 'bind',
  connect: 'connect',
  connectSources: 'connect',
  connectSinks: 'connect',
}

function endsOf({ definition, framework, path }: Part & { path: Path }): End[] {
  const ends = Object.entries(ENDS).flatMap(([option, use]) =>
    texts(framework[option]).map((endpoint, i): End => {
      const inside = Array.isArray(framework[option]) ? [option, i] : [option]
      return { use, endpoint, path: [...path, ...inside] }
    }),
  )
  if (definition.kind !== 'router') return ends
  const lacks = (...options: string[]) => options.every((option) => texts(framework[option]).length === 0)
  if (lacks('bindSources', 'connectSources'))
    ends.push({ use: 'bind', endpoint: DEFAULT_SOURCES_ENDPOINT, path })
  if (lacks('bindSinks', 'connectSinks')) ends.push({ use: 'bind', endpoint: DEFAULT_SINKS_ENDPOINT, path })
  return ends
}

function texts(value: unknown): string[] {
  return typeof value === 'string'
    ? [value]
    : Array.isArray(value)
      ? value.filter((each) => typeof each === 'string')
      : []
}

/** Whether two listeners get into each other's way: the same port, unless on two different addresses. */
function collide(a: string, b: string): boolean {
  const [one, other] = [a, b].map(tcpParts)
  if (!one || !other) return a === b
  if (one.port !== other.port || one.port === '0' || one.port === '*') return false
  return one.host === other.host || isAny(one.host) || isAny(other.host)
}

function tcpParts(endpoint: string): { host: string; port: string } | undefined {
  const [, host, port] = /^tcp:\/\/(.+):(\d+|\*)$/.exec(endpoint) ?? []
  return host && port ? { host: host === 'localhost' ? '127.0.0.1' : host, port } : undefined
}

function isAny(host: string): boolean {
  return host === '*' || host === '0.0.0.0' || host === '[::]'
}
