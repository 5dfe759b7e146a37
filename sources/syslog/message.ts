import type { SyslogHeads } from '../../lib/syslog/index.js'
import { readStructuredData, type StructuredData } from './structured-data.js'

/** One message of syslog; what it does not say is absent. */
export interface SyslogMessage {
  /** `auth`, `local7` */
  facility?: string
  facilityCode?: number
  /** `emerg` to `debug` */
  severity?: string
  severityCode?: number
  host?: string
  program?: string
  /** A text where the sender has something else than a number. */
  pid?: number | string
  messageId?: string
  structuredData?: StructuredData
  message: string
}

export const FACILITIES = [
  ...['kern', 'user', 'mail', 'daemon', 'auth', 'syslog', 'lpr', 'news', 'uucp', 'cron', 'authpriv', 'ftp'],
  ...['ntp', 'audit', 'alert', 'clock'],
  ...['local0', 'local1', 'local2', 'local3', 'local4', 'local5', 'local6', 'local7'],
]
const SEVERITIES = ['emerg', 'alert', 'crit', 'err', 'warning', 'notice', 'info', 'debug']

const PRIORITY = /^<(\d{1,3})>/
/** `1 STAMP HOST PROGRAM PID MESSAGEID ` and what follows. */
const RFC_5424 = /^([1-9]\d{0,2}) (\S+) (\S+) (\S+) (\S+) (\S+) /
const STAMP = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:Z|[+-]\d\d:\d\d)$/
const FIGURE = /^\d{1,15}$/

/**
 * Reads a message of RFC 5424 or RFC 3164, or whatever else came: nothing is refused, what cannot be told apart is
 * the message. `time` is in milliseconds since 1970.
 */
export function readSyslog(text: string, heads: SyslogHeads): { message: SyslogMessage; time?: number } {
  const priority = PRIORITY.exec(text)
  const code = Number(priority?.[1] ?? Number.NaN)
  const known = code < FACILITIES.length * 8
  const rest = known ? text.slice(priority![0].length) : text
  const severityCode = code & 7
  const from = known
    ? {
        facility: FACILITIES[code >> 3]!,
        facilityCode: code >> 3,
        severity: SEVERITIES[severityCode]!,
        severityCode,
      }
    : {}
  const read = readNew(rest) ?? readOld(rest, heads)
  return { ...read, message: { ...from, ...read.message } }
}

/** RFC 5424 */
function readNew(text: string): { message: SyslogMessage; time?: number } | undefined {
  const head = RFC_5424.exec(text)
  if (head === null) return undefined
  const [whole, , stamp, host, program, pid, messageId] = head as unknown as string[]
  const time = stamp === '-' ? undefined : STAMP.test(stamp!) ? Date.parse(stamp!) : Number.NaN
  const structured = readStructuredData(text, whole!.length)
  if (Number.isNaN(time) || structured === undefined) return undefined
  const { data, end } = structured
  if (end < text.length && text[end] !== ' ') return undefined
  const message: SyslogMessage = {
    ...(host !== '-' && { host: host! }),
    ...(program !== '-' && { program: program! }),
    ...(pid !== '-' && { pid: FIGURE.test(pid!) ? Number(pid) : pid! }),
    ...(messageId !== '-' && { messageId: messageId! }),
    ...(Object.keys(data).length > 0 && { structuredData: data }),
    // A byte order mark says that it is UTF-8, as everything is here.
    message: text.slice(end + 1).replace(/^\uFEFF/, ''),
  }
  return time === undefined ? { message } : { message, time }
}

/** RFC 3164, or no standard at all. */
function readOld(text: string, heads: SyslogHeads): { message: SyslogMessage; time?: number } {
  const head = heads.read(text)
  if (head === undefined) return { message: { message: text } }
  const { time, host, program, pid, messageAt } = head
  const message: SyslogMessage = {
    ...(host !== '' && { host }),
    ...(program !== '' && { program }),
    ...(pid !== undefined && { pid }),
    message: text.slice(messageAt),
  }
  return { message, time }
}

/** The message as a line of a log, for parsers of such lines. */
export function toLine({ host = '-', program = '-', pid, message }: SyslogMessage, time: number): string {
  const brackets = pid === undefined ? '' : `[${pid}]`
  return `${new Date(time).toISOString()} ${host} ${program}${brackets}: ${message}`
}
