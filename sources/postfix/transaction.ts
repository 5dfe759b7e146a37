import type { Data, NewEvent } from '../../lib/index.js'
import type { ActionLine } from './action-line.js'
import type { DeliveryLine } from './delivery-line.js'
import { isLoopback, type Peer } from './peer.js'
import { present } from './present.js'
import type { Tls } from './session-line.js'

/**
 * How a transaction ended. `removed`: the queue manager is done with it; `expired`: done, but undelivered for too
 * long; `rejected`, `abandoned`, `discarded`: it never came into the queue, since its recipients were refused, the
 * client left, or a rule threw it away; `milter-reject`, `reject`: refused for its content; `deleted`, `requeued`: by
 * the postmaster. The others are incomplete: `reused` means that its queue id came again, `timeout` that nothing was
 * heard of it for too long, `crowded-out` that too many were open, `log-end` that the log ended.
 */
export type End =
  | 'removed'
  | 'expired'
  | 'rejected'
  | 'abandoned'
  | 'discarded'
  | 'milter-reject'
  | 'reject'
  | 'deleted'
  | 'requeued'
  | 'reused'
  | 'timeout'
  | 'crowded-out'
  | 'log-end'

const DONE: ReadonlySet<End> = new Set(['removed', 'expired'])
const GIVEN_UP: ReadonlySet<End> = new Set(['reused', 'timeout', 'crowded-out', 'log-end'])

/** Where a message came from. */
export type Start = 'client' | 'pickup' | 'notification' | 'forward'

/** One try to deliver to one recipient. */
export interface Attempt {
  time: Date
  status: string
  dsn?: string
  relay?: Peer
  response?: string
}

/** A recipient with what the last attempt gave, and all attempts where there were several. */
export interface Recipient extends Omit<DeliveryLine, 'kind'> {
  time: Date
  attempts?: Attempt[]
  /** How many attempts in the middle are not listed. */
  attemptsOmitted?: number
}

/** A first attempt and this many last ones are kept; delivery is tried a hundred times before it is given up. */
const LAST_ATTEMPTS = 19

/** What else was done with a message: held, filtered, its headers changed. */
export type Action = Pick<ActionLine, 'action' | 'stage' | 'part' | 'code' | 'enhancedCode' | 'reason' | 'to'>

export interface Bounce {
  queueId: string
  recipient: string
  notification: string
}

/** Longest lists of things that belong to one message, besides its recipients. */
const MOST_LISTED = 100

/**
 * A message on its way through one queue. What it holds is plain data, so that it can be saved; lists and records in
 * it are replaced and never changed, so that what was saved stays as it was. Times are milliseconds since 1970.
 */
export class Transaction {
  /** Of its first and last line. */
  firstAt: number
  lastAt: number
  /** The latest time of the log when its last line came; what it is given up by. */
  touchedAt: number
  lines = 0
  start: Start | undefined
  startedAt: number | undefined
  client: Peer | undefined
  tls: Tls | undefined
  helo: string | undefined
  protocol: string | undefined
  sasl: { saslMethod?: string; saslUsername?: string; saslSender?: string } = {}
  uid: number | undefined
  /** cleanup has read the headers. */
  headersSeen = false
  messageId: string | undefined
  resentMessageId: string | undefined
  /** The queue manager has it. */
  queued = false
  from: string | undefined
  size: number | undefined
  nrcpt: number | undefined
  /** By address now and before aliases. */
  recipients = new Map<string, Recipient>()
  /** How many attempts are kept. */
  weight = 0
  deliveries: Record<string, number> = {}
  recipientsOmitted = 0
  rejected: Action[] = []
  actions: Action[] = []
  bounceOf: string | undefined
  bounces: Bounce[] = []
  previousQueueId: string | undefined
  previousInstance: string | undefined
  nextQueueIds: string[] = []
  expired = false
  discarded = false
  /** The client has gone before the message was whole. */
  lost = false
  end: End | undefined
  endedAt: number | undefined

  constructor(
    readonly host: string,
    readonly instance: string,
    readonly queueId: string,
    time: number,
  ) {
    this.firstAt = time
    this.lastAt = time
    this.touchedAt = time
  }

  /** Adds an attempt; `most` recipients are kept, the others are counted. */
  deliver(fields: Omit<DeliveryLine, 'kind'>, time: number, most: number): void {
    const { status } = fields
    this.deliveries = { ...this.deliveries, [status]: (this.deliveries[status] ?? 0) + 1 }
    const key = fields.origTo === undefined ? fields.to : `${fields.to}\n${fields.origTo}`
    const before = this.recipients.get(key)
    if (before === undefined && this.recipients.size >= most) {
      this.recipientsOmitted++
      return
    }
    const recipient: Recipient = { ...fields, time: new Date(time) }
    this.weight++
    if (before !== undefined) {
      const attempts = [...(before.attempts ?? [attemptOf(before)]), attemptOf(recipient)]
      const omitted = before.attemptsOmitted ?? 0
      if (attempts.length > LAST_ATTEMPTS + 1) {
        attempts.splice(1, 1)
        this.weight--
        recipient.attemptsOmitted = omitted + 1
      } else if (omitted > 0) {
        recipient.attemptsOmitted = omitted
      }
      recipient.attempts = attempts
    }
    this.recipients.set(key, recipient)
  }

  reject(line: ActionLine): void {
    if (this.rejected.length < MOST_LISTED) this.rejected = [...this.rejected, actionOf(line)]
  }

  act(line: ActionLine): void {
    if (this.actions.length < MOST_LISTED) this.actions = [...this.actions, actionOf(line)]
  }

  bounce(bounce: Bounce): void {
    if (this.bounces.length < MOST_LISTED) this.bounces = [...this.bounces, bounce]
  }

  /** Records the queue id under which the message goes on. */
  next(queueId: string): void {
    if (this.nextQueueIds.length < MOST_LISTED && !this.nextQueueIds.includes(queueId)) {
      this.nextQueueIds = [...this.nextQueueIds, queueId]
    }
  }

  /** Whether no more lines are to be expected once it has ended. */
  get settled(): boolean {
    if (this.start === undefined) return false
    // A content filter hands messages back before Postfix logs to whom it gave them.
    if (isLoopback(this.client) && this.previousQueueId === undefined) return false
    let final = 0
    for (const [status, count] of Object.entries(this.deliveries)) if (status !== 'deferred') final += count
    return this.queued && final >= (this.nrcpt ?? 0)
  }

  /** Whether nothing that belongs to it was missed. */
  get complete(): boolean {
    if (this.start === undefined || this.end === undefined || GIVEN_UP.has(this.end)) return false
    return this.queued || !DONE.has(this.end)
  }

  toEvent(): NewEvent {
    const ended = this.end !== undefined && !GIVEN_UP.has(this.end)
    return {
      type: 'smtp.transaction',
      time: new Date(this.endedAt ?? this.lastAt),
      data: present({
        host: this.host,
        instance: this.instance,
        queueId: this.queueId,
        messageId: this.messageId,
        resentMessageId: this.resentMessageId,
        client: this.client,
        tls: this.tls,
        helo: this.helo,
        protocol: this.protocol,
        ...this.sasl,
        uid: this.uid,
        from: this.from,
        size: this.size,
        nrcpt: this.nrcpt,
        receivedAt: this.startedAt === undefined ? undefined : new Date(this.startedAt),
        removedAt: ended && this.endedAt !== undefined ? new Date(this.endedAt) : undefined,
        recipients: [...this.recipients.values()],
        recipientsOmitted: this.recipientsOmitted || undefined,
        deliveries: this.deliveries,
        rejected: some(this.rejected),
        actions: some(this.actions),
        bounceOf: this.bounceOf,
        bounces: some(this.bounces),
        previousQueueId: this.previousQueueId,
        previousInstance: this.previousInstance,
        nextQueueIds: some(this.nextQueueIds),
        complete: this.complete,
        end: this.end,
        lines: this.lines,
      }),
    }
  }

  /** Everything there is to know, as BSON can hold it. */
  save(): Data {
    return { ...this, recipients: [...this.recipients] }
  }

  static restore(saved: Data): Transaction {
    const { recipients, ...fields } = saved as Transaction & { recipients: [string, Recipient][] }
    const transaction = new Transaction(fields.host, fields.instance, fields.queueId, fields.firstAt)
    // What was undefined may come back as null.
    for (const [name, value] of Object.entries(fields)) {
      if (value !== null && value !== undefined) Object.assign(transaction, { [name]: value })
    }
    transaction.recipients = new Map(recipients)
    return transaction
  }
}

function some<T>(list: T[]): T[] | undefined {
  return list.length > 0 ? list : undefined
}

function attemptOf({ time, status, dsn, relay, response }: Recipient): Attempt {
  return present({ time, status, dsn, relay, response })
}

function actionOf({ action, stage, part, code, enhancedCode, reason, to }: ActionLine): Action {
  return present({ action, stage, part, code, enhancedCode, reason, to })
}
