import { type ActionLine, readAction } from './action-line.js'
import { type DeliveryLine, readDelivery } from './delivery-line.js'
import { type GuardLine, readGuard } from './guard-line.js'
import { addressEnd, type Peer, peerEnd, readPeer } from './peer.js'
import { isQueueId } from './queue-id.js'
import { readClientWarning, readSession, type SessionLine } from './session-line.js'

/** smtpd has opened a queue file for a client's message. */
export interface ClientLine {
  kind: 'client'
  client: Peer
  saslMethod?: string
  saslUsername?: string
  saslSender?: string
  /** Where a filter handed the message on (XFORWARD): its queue id and client before the filter. */
  origQueueId?: string
  origClient?: Peer
}

/** pickup has taken a message that was submitted on this machine. */
export interface PickupLine {
  kind: 'pickup'
  uid: number
  from: string
  /** The queue id before `postsuper -r` queued it anew. */
  origQueueId?: string
}

export interface MessageIdLine {
  kind: 'message-id'
  /** As in the message, without its angle brackets; may be empty or rubbish. */
  messageId?: string
  resentMessageId?: string
}

/** The message has come into the active queue: at first, and again for each retry. */
export interface ActiveLine {
  kind: 'active'
  /** The envelope sender; empty for notifications. */
  from: string
  size: number
  nrcpt: number
}

/** The queue manager has given up what could not be delivered in time. */
export interface ExpiredLine {
  kind: 'expired'
  from: string
  /** `expired` or `force-expired`. */
  status: string
}

/** What becomes of a message in the queue: `removed`, `requeued`, `placed on hold`, `released from hold`. */
export interface QueueLine {
  kind: 'queue'
  event: string
}

/** A notification was sent about the message. */
export interface NotificationLine {
  kind: 'notification'
  /** `sender` or `postmaster`. */
  recipient: string
  /** `non-delivery`, `delay`, `delivery status`. */
  notification: string
  notificationQueueId: string
}

/** What another server said, or how the conversation with it ended, while a delivery goes on. */
export interface ConversationLine {
  kind: 'conversation'
  relay: Peer
  reason: string
}

/** Whatever else a daemon has to say. */
export interface OtherLine {
  kind: 'other'
}

export type Content =
  | SessionLine
  | GuardLine
  | ClientLine
  | PickupLine
  | MessageIdLine
  | ActiveLine
  | ExpiredLine
  | QueueLine
  | NotificationLine
  | ConversationLine
  | DeliveryLine
  | ActionLine
  | OtherLine

/** What every line may have. */
export interface Marks {
  queueId?: string
  /** `warning`, `error`, `fatal`, `panic`. */
  level?: string
}

export type PostfixLine = Marks & Content

const LEVELS = new Set(['warning', 'error', 'fatal', 'panic'])
const LONGEST_LEVEL = 7
const NO_QUEUE = 'NOQUEUE'
const CONVERSATION = /^(?:host|conversation with|lost connection with|connect to) /
const PICKUP = /^uid=(\d+) from=<?/
const ORIG_ID = / orig_id=(\w+)/
const ACTIVE = /, size=(\d+), nrcpt=(\d+) \(queue /
const EXPIRED = /, status=(expired|force-expired), /
const NOTIFICATION = /^(\w+) ([\w -]+) notification: (\w+)/
const QUEUE_EVENTS = ['removed', 'requeued', 'placed on hold', 'released from hold', 'expired']

/** The fields of one message of a Postfix daemon. Any text gives something: what nothing else fits is `other`. */
export function parse(text: string): PostfixLine {
  let at = 0
  let colon = text.indexOf(': ')
  if (colon < 0) return readSession(text, 0) ?? readGuard(text) ?? { kind: 'other' }
  const level = colon <= LONGEST_LEVEL && LEVELS.has(text.slice(0, colon)) ? text.slice(0, colon) : undefined
  if (level !== undefined) {
    at = colon + 2
    colon = text.indexOf(': ', at)
  }
  let line: PostfixLine | undefined
  if (colon >= 0 && isQueueId(text, at, colon)) {
    line = readQueued(text, colon + 2) ?? { kind: 'other' }
    line.queueId = text.slice(at, colon)
  } else if (colon === at + NO_QUEUE.length && text.startsWith(NO_QUEUE, at)) {
    line = readUnqueued(text, colon + 2) ?? { kind: 'other' }
  } else {
    line = (level === undefined
      ? (readSession(text, at) ?? readGuard(text))
      : readClientWarning(text, at)) ?? { kind: 'other' }
  }
  if (level !== undefined) line.level = level
  return line
}

function readUnqueued(text: string, from: number): Content | undefined {
  return text.startsWith('client=', from) ? readClient(text, from) : readAction(text, from)
}

/** What stands behind a queue id. */
function readQueued(text: string, from: number): Content | undefined {
  if (text.startsWith('to=<', from)) return readDelivery(text, from)
  if (text.startsWith('from=<', from)) return readQueueManager(text, from)
  if (text.startsWith('message-id=', from)) return { kind: 'message-id', messageId: bare(text, from + 11) }
  if (text.startsWith('resent-message-id=', from)) {
    return { kind: 'message-id', resentMessageId: bare(text, from + 18) }
  }
  if (text.startsWith('client=', from)) return readClient(text, from)
  if (text.startsWith('uid=', from)) return readPickup(text, from)
  const event = QUEUE_EVENTS.find((each) => text.startsWith(each, from))
  if (event !== undefined) return { kind: 'queue', event }
  return readAction(text, from) ?? readNotification(text.slice(from)) ?? readConversation(text, from)
}

/** A message id without its angle brackets. */
function bare(text: string, from: number): string {
  const value = text.slice(from).trimEnd()
  return value.startsWith('<') && value.endsWith('>') ? value.slice(1, -1) : value
}

function readQueueManager(text: string, from: number): ActiveLine | ExpiredLine | undefined {
  const begin = from + 6
  const end = addressEnd(text, begin)
  if (end < 0) return undefined
  const address = text.slice(begin, end)
  const rest = text.slice(end + 1)
  const active = ACTIVE.exec(rest)
  if (active) return { kind: 'active', from: address, size: Number(active[1]), nrcpt: Number(active[2]) }
  const expired = EXPIRED.exec(rest)
  return expired ? { kind: 'expired', from: address, status: expired[1]! } : undefined
}

/** `client=name[address], sasl_method=PLAIN, sasl_username=a, orig_queue_id=X, orig_client=name[address]` */
function readClient(text: string, from: number): ClientLine | undefined {
  const begin = from + 7
  const end = peerEnd(text, begin)
  if (end < 0) return undefined
  const line: ClientLine = { kind: 'client', client: readPeer(text, begin, end) }
  for (const pair of text.slice(end).split(', ')) {
    const equals = pair.indexOf('=')
    if (equals < 0) continue
    const value = pair.slice(equals + 1)
    switch (pair.slice(0, equals)) {
      case 'sasl_method':
        line.saslMethod = value
        break
      case 'sasl_username':
        line.saslUsername = value
        break
      case 'sasl_sender':
        line.saslSender = value
        break
      case 'orig_queue_id':
        line.origQueueId = value
        break
      case 'orig_client':
        line.origClient = readPeer(value, 0, value.length)
    }
  }
  return line
}

function readPickup(text: string, from: number): PickupLine | undefined {
  const rest = text.slice(from)
  const head = PICKUP.exec(rest)
  if (head === null) return undefined
  const begin = head[0].length
  const close = head[0].endsWith('<') ? addressEnd(rest, begin) : rest.indexOf(' ', begin)
  const end = close < 0 ? rest.length : close
  const line: PickupLine = { kind: 'pickup', uid: Number(head[1]), from: rest.slice(begin, end) }
  const requeued = ORIG_ID.exec(rest.slice(end))
  if (requeued) line.origQueueId = requeued[1]!
  return line
}

function readNotification(text: string): NotificationLine | undefined {
  const found = NOTIFICATION.exec(text)
  if (found === null) return undefined
  const [, recipient, notification, notificationQueueId] = found as unknown as string[]
  if (!isQueueId(notificationQueueId!, 0, notificationQueueId!.length)) return undefined
  return {
    kind: 'notification',
    recipient: recipient!,
    notification: notification!,
    notificationQueueId: notificationQueueId!,
  }
}

/** `host name[address] said: text (in reply to DATA command)` and its like */
function readConversation(text: string, from: number): ConversationLine | undefined {
  const rest = text.slice(from)
  const head = CONVERSATION.exec(rest)
  if (head === null) return undefined
  const begin = head[0].length
  const end = peerEnd(rest, begin)
  if (end < 0) return undefined
  return {
    kind: 'conversation',
    relay: readPeer(rest, begin, end),
    reason: rest.slice(end).replace(/^:? /, ''),
  }
}
