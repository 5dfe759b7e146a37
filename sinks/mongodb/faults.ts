import type { Steer } from '../../lib/index.js'

/** What MongoDB's servers and driver call errors, as far as they decide what is done. */
interface DriverError {
  name?: string
  message?: string
  code?: unknown
  hasErrorLabel?(label: string): boolean
}

/** The answer to an insert of something that is there. */
export const DUPLICATE_KEY = 11000

/** Nothing is wrong with the events, but nothing can be stored now: not authorized, no space, over quota, read-only. */
const CLOSED_TO_US = new Set([13, 8000, 14031])

/** The server is going away, was not elected, or is still getting up; see the driver's list of retryable errors. */
const ELSEWHERE = new Set([
  6, 7, 43, 89, 91, 134, 189, 262, 9001, 10058, 10107, 11600, 11602, 13388, 13435, 13436,
])

/** The server could not take the document itself: too large, not valid, refused by a rule of the collection. */
const CONTENT = new Set([2, 9, 14, 15, 22, 52, 56, 57, 121, 10334, 17280, 17419])

/** What the driver throws before anything was sent: too large, a key with a NUL, nested without end. */
const CLIENT_SIDE = /^(BSON\w*Error|MongoInvalidArgumentError|RangeError|TypeError)$/

const NETWORK =
  /^(Mongo(Network|ServerSelection|TopologyClosed|WaitQueueTimeout|NotConnected|ServerClosed|ClientClosed|OperationTimeout|StalePrimary|UnexpectedServerResponse)|(Mongo)?PoolCl)/

/** Whether the command failed because of something that is in it. */
export function isContent(error: unknown): boolean {
  const { name = '', code } = error as DriverError
  return typeof code === 'number' ? CONTENT.has(code) : CLIENT_SIDE.test(name)
}

/** Whether the connection ended instead of an answer; not by a time-out. */
export function isHangUp(error: unknown): boolean {
  return (error as DriverError).name === 'MongoNetworkError'
}

/** Whether a server says that it does not know what it was asked to do. */
export function isUnsupported(error: unknown): boolean {
  const { code, message = '' } = error as DriverError
  const known = new Set<unknown>([
    59, 72, 115, 168, 238, 15952, 15999, 16436, 40234, 40272, 40324, 40415, 5787902,
  ])
  return (
    known.has(code) ||
    /not (yet )?(implemented|supported)|unrecogni[sz]ed|unknown (group )?operator/i.test(message)
  )
}

export function steerFor(error: unknown): Steer {
  const { name = '', code } = error as DriverError
  if (name === 'MongoParseError' || name === 'MongoMissingDependencyError') return 'stop'
  if (typeof code === 'number' && CLOSED_TO_US.has(code)) return 'wait'
  if (NETWORK.test(name) || (typeof code === 'number' && ELSEWHERE.has(code))) return 'reconnect'
  return 'retry'
}
