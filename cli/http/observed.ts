import {
  type AnyDefinition,
  type CounterInfos,
  ROUTER_COUNTERS,
  SINK_COUNTERS,
  SOURCE_COUNTERS,
} from '../../lib/index.js'
import type { Part, RunningPart } from '../pipeline/part.js'
import type { Kind } from '../resolve.js'
import type { Waiting } from '../run/supervise.js'

/** What metrics and health tell about: a component at work. */
export interface Observed {
  kind: Kind
  name: string
  /** What it was made of; a command that is a component itself has none. */
  part?: Part
  /** With what its supervisor knows, when it has one. */
  running: RunningPart & { restarts?: number; waiting?: Waiting | undefined }
}

/** A part that was started. */
export const observe = (part: Part, running: Observed['running']): Observed & { part: Part } => ({
  kind: part.definition.kind,
  name: part.name,
  part,
  running,
})

const FRAMEWORK = { source: SOURCE_COUNTERS, router: ROUTER_COUNTERS, sink: SINK_COUNTERS }

/** What the counters of a component mean; where a name is one of the framework's, that is the one shown. */
export function counterInfos(kind: Kind, definition?: AnyDefinition): CounterInfos {
  return { ...definition?.counters, ...FRAMEWORK[kind] }
}
