import type { Counters } from '../../lib/index.js'
import { endsOf, type PartEnd } from '../pipeline/part-ends.js'
import type { Kind } from '../resolve.js'
import type { Observed } from './observed.js'

/** How one component is. */
export interface PartHealth {
  kind: Kind
  name: string
  /** Whether it can do its work now. One that has ended properly has done it. */
  ready: boolean
  /** starting, running, stopping, stopped or waiting; of a sink that runs connecting, up, slow or down. */
  state: string
  /** What it lacks, when it is not ready. */
  reason?: string
  /** When it is started again, after a failure. */
  again?: string
}

/**
 * Whether a component is ready: it runs, it is connected to what it dials, and, if it is a sink, it can write to its
 * store. What others dial waits for nobody, and so is ready without them.
 */
export function healthOf({ kind, name, part, running }: Observed): PartHealth {
  const { status, waiting } = running
  if (waiting) {
    const { error, until } = waiting
    return { kind, name, ready: false, state: 'waiting', reason: error, again: new Date(until).toISOString() }
  }
  if (status === 'stopped') return { kind, name, ready: true, state: status }
  const state = status === 'stopping' ? status : (running.state ?? status)
  const unready = (reason: string) => ({ kind, name, ready: false, state, reason })
  if (running.state === 'down') return unready('it cannot write to its target')
  if (status !== 'running') return unready(`it is ${status}`)
  const ends = part ? endsOf(part) : []
  const missing = ends.find((end) => isAlone(end, ends, running.counters()))
  if (missing) return unready(`it is not connected to ${missing.endpoint}`)
  return { kind, name, ready: true, state }
}

/** Whether an end dials and has nobody. Peers are counted by sides, so a side that listens too cannot be told. */
function isAlone({ use, way, endpoint }: PartEnd, ends: readonly PartEnd[], counters: Counters): boolean {
  if (use === 'bind' || isInside(endpoint)) return false
  if (ends.some((other) => other.way === way && (other.use === 'bind' || isInside(other.endpoint))))
    return false
  const { connected, opened, disconnected } = connectionsOf(counters, way)
  return connected === 0 || opened <= disconnected
}

/** What a part counts of its connections on one side. */
export function connectionsOf(counters: Counters, way: PartEnd['way']) {
  const side = way === 'in' ? counters.sourceConnections : counters.sinkConnections
  const counted = (side ?? counters.connections ?? {}) as Record<string, number>
  return { connected: 0, opened: 0, disconnected: 0, ...counted }
}

const isInside = (endpoint: string) => endpoint.startsWith('inproc:')

/** All components together: ready when each of them is. */
export function readiness(observed: Iterable<Observed>): {
  status: 'ready' | 'unready'
  parts: PartHealth[]
} {
  const parts = [...observed].map(healthOf)
  return { status: parts.every(({ ready }) => ready) ? 'ready' : 'unready', parts }
}
