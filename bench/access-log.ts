import { once } from 'node:events'
import { createWriteStream } from 'node:fs'
import { hit } from './event.js'

/** What a reader of the log must have found. */
export interface LogTotals {
  lines: number
  bytes: number
  statusSum: number
  bodyBytes: number
}

const DAY = Date.UTC(2026, 0, 15)
const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec']
const two = (value: number) => String(value).padStart(2, '0')

function stamp(ms: number): string {
  const at = new Date(ms)
  const day = `${two(at.getUTCDate())}/${MONTHS[at.getUTCMonth()]}/${at.getUTCFullYear()}`
  return `${day}:${two(at.getUTCHours())}:${two(at.getUTCMinutes())}:${two(at.getUTCSeconds())} +0000`
}

/** Writes an access log in nginx's combined format, about forty requests a second of log time. */
export async function writeAccessLog(path: string, lines: number): Promise<LogTotals> {
  const file = createWriteStream(path)
  const totals: LogTotals = { lines, bytes: 0, statusSum: 0, bodyBytes: 0 }
  let block = ''
  for (let n = 0; n < lines; n++) {
    const { remoteAddr, method, target, httpVersion, status, bodyBytesSent, referer, userAgent } = hit(n)
    const user = n % 50 === 0 ? 'frank' : '-'
    const request = `${method} ${target} HTTP/${httpVersion}`
    block += `${remoteAddr} - ${user} [${stamp(DAY + n * 25)}] "${request}" ${status} ${bodyBytesSent} "${n % 4 ? referer : '-'}" "${userAgent}"\n`
    totals.statusSum += status
    totals.bodyBytes += bodyBytesSent
    if (block.length > 1 << 20 || n === lines - 1) {
      totals.bytes += block.length
      if (!file.write(block)) await once(file, 'drain')
      block = ''
    }
  }
  file.end()
  await once(file, 'close')
  return totals
}
