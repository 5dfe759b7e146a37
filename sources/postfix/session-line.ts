import { type Peer, peerEnd, readPeer } from './peer.js'

export interface ConnectLine {
  kind: 'connect'
  client: Peer
}

export interface DisconnectLine {
  kind: 'disconnect'
  client: Peer
  /** How many commands the client sent, by verb and in `all`; since Postfix 3.0. */
  commands?: Record<string, number>
  /** How many of them were refused; absent when none was. */
  refused?: Record<string, number>
}

/** A session that did not end well, or a client that broke the rules. */
export interface BrokenSessionLine {
  kind: 'broken-session'
  /** `lost connection`, `timeout`, `too many errors`, `improper command pipelining`. */
  reason: string
  /** The command after which it happened. */
  stage: string
  /** How much of a message had come, about. */
  bytes?: number
  client: Peer
}

export interface Tls {
  /** `anonymous`, `untrusted`, `trusted` or `verified`: what is known of the other side. */
  level: string
  protocol?: string
  cipher?: string
  /** Strength of the cipher. */
  bits?: number
}

export interface TlsLine {
  kind: 'tls'
  /** Whether the other side called us, or we it. */
  direction: 'from' | 'to'
  peer: Peer
  tls: Tls
}

export interface AuthFailureLine {
  kind: 'auth-failure'
  client: Peer
  saslMethod: string
  reason: string
  saslUsername?: string
}

/** A client whose name and address do not lead to each other. */
export interface NameMismatchLine {
  kind: 'name-mismatch'
  client: Peer
  reason: string
}

/** A connection that our own client could not make. */
export interface ConnectFailureLine {
  kind: 'connect-failure'
  relay: Peer
  reason: string
}

export type SessionLine =
  | ConnectLine
  | DisconnectLine
  | BrokenSessionLine
  | TlsLine
  | AuthFailureLine
  | NameMismatchLine
  | ConnectFailureLine

const BROKEN = ['lost connection', 'timeout', 'too many errors', 'improper command pipelining']
const TLS_LEVEL = /^(Anonymous|Untrusted|Trusted|Verified) TLS connection \w+ (from|to) /
const TLS_CIPHER = /^: (\S+) with cipher (\S+) \((\d+)\/\d+ bits\)/
const BYTES = /^(.*) \((?:approximately )?(\d+) bytes\)$/
const AUTH_FAILED = /: SASL (\S+) authentication failed(?:: )?/
const MISMATCH = /^hostname (\S+) (does not resolve to address) (\S+?)(?:: (.*))?$/
const NOT_LISTED = /^(\S+): (address not listed) for hostname (\S+)$/

/** Lines of a session that no queue id goes before, from `from` on. Undefined when it is none of them. */
export function readSession(text: string, from: number): SessionLine | undefined {
  switch (text.charCodeAt(from)) {
    case 99: // c
      if (text.startsWith('connect from ', from)) return readConnect(text, from + 13)
      if (text.startsWith('connect to ', from)) return readConnectFailure(text, from + 11)
      break
    case 100: // d
      if (text.startsWith('disconnect from ', from)) return readDisconnect(text, from + 16)
      break
  }
  for (const reason of BROKEN) {
    if (text.startsWith(reason, from)) return readBroken(text, from, reason)
  }
  return readTls(text.slice(from))
}

function readConnect(text: string, from: number): ConnectLine | undefined {
  const end = peerEnd(text, from)
  return end < 0 ? undefined : { kind: 'connect', client: readPeer(text, from, end) }
}

function readDisconnect(text: string, from: number): DisconnectLine | undefined {
  const end = peerEnd(text, from)
  if (end < 0) return undefined
  const line: DisconnectLine = { kind: 'disconnect', client: readPeer(text, from, end) }
  if (end >= text.length) return line
  const commands: Record<string, number> = {}
  const refused: Record<string, number> = {}
  for (const [, verb, first, all] of text.slice(end).matchAll(/ ([a-z]+)=(\d+)(?:\/(\d+))?/g)) {
    const name = verb === 'commands' ? 'all' : verb!
    commands[name] = Number(all ?? first)
    if (all !== undefined) refused[name] = Number(all) - Number(first)
  }
  if (Object.keys(commands).length > 0) line.commands = commands
  if (Object.keys(refused).length > 0) line.refused = refused
  return line
}

/** `lost connection after DATA (approximately 12 bytes) from name[address]` */
function readBroken(text: string, from: number, reason: string): BrokenSessionLine | undefined {
  const after = from + reason.length
  if (!text.startsWith(' after ', after)) return undefined
  const origin = text.indexOf(' from ', after)
  const end = origin < 0 ? -1 : peerEnd(text, origin + 6)
  if (end < 0) return undefined
  const stage = text.slice(after + 7, origin)
  const bytes = BYTES.exec(stage)
  return {
    kind: 'broken-session',
    reason,
    stage: bytes ? bytes[1]! : stage,
    ...(bytes && { bytes: Number(bytes[2]) }),
    client: readPeer(text, origin + 6, end),
  }
}

/** `Anonymous TLS connection established from name[address]: TLSv1.3 with cipher X (256/256 bits) ...` */
function readTls(text: string): TlsLine | undefined {
  const head = TLS_LEVEL.exec(text)
  if (head === null) return undefined
  const end = peerEnd(text, head[0].length)
  if (end < 0) return undefined
  const tls: Tls = { level: head[1]!.toLowerCase() }
  const cipher = TLS_CIPHER.exec(text.slice(end))
  if (cipher) {
    tls.protocol = cipher[1]!
    tls.cipher = cipher[2]!
    tls.bits = Number(cipher[3])
  }
  const direction = head[2] as 'from' | 'to'
  return { kind: 'tls', direction, peer: readPeer(text, head[0].length, end), tls }
}

/** `name[address]:25: Connection timed out` */
function readConnectFailure(text: string, from: number): ConnectFailureLine | undefined {
  const end = peerEnd(text, from)
  if (end < 0 || !text.startsWith(': ', end)) return undefined
  return { kind: 'connect-failure', relay: readPeer(text, from, end), reason: text.slice(end + 2) }
}

/** Warnings about a client, from `from` on, behind `warning: `. */
export function readClientWarning(
  text: string,
  from: number,
): AuthFailureLine | NameMismatchLine | undefined {
  const warning = text.slice(from)
  const failed = AUTH_FAILED.exec(warning)
  if (failed) return readAuthFailure(warning, failed)
  const mismatch = MISMATCH.exec(warning)
  if (mismatch) {
    const [, name, what, address, why] = mismatch
    return { kind: 'name-mismatch', client: { name: name!, address: address! }, reason: why ?? what! }
  }
  const unlisted = NOT_LISTED.exec(warning)
  if (unlisted === null) return undefined
  const [, address, reason, name] = unlisted
  return { kind: 'name-mismatch', client: { name: name!, address: address! }, reason: reason! }
}

function readAuthFailure(warning: string, failed: RegExpExecArray): AuthFailureLine | undefined {
  const end = peerEnd(warning, 0)
  if (end < 0 || end > failed.index) return undefined
  const line: AuthFailureLine = {
    kind: 'auth-failure',
    client: readPeer(warning, 0, end),
    saslMethod: failed[1]!,
    reason: warning.slice(failed.index + failed[0].length),
  }
  const named = line.reason.lastIndexOf(', sasl_username=')
  if (named >= 0) {
    line.saslUsername = line.reason.slice(named + 16)
    line.reason = line.reason.slice(0, named)
  }
  return line
}
