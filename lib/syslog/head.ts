import { systemClock } from '../clock.js'
import { Stamps } from './stamp.js'

const SPACE = 32
const ZERO = 48
const NINE = 57
const COLON = 58
const OPEN = 91
const CLOSE = 93

/** What stands before the message of a syslog line. */
export interface SyslogHead {
  /** Milliseconds since 1970. */
  time: number
  /** Empty when the line has none, as lines from a local socket. */
  host: string
  /** As written, with instances and services: `postfix-in/submission/smtpd`. Empty when the line names none. */
  program: string
  pid?: number
  /** Where the message begins in the line. */
  messageAt: number
}

export interface SyslogOptions {
  /** Zone of stamps that name none: `local` (default), `UTC`, `+02:00`, `Europe/Berlin`. */
  zone?: string
  /** What stamps without a year are told from, milliseconds since 1970. Default: the present. */
  reference?: number
}

/**
 * Reads the head of syslog lines as they stand in files: a stamp (RFC 3164 or RFC 3339), the host, the program with
 * its process id in brackets, a colon. One reader per file, since it remembers what the lines before had.
 */
export class SyslogHeads {
  #stamps: Stamps
  #host = ''
  #program = ''

  /** @throws RangeError when there is no such zone */
  constructor({ zone = 'local', reference = systemClock.now() }: SyslogOptions = {}) {
    this.#stamps = new Stamps(zone, reference)
  }

  /** A file begins, last written at `modified`, milliseconds since 1970: the year of its last line is known. */
  begin(modified: number): void {
    this.#stamps.begin(modified)
  }

  /** Time goes on while a file is followed, milliseconds since 1970. */
  advance(now: number): void {
    this.#stamps.advance(now)
  }

  /** The head that begins at `from`, or undefined when no stamp and host stand there. */
  read(text: string, from = 0): SyslogHead | undefined {
    const time = this.#stamps.read(text, from)
    if (Number.isNaN(time)) return undefined
    let at = this.#stamps.end
    if (text.charCodeAt(at) !== SPACE) return undefined
    at++
    let host = ''
    const hostEnds = at + this.#host.length
    if (this.#host !== '' && text.charCodeAt(hostEnds) === SPACE && text.startsWith(this.#host, at)) {
      host = this.#host
      at = hostEnds + 1
    } else {
      let end = text.indexOf(' ', at)
      if (end < 0) end = text.length
      if (end === at) return undefined
      // A program where the host is expected: `sshd[12]: text`.
      if (text.charCodeAt(end - 1) !== COLON) {
        host = this.#host = text.slice(at, end)
        at = Math.min(end + 1, text.length)
      }
    }
    return this.#readProgram(text, at, time, host)
  }

  #readProgram(text: string, from: number, time: number, host: string): SyslogHead {
    let at = from
    for (; at < text.length; at++) {
      const code = text.charCodeAt(at)
      if (code === SPACE || code === OPEN) break
      // A colon inside a word belongs to it.
      if (code === COLON && (at + 1 === text.length || text.charCodeAt(at + 1) === SPACE)) break
    }
    const ends = at
    const next = text.charCodeAt(at)
    let pid = 0
    if (next === OPEN && ends > from) {
      for (at++; ; at++) {
        const code = text.charCodeAt(at)
        if (!(code >= ZERO && code <= NINE)) break
        pid = pid * 10 + code - ZERO
      }
      if (text.charCodeAt(at) !== CLOSE || at === ends + 1 || pid > Number.MAX_SAFE_INTEGER) {
        pid = -1
        at = text.indexOf(']', ends)
        const blank = text.indexOf(' ', ends)
        if (at < 0 || (blank >= 0 && blank < at)) return { time, host, program: '', messageAt: from }
      }
      at++
      if (text.charCodeAt(at) === COLON) at++
    } else if (next === COLON && ends > from) {
      pid = -1
      at++
    } else {
      // `last message repeated 2 times`, `-- MARK --`
      return { time, host, program: '', messageAt: from }
    }
    if (text.charCodeAt(at) === SPACE) at++
    if (this.#program.length !== ends - from || !text.startsWith(this.#program, from)) {
      this.#program = text.slice(from, ends)
    }
    const program = this.#program
    return pid < 0 ? { time, host, program, messageAt: at } : { time, host, program, pid, messageAt: at }
  }
}
