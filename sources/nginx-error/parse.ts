import type { WallClock } from '../../lib/syslog/index.js'

/** The data of an `http.error`: nginx's own words in camel case. What the line does not have is absent. */
export interface HttpError {
  /** `debug`, `info`, `notice`, `warn`, `error`, `crit`, `alert` or `emerg`. */
  level: string
  pid: number
  tid: number
  /** The number of the connection, `*425` in the line. */
  connection?: number
  message: string
  client?: string
  server?: string
  method?: string
  /** The request target as it was sent. */
  target?: string
  httpVersion?: string
  /** The request line as the log has it, when it is malformed or cut. */
  request?: string
  subrequest?: string
  upstream?: string
  host?: string
  referrer?: string
  /** Of nginx's mail proxy. */
  login?: string
  /** Of limit_req: requests over the rate. */
  excess?: number
  /** Of limit_req and limit_conn. */
  zone?: string
  /** Of nginx's stream proxy. */
  bytesFromClient?: number
  bytesToClient?: number
  bytesFromUpstream?: number
  bytesToUpstream?: number
  /** The end of the message is missing. */
  truncated?: true
  /** A client has sent text that reads like fields of nginx; they may be others than shown. */
  ambiguous?: true
}

/** One entry of the log, of one line or several. */
export interface Entry {
  /** Milliseconds since 1970. */
  time: number
  error: HttpError
}

const HEAD =
  /^(\d{4})\/(\d\d)\/(\d\d) (\d\d):(\d\d):(\d\d) \[([a-z]+)\] (\d{1,15})#(\d{1,15}): (?:\*(\d{1,15}) )?/
/** The client is an address, or that of a socket file, and what stands before it is nobody's to choose. */
const CLIENT = /, client: ([0-9a-fA-F.:]{2,45}|unix:)(?=,|$)/g
/** What follows the client, in the order in which nginx writes it. */
const FIELDS = ['server', 'request', 'subrequest', 'login', 'upstream', 'host', 'referrer'] as const
/** Those that some of nginx's modules write without quotes. */
const UNQUOTED = new Set<string>(['server', 'upstream'])
const REQUEST = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+) (\S+) HTTP\/(\d(?:\.\d)?)$/
const EXCESS = /, excess: ([\d.]+),? by zone "/
const ZONE = / by zone "([^"]*)"/
const BYTES = /, bytes from\/to client:(\d+)\/(\d+), bytes from\/to upstream:(\d+)\/(\d+)$/
/** nginx cuts a message here (NGX_MAX_ERROR_STR); with the stamp and a cut character it may be a little less. */
const CUT_ABOVE = 2000

/** Whether a line begins an entry, since the others belong to the one before them. */
export function beginsEntry(line: string): boolean {
  return HEAD.test(line)
}

/**
 * Whether an entry may go on in the next line: it speaks of a connection, and the client that nginx names at the end
 * of those is not there yet.
 */
export function mayGoOn(text: string): boolean {
  const connection = HEAD.exec(text)?.[10]
  return connection !== undefined && findClients(text).length === 0
}

function findClients(text: string): RegExpExecArray[] {
  return [...text.matchAll(CLIENT)]
}

/** @returns undefined when it does not begin as nginx's entries do */
export function parseEntry(text: string, wallClock: WallClock): Entry | undefined {
  const head = HEAD.exec(text)
  if (head === null) return undefined
  const [year, month, day, hour, minute, second] = head.slice(1, 7).map(Number) as [number, ...number[]]
  const time = wallClock(Date.UTC(year, month! - 1, day, hour, minute, second))
  const error: HttpError = {
    level: head[7]!,
    pid: Number(head[8]),
    tid: Number(head[9]),
    ...(head[10] !== undefined && { connection: Number(head[10]) }),
    message: '',
  }
  const rest = text.slice(head[0].length)
  const isCut = Buffer.byteLength(text) > CUT_ABOVE
  const clients = findClients(rest)
  // A path that nginx quotes in its message may look like fields.
  const client = clients.find((found) => isOutsideQuotes(rest, found.index)) ?? clients[0]
  if (client === undefined) {
    error.message = rest
    if (isCut) error.truncated = true
  } else {
    error.message = rest.slice(0, client.index)
    error.client = client[1]!
    readFields(error, rest.slice(client.index + client[0].length), isCut)
    if (clients.length > 1) error.ambiguous = true
  }
  readLimit(error)
  return { time, error }
}

function isOutsideQuotes(text: string, at: number): boolean {
  let outside = true
  for (let i = 0; i < at; i++) if (text[i] === '"') outside = !outside
  return outside
}

function readFields(error: HttpError, text: string, isCut: boolean): void {
  let rest = text
  const bytes = BYTES.exec(rest)
  if (bytes !== null) {
    rest = rest.slice(0, bytes.index)
    error.bytesFromClient = Number(bytes[1])
    error.bytesToClient = Number(bytes[2])
    error.bytesFromUpstream = Number(bytes[3])
    error.bytesToUpstream = Number(bytes[4])
  }
  const found = locate(rest, isCut)
  for (const [i, { name, from, to, closed }] of found.entries()) {
    const value = rest.slice(from, to)
    if (/", [a-z]+: "/.test(value)) error.ambiguous = true
    if (!closed && i === found.length - 1) error.truncated = true
    if (name === 'request') readRequest(error, value)
    else error[name] = value
  }
  const end = found.at(-1)?.to ?? 0
  if (isCut && !(rest.endsWith('"') && end === rest.length - 1)) error.truncated = true
}

interface Found {
  name: (typeof FIELDS)[number]
  from: number
  to: number
  closed: boolean
}

/** Where the fields stand, each ending where a later one begins. */
function locate(text: string, isCut: boolean): Found[] {
  const found: Found[] = []
  let at = 0
  for (const [i, name] of FIELDS.entries()) {
    const quoted = text.startsWith(`, ${name}: "`, at)
    if (!quoted && !(UNQUOTED.has(name) && text.startsWith(`, ${name}: `, at))) continue
    const from = at + name.length + (quoted ? 5 : 4)
    const quote = quoted ? '"' : ''
    const ends = FIELDS.slice(i + 1)
      .map((next) => text.indexOf(`${quote}, ${next}: `, from))
      .filter((end) => end >= 0)
    const to = ends.length > 0 ? Math.min(...ends) : lastEnd(text, from, quoted, isCut)
    const closed = !quoted || (to < text.length && text[to] === '"')
    found.push({ name, from, to, closed: closed && (ends.length > 0 || to + quote.length === text.length) })
    at = to + quote.length
  }
  return found
}

/** Where the last field ends: before its quote, or, of a message that was cut, before the piece of a further name. */
function lastEnd(text: string, from: number, quoted: boolean, isCut: boolean): number {
  if (!quoted) return text.length
  if (text.length > from && text.endsWith('"')) return text.length - 1
  const piece = isCut ? /",(?: [a-z]*(?:: ?)?)?$/.exec(text.slice(from)) : null
  return piece === null ? text.length : from + piece.index
}

function readRequest(error: HttpError, text: string): void {
  const request = REQUEST.exec(text)
  if (request === null) {
    error.request = text
    return
  }
  error.method = request[1]!
  error.target = request[2]!
  error.httpVersion = request[3]!
}

function readLimit(error: HttpError): void {
  if (!/^(limiting|delaying) /.test(error.message)) return
  const zone = ZONE.exec(error.message)
  if (zone === null) return
  error.zone = zone[1]!
  const excess = EXCESS.exec(error.message)
  if (excess !== null) error.excess = Number(excess[1])
}
