/**
 * Every error that Eventstorm raises on purpose carries one of these codes. The code is the contract,
 * the message may get better; a test holds this table and the one in docs/ERRORS.md together.
 */
export const ERRORS = {
  TYPE_INVALID: 'An event type is not a dotted name such as "http.hit".',
  DATA_INVALID: 'The data of an event cannot be written as BSON.',
  TIME_INVALID: 'The time of an event is no valid Date.',
  EXTENSION_INVALID: 'An extension attribute of an event has a bad name.',
  EVENT_TOO_LARGE: 'One encoded event is larger than the limit.',
  PATTERN_INVALID: 'A pattern of event types cannot be understood.',
  ENDPOINT_INVALID: 'An endpoint is not tcp://host:port, ipc://path or inproc://name.',
  OPTIONS_INVALID: 'One or more options are missing, unknown or of the wrong kind.',
  BIND_INSECURE: 'An endpoint that other machines can reach was to be bound without keys.',
  KEY_INVALID: 'A key, a file with keys or a list of keys is missing or not understood.',
  BIND_FAILED: 'An endpoint could not be bound, usually because another process holds it.',
  CONNECT_FAILED: 'An endpoint could not be dialled at all.',
  TIMEOUT: 'What was waited for did not happen in time.',
  CLOSED: 'The component is closed.',
  COMPONENT_NOT_FOUND: 'No source, router or sink of that name, path or package.',
  COMPONENT_INVALID: 'What was found or handed over as a component is none.',
  PIPELINE_INVALID: 'A pipeline file has problems; each is listed with its place.',
  FORMAT_INVALID: 'A log format cannot be compiled into a parser.',
  FILE_UNREADABLE: 'A file cannot be read.',
  SINK_FAILED: 'A sink gave up.',
  QUERY_INVALID: 'A question to a store cannot be understood, or that store cannot answer it.',
  STORE_FAILED: 'A store cannot be read.',
  BUSY: 'Too many questions are asked at the same time.',
} as const

/** One of the codes in `ERRORS`. */
export type ErrorCode = keyof typeof ERRORS

/** What Eventstorm throws on purpose: compare `code`, show `message`. */
export class EventstormError extends Error {
  readonly code: ErrorCode

  /** @param message what was expected, what was got, where, and what to do about it. */
  constructor(code: ErrorCode, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause })
    this.name = 'EventstormError'
    this.code = code
  }
}

/**
 * What the framework does when a sink's `open` or `write` throws:
 *
 * - `retry`      the same batch again after a back-off, a limited number of times, then dropped as `failed`
 * - `wait`       the same batch again after a back-off, without limit: nothing is wrong with it, but the sink can take
 *                none now (the disk is full); what arrives meanwhile is queued, up to the bounds of the queue
 * - `reconnect`  `close`, `open` with back-off until it works, then the same batch again, without limit
 * - `skip`       something in this batch cannot be written: it is halved until the events that are to blame stand
 *                alone, those are dropped as `rejected`, and the others are written
 * - `stop`       the sink stops; nothing is written any more
 *
 * An error that says nothing of it is taken as `retry`, and a promise that is not kept within `writeTimeout` as `reconnect`.
 */
export type Steer = 'retry' | 'wait' | 'reconnect' | 'skip' | 'stop'

/** Thrown by a sink to tell the framework how to go on. */
export class SinkError extends EventstormError {
  readonly steer: Steer

  constructor(steer: Steer, message: string, cause?: unknown) {
    super('SINK_FAILED', message, cause)
    this.name = 'SinkError'
    this.steer = steer
  }
}

const STEERS: readonly unknown[] = ['retry', 'wait', 'reconnect', 'skip', 'stop'] satisfies Steer[]

/** What was thrown says how to go on. By its shape: a component may have been built with another copy of this package. */
export function steerOf(error: unknown): Steer {
  const steer = (error as { steer?: unknown } | null | undefined)?.steer
  return STEERS.includes(steer) ? (steer as Steer) : 'retry'
}

/** The code of what was raised on purpose, by whichever copy of this package; undefined for anything else. */
export function codeOf(error: unknown): ErrorCode | undefined {
  if (!(error instanceof Error) || !/^(Eventstorm|Sink)Error$/.test(error.name)) return undefined
  const { code } = error as { code?: unknown }
  return typeof code === 'string' && Object.hasOwn(ERRORS, code) ? (code as ErrorCode) : undefined
}

/** How a value looks in an error message: short, quoted, never a whole document. */
export function show(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(value.length > 60 ? `${value.slice(0, 57)}...` : value)
  if (typeof value === 'function') return 'a function'
  if (value === null || typeof value !== 'object') return String(value)
  if (Array.isArray(value)) return `a list of ${value.length}`
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? 'an invalid Date' : value.toISOString()
  return `a ${value.constructor?.name ?? 'null-prototype object'}`
}

/** The text of whatever was thrown. */
export function reason(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
