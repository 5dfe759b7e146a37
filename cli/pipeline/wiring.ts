import { isReachable } from '../../lib/index.js'
import type { Part } from './part.js'
import { endsOf, type PartEnd } from './part-ends.js'
import type { Path } from './places.js'

/** What is wrong between the parts of a pipeline, each of which may be right for itself. */
export function wiringFaults(parts: readonly (Part & { path: Path })[]): { path: Path; message: string }[] {
  const ends = parts.flatMap((part) =>
    endsOf(part).map((end): PartEnd & { path: Path } => ({ ...end, path: [...part.path, ...end.path] })),
  )
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
  return [...taken, ...dangling, ...parts.flatMap(exposed)]
}

/** What would be refused as BIND_INSECURE when it is started. */
function exposed(part: Part & { path: Path }): { path: Path; message: string }[] {
  if (part.framework.insecure === true || part.framework.key !== undefined) return []
  return endsOf(part)
    .filter(({ use, endpoint }) => use === 'bind' && isReachable(endpoint))
    .map(({ endpoint, path }) => ({
      path: [...part.path, ...path],
      message: `other machines can reach ${endpoint}, and anybody there could send and read events. Give it keys (eventstorm keygen, then key and allow), listen on 127.0.0.1, or allow it with insecure: true`,
    }))
}

/** Whether two listeners get into each other's way: the same port, unless on two different addresses. */
function collide(a: string, b: string): boolean {
  const [one, other] = [a, b].map(tcpParts)
  if (!one || !other) return a === b
  if (one.port !== other.port || one.port === '0' || one.port === '*') return false
  return one.host === other.host || isAny(one.host) || isAny(other.host)
}

/** Whether who dials one endpoint comes to who listens on the other, as far as this machine alone can tell. */
export function reaches(dialled: string, bound: string): boolean {
  const [to, at] = [dialled, bound].map(tcpParts)
  if (!to || !at) return dialled === bound
  return to.port === at.port && (to.host === at.host || (isAny(at.host) && to.host === '127.0.0.1'))
}

function tcpParts(endpoint: string): { host: string; port: string } | undefined {
  const [, host, port] = /^tcp:\/\/(.+):(\d+|\*)$/.exec(endpoint) ?? []
  return host && port ? { host: host === 'localhost' ? '127.0.0.1' : host, port } : undefined
}

function isAny(host: string): boolean {
  return host === '*' || host === '0.0.0.0' || host === '[::]'
}
