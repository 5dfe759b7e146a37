import { EventstormError, reason, SinkError } from '../../lib/index.js'

/** What the server says about one request; see the native protocol's specification, version 4, section 9. */
const INVALID = 0x2200
const SYNTAX = 0x2000

/**
 * Whether the server has refused a request for what is in it, which it would do again. Everything else passes: nodes that
 * are down, overloaded or late, missing rights, a table that is not there yet.
 */
export function isRefused(error: unknown): boolean {
  const { code, message } = error as { code?: unknown; message: string }
  return (code === INVALID && !/unconfigured|does not exist/i.test(message)) || code === SYNTAX
}

/** What was thrown as the framework wants it. No address is in it, so no password either. */
export function explain(error: unknown): SinkError {
  if (error instanceof SinkError) return error
  if (error instanceof EventstormError) return new SinkError('stop', error.message)
  const { name, message } = error as Error
  // The data center is told wrong: a mistake that no waiting mends.
  if (/^Datacenter .* was not found/.test(message)) return new SinkError('stop', message)
  return new SinkError('wait', `${name}: ${innermost(error)}`)
}

/** When no node could be asked, the first node's reason says more than that. */
function innermost(error: unknown): string {
  const { innerErrors } = error as { innerErrors?: Record<string, unknown> }
  const [first] = Object.entries(innerErrors ?? {})
  return first ? `no node could be asked; ${first[0]}: ${reason(first[1])}` : reason(error)
}
