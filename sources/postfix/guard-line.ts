import { type Peer, peerEnd, readPeer } from './peer.js'

/** What postscreen found out about a client before any smtpd saw it. */
export interface PostscreenLine {
  kind: 'postscreen'
  /** `CONNECT`, `PASS NEW`, `PASS OLD`, `ALLOWLISTED`, `DNSBL`, `PREGREET`, `HANGUP` and so on. */
  test: string
  client: Peer
  /** The sum of what the lists gave, of `DNSBL`. */
  rank?: number
  /** Seconds after which it happened. */
  after?: number
}

/** A client was found in a list of the domain name system. */
export interface ListedLine {
  kind: 'listed'
  client: Peer
  domain: string
  /** The list's answer, an address. */
  answer: string
}

/** The highest figures of the last while, of anvil and scache. */
export interface StatisticsLine {
  kind: 'statistics'
  /** `max connection rate`. */
  statistic: string
  value?: number
  /** Seconds that a rate is counted over. */
  period?: number
  service?: string
  client?: Peer
}

export type GuardLine = PostscreenLine | ListedLine | StatisticsLine

const POSTSCREEN =
  /^(CONNECT|DISCONNECT|PASS NEW|PASS OLD|ALLOWLISTED|WHITELISTED|ALLOWLIST VETO|WHITELIST VETO|DENYLISTED|BLACKLISTED|DNSBL|PREGREET|HANGUP|BARE NEWLINE|NON-SMTP COMMAND|COMMAND PIPELINING|COMMAND COUNT LIMIT|COMMAND LENGTH LIMIT|COMMAND TIME LIMIT)(?: rank (\d+) for)?(?: \d+)?(?: after ([\d.]+))?(?: from)? (?=\[)/
const LISTED = /^addr (\S+) listed by domain (\S+) as (\S+)/
const STATISTICS =
  /^statistics: (max [a-z ]+?) (\d+)(?:\/(\d+)s)?(?: for \((?:([^:()]+):)?([^()]*)\))?(?: at .*)?$/

/** Lines of postscreen, dnsblog, anvil and scache. Undefined when it is none of them. */
export function readGuard(text: string): GuardLine | undefined {
  const first = text.charCodeAt(0)
  // s, a, and upper case
  if (first === 115) return readStatistics(text)
  if (first === 97) return readListed(text)
  return first >= 65 && first <= 90 ? readPostscreen(text) : undefined
}

function readPostscreen(text: string): PostscreenLine | undefined {
  const head = POSTSCREEN.exec(text)
  if (head === null) return undefined
  const end = peerEnd(text, head[0].length)
  if (end < 0) return undefined
  const line: PostscreenLine = {
    kind: 'postscreen',
    test: head[1]!,
    client: readPeer(text, head[0].length, end),
  }
  if (head[2] !== undefined) line.rank = Number(head[2])
  if (head[3] !== undefined) line.after = Number(head[3])
  return line
}

function readListed(text: string): ListedLine | undefined {
  const found = LISTED.exec(text)
  if (found === null) return undefined
  return { kind: 'listed', client: { address: found[1]! }, domain: found[2]!, answer: found[3]! }
}

function readStatistics(text: string): StatisticsLine | undefined {
  if (!text.startsWith('statistics: ')) return undefined
  const found = STATISTICS.exec(text)
  if (found === null) return { kind: 'statistics', statistic: text.slice(12) }
  const [, statistic, value, period, service, address] = found
  const line: StatisticsLine = { kind: 'statistics', statistic: statistic!, value: Number(value) }
  if (period !== undefined) line.period = Number(period)
  if (service !== undefined) line.service = service
  if (address !== undefined) line.client = { address }
  return line
}
