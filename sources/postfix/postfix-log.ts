import type { Data, LineParser, NewEvent } from '../../lib/index.js'
import { SyslogHeads } from '../../lib/syslog/index.js'
import { type ConnectionLimits, ConnectionTable } from './connection-table.js'
import { Correlator, type Origin } from './correlate.js'
import { newPostfixCounters, type PostfixCounters } from './counters.js'
import { type PostfixLine, parse } from './parse.js'
import { Programs } from './program.js'
import { type TableLimits, TransactionTable } from './transaction-table.js'

export interface PostfixLogSettings extends TableLimits, ConnectionLimits {
  /** Whether lines without an event of their own become `postfix.line`. */
  lines: boolean
  /** Zone of stamps that name none. */
  zone: string
  /** Values of `syslog_name` besides `postfix` and `postfix-...`. */
  syslogName: readonly string[]
}

/** rsyslog puts equal lines together when told so. */
const REPEATED = /^message repeated (\d+) times: \[ (.*)\]$/s
const MOST_REPEATED = 1000
/** What Solaris puts before a message. */
const SOLARIS_ID = /^\[ID \d+ [^\]]+\] /
/** A step back of the log's clock that is more than lines out of order: to be a clock that was set, or winter time. */
const SET_BACK = 30 * 60_000
/** The form of what `save` returns. */
const VERSION = 1

/** Makes events of the lines of a Postfix log. */
export class PostfixLog implements LineParser {
  readonly counters: PostfixCounters
  #settings: PostfixLogSettings
  #heads: SyslogHeads
  #programs: Programs
  #transactions: TransactionTable
  #connections: ConnectionTable
  #correlator: Correlator
  /** The latest time of the log, and that with the time since its last line, milliseconds since 1970. */
  #latest = Number.NEGATIVE_INFINITY
  #now = Number.NEGATIVE_INFINITY
  #swept = Number.NEGATIVE_INFINITY
  /** The present when the log was found to be idle. */
  #idleSince: number | undefined

  constructor(settings: PostfixLogSettings, counters = newPostfixCounters()) {
    this.counters = counters
    this.#settings = settings
    this.#heads = new SyslogHeads({ zone: settings.zone })
    this.#programs = new Programs(settings.syslogName)
    this.#transactions = new TransactionTable(settings, counters)
    this.#connections = new ConnectionTable(settings, counters)
    this.#correlator = new Correlator(this.#transactions, this.#connections, counters, settings.maxRecipients)
  }

  /** How many transactions and connections are open. */
  get open(): number {
    return this.#transactions.size + this.#connections.size
  }

  begin(modified: number): void {
    this.#heads.begin(modified)
  }

  line(text: string): NewEvent[] | { unparsed: string } {
    const head = this.#heads.read(text)
    if (head === undefined) {
      return { unparsed: 'expected a line that begins with a time and a host, as syslog writes them' }
    }
    const program = this.#programs.find(head.program)
    if (program === undefined) {
      this.counters.otherLines++
      return []
    }
    this.counters.postfixLines++
    const events: NewEvent[] = []
    this.#advance(head.time, events)
    const { instance, service, daemon } = program
    const origin: Origin = { host: head.host, instance, service, daemon, pid: head.pid, time: head.time }
    let message = text.slice(head.messageAt)
    if (message.startsWith('[ID ')) message = message.replace(SOLARIS_ID, '')
    const repeated = message.startsWith('message repeated ') ? REPEATED.exec(message) : null
    if (repeated === null) {
      this.#take(message, origin, events)
    } else {
      const times = Math.min(Number(repeated[1]), MOST_REPEATED)
      for (let time = 0; time < times; time++) this.#take(repeated[2]!, origin, events)
    }
    return events
  }

  #take(message: string, origin: Origin, events: NewEvent[]): void {
    const line = parse(message)
    const told = this.#correlator.take(line, origin, events)
    if (this.#settings.lines && !told) events.push(lineEvent(line, message, origin))
  }

  /** Moves the time of the log on to that of a line. */
  #advance(time: number, events: NewEvent[]): void {
    this.#idleSince = undefined
    if (time < this.#latest - SET_BACK) {
      this.#latest = this.#now = this.#swept = time
      this.#transactions.setBack(time, events)
      this.#connections.setBack(time)
    }
    if (time > this.#latest) this.#latest = time
    this.#sweep(Math.max(this.#latest, time), events)
  }

  #sweep(now: number, events: NewEvent[]): void {
    this.#now = now
    this.#correlator.now = now
    if (now - this.#swept < 1000) return
    this.#swept = now
    this.#transactions.sweep(now, events)
    this.#connections.sweep(now, events)
  }

  /** The log ages while no lines come, by the time that passes; its own clock may be another. */
  expire(now: number): NewEvent[] {
    this.#heads.advance(now)
    const events: NewEvent[] = []
    if (this.#latest === Number.NEGATIVE_INFINITY) return events
    this.#idleSince ??= now
    this.#sweep(this.#latest + Math.max(0, now - this.#idleSince), events)
    return events
  }

  end(): NewEvent[] {
    const events: NewEvent[] = []
    this.#transactions.closeAll(this.#now, events)
    this.#connections.closeAll(events)
    return events
  }

  save(): Data {
    return {
      version: VERSION,
      latest: this.#latest,
      swept: this.#swept,
      transactions: this.#transactions.save(),
      connections: this.#connections.save(),
    }
  }

  restore(saved: Data): void {
    const { version, latest, swept, transactions, connections } = saved as {
      version: number
      latest: number
      swept: number
      transactions: Data
      connections: Data
    }
    // Another version's state is of no use; what it had open is then joined in the middle.
    if (version !== VERSION) return
    this.#latest = this.#now = latest
    this.#swept = swept
    this.#correlator.now = latest
    this.#transactions.restore(transactions)
    this.#connections.restore(connections)
  }
}

function lineEvent(line: PostfixLine, message: string, origin: Origin): NewEvent {
  const { time, host, instance, service, daemon, pid } = origin
  const { kind, ...fields } = line
  return {
    type: 'postfix.line',
    time: new Date(time),
    data: {
      host,
      instance,
      ...(service !== undefined && { service }),
      daemon,
      ...(pid !== undefined && { pid }),
      kind,
      ...fields,
      message,
    },
  }
}
