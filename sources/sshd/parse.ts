import type { Data, LineParser, NewEvent } from '../../lib/index.js'
import { type SyslogHead, SyslogHeads } from '../../lib/syslog/index.js'
import { type Connection, type ConnectionLimits, Connections } from './connections.js'
import { type Message, readMessage } from './message.js'
import type { Peer } from './names.js'
import type { Reading } from './reading.js'

export interface SshdParserOptions extends ConnectionLimits {
  /** Zone of stamps that name none; see `SyslogHeads`. */
  zone?: string
}

/** May be shared by the parsers of several files. */
export interface SshdCounters {
  /** Lines of other programs, which a system's log is full of. */
  passedBy: number
  /** Connections given up before their end was seen, since there were too many or they were too old. */
  forgottenConnections: number
}

export const newSshdCounters = (): SshdCounters => ({ passedBy: 0, forgottenConnections: 0 })

/** Since OpenSSH 9.8 and 10 the daemon's children are programs of their own. */
const PROGRAMS = new Set(['sshd', 'sshd-session', 'sshd-auth'])
const REPEATED = /^last message repeated (\d{1,9}) times?$/

const PEER_FIELDS = ['user', 'validUser', 'address', 'port'] as const

/** Types that speak of a connection; the others are about the daemon, or known to no rule. */
const ABOUT_CONNECTIONS = new Set([
  'ssh.login',
  'ssh.session',
  'ssh.disconnect',
  'ssh.connect',
  'ssh.channel',
  'ssh.pam',
  'ssh.warning',
])

/** Reads what sshd and PAM under its name write into the system's log. Every such line gives one event. */
export class SshdParser implements LineParser {
  readonly counters: SshdCounters
  #heads: SyslogHeads
  #connections: Connections
  /** The line before, for `last message repeated`; undefined when it was another program's. */
  #last: { head: SyslogHead; message: Message } | undefined

  constructor(options: SshdParserOptions, counters = newSshdCounters()) {
    this.counters = counters
    this.#heads = new SyslogHeads(options.zone === undefined ? {} : { zone: options.zone })
    this.#connections = new Connections(options, () => counters.forgottenConnections++)
  }

  /** Connections remembered at present. */
  get remembered(): number {
    return this.#connections.size
  }

  begin(modified: number): void {
    this.#heads.begin(modified)
  }

  expire(now: number): NewEvent[] {
    this.#heads.advance(now)
    return []
  }

  save(): Data {
    return this.#connections.save()
  }

  restore(saved: Data): void {
    this.#connections.restore(saved)
  }

  line(line: string): NewEvent[] | { unparsed: string } {
    if (line === '') return []
    const head = this.#heads.read(line)
    if (head === undefined) return { unparsed: 'expected a syslog line: a stamp, the host, the program' }
    const text = line.slice(head.messageAt)
    if (head.program === '') {
      const repeated = REPEATED.exec(text)
      if (repeated !== null && this.#last !== undefined) {
        const { head: before, message } = this.#last
        return [this.#toEvent({ ...before, time: head.time }, { ...message, count: Number(repeated[1]) })]
      }
    }
    if (!PROGRAMS.has(head.program)) {
      this.counters.passedBy++
      this.#last = undefined
      return []
    }
    const message = readMessage(text)
    this.#last = { head, message }
    return [this.#toEvent(head, message)]
  }

  #toEvent(head: SyslogHead, message: Message): NewEvent {
    const { time, host, pid } = head
    const { level, preauth, text, readings, count = 1 } = message
    const from = { ...(host !== '' && { host }), ...(pid !== undefined && { pid }) }
    const found = readings && this.#interpret(head, message, readings)
    if (found === undefined) {
      const data = {
        ...from,
        ...(level !== undefined && { level }),
        ...(preauth && { preauth }),
        message: text,
        ...(count > 1 && { count }),
      }
      return { type: 'ssh.line', time: new Date(time), data }
    }
    return { type: found.type, time: new Date(time), data: { ...from, ...found.data } }
  }

  /** Puts together what the message says and what is known; undefined when it only says again what was said. */
  #interpret(head: SyslogHead, message: Message, readings: Reading[]): Reading | undefined {
    const { type } = readings[0]!
    if (!ABOUT_CONNECTIONS.has(type)) return readings[0]
    const pid = (readings[0]!.data.connectionPid as number | undefined) ?? head.pid
    const key = pid === undefined ? undefined : `${head.host} ${pid}`
    const chosen = choose(readings, (peer) => this.#connections.find(key, peer))
    const fields: Reading['data'] = { ...chosen }
    const data: Reading['data'] & Peer = fields
    let connection = this.#connections.find(key, data)
    if (connection === undefined || (connection.ended && begins(type, data))) {
      connection = this.#connections.add(key, head.time)
    } else {
      this.#connections.touch(connection, head.time)
    }
    const already = connection.ended
    learn(connection, data)
    for (const field of PEER_FIELDS) {
      if (data[field] === undefined && connection[field] !== undefined) fields[field] = connection[field]
    }
    const { count = 1 } = message
    if (type === 'ssh.login') this.#login(connection, data, head.time, count)
    else if (type === 'ssh.session') this.#session(connection, data, head.time)
    else if (type === 'ssh.disconnect') {
      if (already) return undefined
      this.#disconnect(connection, data, head.time, message.preauth)
    } else if (typeof data.failures === 'number') data.failures *= count
    else if (count > 1) data.count = count
    return { type, data }
  }

  #login(connection: Connection, data: Reading['data'], time: number, count: number): void {
    data.count = count
    if (data.outcome === 'failed') connection.failures += count
    if (data.outcome === 'accepted') this.#connections.logIn(connection, time)
  }

  #session(connection: Connection, data: Reading['data'], time: number): void {
    if (data.action === 'opened') {
      connection.openedAt = time
      if (connection.loggedInAt === undefined) this.#connections.logIn(connection, time)
      return
    }
    if (connection.openedAt !== undefined) data.duration = seconds(connection.openedAt, time)
    delete connection.openedAt
    if (connection.ended) this.#connections.end(connection)
  }

  #disconnect(connection: Connection, data: Reading['data'], time: number, preauth: boolean): void {
    if (preauth) data.preauth = true
    else if (connection.loggedInAt !== undefined) data.preauth = false
    if (connection.loggedInAt !== undefined) data.duration = seconds(connection.loggedInAt, time)
    if (connection.failures > 0) data.failures = connection.failures
    this.#connections.end(connection)
  }
}

/** Whether a line cannot come after the end of a connection, so that it must be another one's. */
function begins(type: string, data: Reading['data']): boolean {
  if (type === 'ssh.warning') return data.kind === 'invalidUser' || data.kind === 'reverseMapping'
  return (
    type === 'ssh.login' || type === 'ssh.connect' || (type === 'ssh.session' && data.action === 'opened')
  )
}

/**
 * Of several meanings the one that fits the connection as it is known. Where none can be told, who it was is left
 * out: somebody has built a name that looks like the rest of the line, and a wrong address is worse than none.
 */
function choose(readings: Reading[], find: (peer: Peer) => Connection | undefined): Reading['data'] {
  if (readings.length === 1) return readings[0]!.data
  const known = find({})
  const fitting = readings.filter(
    ({ data }) => known?.port !== undefined && data.address === known.address && data.port === known.port,
  )
  if (fitting.length === 1) return fitting[0]!.data
  const first = readings[0]!.data
  const same = Object.entries(first).filter(([field, value]) =>
    readings.every(({ data }) => data[field] === value),
  )
  return { ...Object.fromEntries(same), ambiguous: true }
}

function learn(connection: Connection, { user, validUser, address, port }: Peer): void {
  // Another name, of which nothing else is said.
  if (user !== undefined && user !== connection.user) delete connection.validUser
  if (user !== undefined) connection.user = user
  if (validUser !== undefined) connection.validUser = validUser
  if (address !== undefined) connection.address = address
  if (port !== undefined) connection.port = port
}

const seconds = (from: number, to: number) => Math.max(0, to - from) / 1000
