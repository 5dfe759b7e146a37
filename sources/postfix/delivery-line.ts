import { addressEnd, type Peer, readPeer } from './peer.js'
import { isQueueId } from './queue-id.js'

/** Seconds that a delivery took, by where they were spent; the figures are rounded and need not add up. */
export interface Delays {
  beforeQmgr: number
  inQmgr: number
  connSetup: number
  transmission: number
}

/** One attempt to deliver to one recipient. */
export interface DeliveryLine {
  kind: 'delivery'
  to: string
  /** The recipient before aliases, where it was another. */
  origTo?: string
  /** Absent for `none`. */
  relay?: Peer
  /** How many deliveries went over the same connection so far. */
  connUse?: number
  /** Seconds since the message arrived. */
  delay?: number
  delays?: Delays
  /** What Postfix says of the encryption, where it does. */
  tls?: string
  /** The status code of RFC 3463. */
  dsn?: string
  /** `sent`, `deferred`, `bounced`, `deliverable`, `undeliverable`, `expanded`. */
  status: string
  /** What the other side said, or why it failed. */
  response?: string
  /** The queue id on the other side, which may be Postfix again. */
  remoteQueueId?: string
}

/** A figure, or undefined. */
function figure(text: string): number | undefined {
  const value = Number(text)
  return text !== '' && Number.isFinite(value) ? value : undefined
}

function readDelays(text: string): Delays | undefined {
  const [beforeQmgr, inQmgr, connSetup, transmission, ...more] = text.split('/').map(figure)
  if (more.length > 0 || transmission === undefined) return undefined
  if (beforeQmgr === undefined || inQmgr === undefined || connSetup === undefined) return undefined
  return { beforeQmgr, inQmgr, connSetup, transmission }
}

/** The id that an answer names after `words`, the last time it does. */
function idAfter(words: string, text: string): string | undefined {
  const found = text.lastIndexOf(words)
  if (found < 0) return undefined
  const from = found + words.length
  let end = from
  while (end < text.length && /[0-9A-Za-z]/.test(text[end]!)) end++
  return isQueueId(text, from, end) ? text.slice(from, end) : undefined
}

/**
 * `to=<a>, orig_to=<b>, relay=c, delay=1, delays=0/0/0/1, dsn=2.0.0, status=sent (text)` from `from` on. Undefined
 * when there is no status. The text may hold anything, keys included, so it goes from the first `(` behind the status
 * to the last `)`.
 */
export function readDelivery(text: string, from: number): DeliveryLine | undefined {
  const line: DeliveryLine = { kind: 'delivery', to: '', status: '' }
  let at = from
  for (;;) {
    const equals = text.indexOf('=', at)
    if (equals < 0) return undefined
    const key = text.slice(at, equals)
    if (key === 'to' || key === 'orig_to') {
      if (key === 'to' && at > from) return undefined
      const begin = equals + 2
      const end = addressEnd(text, begin)
      if (end < 0) return undefined
      const address = text.slice(begin, end)
      if (key === 'to') line.to = address
      else line.origTo = address
      at = end + 3
      continue
    }
    if (key === 'status') {
      readStatus(text, equals + 1, line)
      return line
    }
    const comma = text.indexOf(', ', equals)
    if (comma < 0) return undefined
    readValue(line, key, text.slice(equals + 1, comma))
    at = comma + 2
  }
}

function readValue(line: DeliveryLine, key: string, value: string): void {
  switch (key) {
    case 'relay':
      if (value !== 'none') line.relay = readPeer(value, 0, value.length)
      return
    case 'conn_use': {
      const uses = figure(value)
      if (uses !== undefined) line.connUse = uses
      return
    }
    case 'delay': {
      const delay = figure(value)
      if (delay !== undefined) line.delay = delay
      return
    }
    case 'delays': {
      const delays = readDelays(value)
      if (delays !== undefined) line.delays = delays
      return
    }
    case 'dsn':
      line.dsn = value
      return
    case 'tls':
      line.tls = value
  }
}

function readStatus(text: string, from: number, line: DeliveryLine): void {
  const space = text.indexOf(' ', from)
  line.status = space < 0 ? text.slice(from) : text.slice(from, space)
  const open = space < 0 ? -1 : text.indexOf('(', space)
  if (open < 0) return
  const close = text.lastIndexOf(')')
  line.response = text.slice(open + 1, close > open ? close : text.length)
  if (line.status === 'sent') {
    const id = idAfter('queued as ', line.response) ?? idAfter('forwarded as ', line.response)
    if (id !== undefined) line.remoteQueueId = id
  }
}
