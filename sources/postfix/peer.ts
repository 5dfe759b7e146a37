/** The other end of a connection, as `name[address]:port`. */
export interface Peer {
  /** Absent where Postfix says `unknown`: there is no name, or it does not lead back to the address. */
  name?: string
  /** An IP address, or the path of a socket. */
  address?: string
  port?: number
}

const UNKNOWN = 'unknown'
const QUOTE = 34
const COMMA = 44
const COLON = 58
const SEMICOLON = 59
const GREATER = 62
const BACKSLASH = 92
const SPACE = 32

/** Where the peer ends that begins at `from`; -1 when none does. */
export function peerEnd(text: string, from: number): number {
  const close = text.indexOf(']', from)
  if (close < 0) return -1
  let at = close + 1
  if (text.charCodeAt(at) !== COLON) return at
  const digits = at + 1
  for (at = digits; isDigit(text.charCodeAt(at)); at++);
  return at === digits ? close + 1 : at
}

function isDigit(code: number): boolean {
  return code >= 48 && code <= 57
}

/** The peer that stands from `from` to `end`; a word without brackets is a name. */
export function readPeer(text: string, from: number, end: number): Peer {
  const open = text.indexOf('[', from)
  if (open < 0 || open >= end) return { name: text.slice(from, end) }
  const close = text.indexOf(']', open)
  if (close < 0 || close >= end) return { name: text.slice(from, end) }
  const peer: Peer = {}
  const name = text.slice(from, open)
  const address = text.slice(open + 1, close)
  if (name !== '' && name !== UNKNOWN) peer.name = name
  if (address !== '' && address !== UNKNOWN) peer.address = address
  if (text.charCodeAt(close + 1) === COLON) {
    const port = Number(text.slice(close + 2, end))
    if (Number.isInteger(port) && port > 0) peer.port = port
  }
  return peer
}

/** Whether mail from there comes from this machine, as a content filter's does. */
export function isLoopback(peer: Peer | undefined): boolean {
  const address = peer?.address
  return address !== undefined && (address.startsWith('127.') || address === '::1')
}

/**
 * Where the address ends that begins at `from`, behind its `<`: at a `>` outside of quotes that something follows
 * which may follow it. -1 when it does not end.
 */
export function addressEnd(text: string, from: number): number {
  let quoted = false
  for (let at = from; at < text.length; at++) {
    const code = text.charCodeAt(at)
    if (code === QUOTE) quoted = !quoted
    else if (code === BACKSLASH && quoted) at++
    else if (code === GREATER && !quoted && mayFollow(text, at + 1)) return at
  }
  // Quotes that do not close.
  for (let at = text.indexOf('>', from); at >= 0; at = text.indexOf('>', at + 1)) {
    if (mayFollow(text, at + 1)) return at
  }
  return -1
}

function mayFollow(text: string, at: number): boolean {
  if (at >= text.length) return true
  const code = text.charCodeAt(at)
  return code === COMMA || code === SPACE || code === COLON || code === SEMICOLON
}
