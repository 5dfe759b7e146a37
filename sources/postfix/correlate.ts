import type { Data, NewEvent } from '../../lib/index.js'
import type { ActionLine } from './action-line.js'
import { isRejection } from './action-line.js'
import type { ConnectionTable, Server } from './connection-table.js'
import type { PostfixCounters } from './counters.js'
import type { DeliveryLine } from './delivery-line.js'
import type { ClientLine, Marks, NotificationLine, PickupLine, PostfixLine, QueueLine } from './parse.js'
import { present } from './present.js'
import type { DisconnectLine } from './session-line.js'
import type { End, Start, Transaction } from './transaction.js'
import type { TransactionTable } from './transaction-table.js'

/** What the head of a line says. */
export interface Origin {
  host: string
  instance: string
  service: string | undefined
  daemon: string
  pid: number | undefined
  time: number
}

/** Lines of one message may be out of order by so many milliseconds. */
const JITTER = 5000

/** What ends a message when a check of its content does it. */
const CONTENT_ENDS: Record<string, End> = {
  'milter-reject': 'milter-reject',
  reject: 'reject',
  discard: 'discarded',
  'milter-discard': 'discarded',
}

/** Puts lines together to connections and transactions, and says what each line completes. */
export class Correlator {
  #transactions: TransactionTable
  #connections: ConnectionTable
  #counters: PostfixCounters
  #maxRecipients: number
  #now = 0

  constructor(
    transactions: TransactionTable,
    connections: ConnectionTable,
    counters: PostfixCounters,
    maxRecipients: number,
  ) {
    this.#transactions = transactions
    this.#connections = connections
    this.#counters = counters
    this.#maxRecipients = maxRecipients
  }

  /** The latest time of the log. */
  set now(now: number) {
    this.#now = now
  }

  /** Adds to `events` what the line completes; false when the line has no event of its own. */
  take(line: PostfixLine, origin: Origin, events: NewEvent[]): boolean {
    switch (line.kind) {
      case 'connect': {
        const server = this.#server(origin)
        if (server === undefined) return false
        const before = this.#connections.find(server)
        if (before) this.#connections.giveUp(before, events)
        const connection = this.#connections.touch(server, this.#now, events)
        connection.client = line.client
        connection.connectedAt = origin.time
        return false
      }
      case 'disconnect':
        return this.#disconnect(line, origin, events)
      case 'tls':
        if (line.direction === 'from')
          this.#connection(origin, events, line.peer, (each) => (each.tls = line.tls))
        return false
      case 'auth-failure':
        this.#connection(origin, events, line.client, (each) => each.authFailures++)
        return false
      case 'broken-session':
        this.#connection(origin, events, line.client, (each) => {
          each.breakOff(line)
          const queueId = each.queueIds.at(-1)
          const transaction = queueId && this.#transactions.find(origin.host, origin.instance, queueId)
          // After the end of the message it has been taken all the same.
          if (transaction && !transaction.queued && line.stage !== 'END-OF-MESSAGE') transaction.lost = true
        })
        return false
      case 'action':
        return this.#act(line, origin, events)
    }
    if (line.queueId === undefined) return false
    return this.#takeQueued(line, line.queueId, origin, events)
  }

  #takeQueued(line: PostfixLine, queueId: string, origin: Origin, events: NewEvent[]): boolean {
    switch (line.kind) {
      case 'client':
        this.#startByClient(line, queueId, origin, events)
        return false
      case 'pickup':
        this.#startByPickup(line, queueId, origin, events)
        return false
      case 'message-id': {
        const transaction = this.#forNewPart(
          queueId,
          origin,
          events,
          (each) => each.headersSeen && !line.resentMessageId,
        )
        transaction.headersSeen = true
        if (line.messageId !== undefined) transaction.messageId = line.messageId
        if (line.resentMessageId !== undefined) transaction.resentMessageId = line.resentMessageId
        return false
      }
      case 'active': {
        const transaction = this.#forNewPart(queueId, origin, events, () => false)
        transaction.queued = true
        transaction.from ??= line.from
        transaction.size ??= line.size
        transaction.nrcpt ??= line.nrcpt
        return false
      }
      case 'expired': {
        const transaction = this.#known(queueId, origin, events)
        if (transaction === undefined) return false
        transaction.queued = true
        transaction.from ??= line.from
        transaction.expired = true
        return false
      }
      case 'delivery':
        this.#deliver(line, queueId, origin, events)
        return true
      case 'notification':
        this.#notify(line, queueId, origin, events)
        return false
      case 'queue':
        this.#changeQueue(line, queueId, origin, events)
        return false
      default: {
        const transaction = this.#transactions.find(origin.host, origin.instance, queueId)
        if (transaction) this.#transactions.touch(transaction, origin.time, this.#now)
        return false
      }
    }
  }

  #server({ host, instance, service, daemon, pid }: Origin): Server | undefined {
    return daemon === 'smtpd' && pid !== undefined ? { host, instance, service, pid } : undefined
  }

  /** Tells the connection that the line's process serves. */
  #connection(
    origin: Origin,
    events: NewEvent[],
    client: ConnectClient,
    change: (connection: ReturnType<ConnectionTable['touch']>) => void,
  ): void {
    const server = this.#server(origin)
    if (server === undefined) return
    const connection = this.#connections.touch(server, this.#now, events)
    if (client !== undefined) connection.client ??= client
    change(connection)
  }

  #disconnect(line: DisconnectLine, origin: Origin, events: NewEvent[]): boolean {
    const server = this.#server(origin)
    if (server === undefined) return false
    const connection = this.#connections.touch(server, this.#now, events)
    this.#connections.remove(server)
    for (const queueId of connection.queueIds) {
      const transaction = this.#transactions.find(origin.host, origin.instance, queueId)
      if (transaction) this.#transactions.leave(transaction, this.#now)
    }
    this.#counters.smtpConnections++
    events.push(connection.toEvent(origin.time, line))
    return true
  }

  /** A new transaction, in the place of one that has the same id. */
  #begin(queueId: string, { host, instance, time }: Origin, events: NewEvent[]): Transaction {
    const before = this.#transactions.find(host, instance, queueId)
    if (before) this.#transactions.close(before, this.#now, events, 'reused')
    this.#transactions.makeRoom(this.#now, events)
    const transaction = this.#transactions.open(host, instance, queueId, time)
    this.#transactions.touch(transaction, time, this.#now)
    return transaction
  }

  #start(queueId: string, start: Start, origin: Origin, events: NewEvent[]): Transaction {
    const before = this.#transactions.find(origin.host, origin.instance, queueId)
    // All the others may be heard a moment before the process that began; bounce is often the last to say anything.
    const early =
      before !== undefined &&
      before.start === undefined &&
      (!before.queued || origin.time - before.firstAt <= JITTER)
    const transaction = early ? before : this.#begin(queueId, origin, events)
    if (early) this.#transactions.touch(transaction, origin.time, this.#now)
    transaction.start = start
    transaction.startedAt = origin.time
    return transaction
  }

  #startByClient(line: ClientLine, queueId: string, origin: Origin, events: NewEvent[]): void {
    const transaction = this.#start(queueId, 'client', origin, events)
    transaction.client = line.client
    const { saslMethod, saslUsername, saslSender } = line
    transaction.sasl = present({ saslMethod, saslUsername, saslSender }) as Transaction['sasl']
    if (line.origQueueId !== undefined) transaction.previousQueueId = line.origQueueId
    this.#connection(origin, events, line.client, (connection) => {
      connection.message(queueId)
      transaction.tls = connection.tls
      connection.saslMethod ??= saslMethod
      connection.saslUsername ??= saslUsername
    })
  }

  #startByPickup(line: PickupLine, queueId: string, origin: Origin, events: NewEvent[]): void {
    const transaction = this.#start(queueId, 'pickup', origin, events)
    transaction.uid = line.uid
    transaction.from = line.from
    if (line.origQueueId !== undefined) transaction.previousQueueId = line.origQueueId
  }

  /**
   * The transaction for a line that comes early in the life of a message. One that is past that point is another
   * message that had the same id.
   */
  #forNewPart(
    queueId: string,
    origin: Origin,
    events: NewEvent[],
    hasIt: (transaction: Transaction) => boolean,
  ): Transaction {
    const found = this.#transactions.find(origin.host, origin.instance, queueId)
    if (found === undefined) return this.#begin(queueId, origin, events)
    const late = origin.time - found.firstAt <= JITTER && !hasIt(found)
    if (found.end !== undefined && !late) return this.#begin(queueId, origin, events)
    if (found.queued && hasIt(found)) return this.#begin(queueId, origin, events)
    this.#transactions.touch(found, origin.time, this.#now)
    return found
  }

  /** The transaction for a line that cannot be its first; undefined when the event is out already. */
  #known(queueId: string, origin: Origin, events: NewEvent[]): Transaction | undefined {
    const { host, instance, time } = origin
    const found = this.#transactions.find(host, instance, queueId)
    if (found) {
      this.#transactions.touch(found, time, this.#now)
      return found
    }
    if (this.#transactions.hasEnded(host, instance, queueId)) {
      this.#counters.lateLines++
      return undefined
    }
    // The log was joined in the middle.
    return this.#begin(queueId, origin, events)
  }

  /** Gives the event of an ended transaction as soon as nothing is missing. */
  #closeIfSettled(transaction: Transaction | undefined, events: NewEvent[]): void {
    if (transaction?.end !== undefined && transaction.settled)
      this.#transactions.close(transaction, this.#now, events)
  }

  #deliver(line: DeliveryLine & Marks, queueId: string, origin: Origin, events: NewEvent[]): void {
    const { host, instance, service, daemon, time } = origin
    const transaction = this.#known(queueId, origin, events)
    const { kind: _, queueId: __, level: ___, ...fields } = line
    const { messageId, from, size } = transaction ?? {}
    const nextQueueId = transaction && this.#linkNext(line, transaction, origin, events)
    events.push({
      type: 'smtp.delivery',
      time: new Date(time),
      data: present({
        host,
        instance,
        service,
        daemon,
        queueId,
        messageId,
        from,
        size,
        ...fields,
        nextQueueId,
      }),
    })
    if (transaction === undefined) return
    transaction.queued = true
    const weight = transaction.weight
    transaction.deliver(fields, time, this.#maxRecipients)
    this.#transactions.grow(transaction.weight - weight)
    this.#closeIfSettled(transaction, events)
  }

  /** The queue id under which the message goes on in a queue of this machine. */
  #linkNext(
    line: DeliveryLine,
    transaction: Transaction,
    origin: Origin,
    events: NewEvent[],
  ): string | undefined {
    const queueId = line.remoteQueueId
    if (queueId === undefined || line.status !== 'sent' || queueId === transaction.queueId) return undefined
    let next: { instance: string; open: Transaction | undefined } | undefined
    if (origin.daemon === 'local') {
      const open = this.#transactions.find(origin.host, origin.instance, queueId)
      if (open && open.start === undefined) {
        open.start = 'forward'
        open.startedAt = open.firstAt
      }
      next = { instance: origin.instance, open }
    } else {
      const earliest = origin.time - (line.delay ?? 0) * 1000 - JITTER
      next = this.#transactions.findReinjected(
        origin.host,
        queueId,
        line.relay,
        earliest,
        origin.time + JITTER,
      )
    }
    if (next === undefined) return undefined
    transaction.next(queueId)
    if (next.open) {
      next.open.previousQueueId ??= transaction.queueId
      if (next.instance !== origin.instance) next.open.previousInstance = origin.instance
      this.#closeIfSettled(next.open, events)
    }
    return queueId
  }

  #notify(line: NotificationLine, queueId: string, origin: Origin, events: NewEvent[]): void {
    const { host, instance } = origin
    const { recipient, notification, notificationQueueId } = line
    this.#known(queueId, origin, events)?.bounce({ queueId: notificationQueueId, recipient, notification })
    const child = this.#transactions.find(host, instance, notificationQueueId)
    if (child === undefined && this.#transactions.hasEnded(host, instance, notificationQueueId)) return
    const started = this.#start(notificationQueueId, 'notification', origin, events)
    started.startedAt = started.firstAt
    started.bounceOf = queueId
    this.#closeIfSettled(started, events)
  }

  #changeQueue(line: QueueLine, queueId: string, origin: Origin, events: NewEvent[]): void {
    const transaction = this.#known(queueId, origin, events)
    if (transaction === undefined || transaction.end !== undefined) return
    const end = (how: End) => this.#transactions.end(transaction, how, origin.time, this.#now, events)
    if (line.event === 'removed') {
      end(origin.daemon === 'postsuper' ? 'deleted' : transaction.expired ? 'expired' : 'removed')
    } else if (line.event === 'requeued') {
      end('requeued')
    } else {
      transaction.act({ kind: 'action', action: line.event, reason: '' })
    }
  }

  #act(line: ActionLine & { queueId?: string }, origin: Origin, events: NewEvent[]): boolean {
    const { host, instance, service, daemon, pid, time } = origin
    const rejection = isRejection(line)
    const { queueId } = line
    let transaction = queueId === undefined ? undefined : this.#known(queueId, origin, events)
    if (transaction) {
      transaction.helo ??= line.helo
      transaction.protocol ??= line.protocol
      if (rejection) transaction.reject(line)
      else transaction.act(line)
      if (line.action.endsWith('discard')) transaction.discarded = true
    }
    if (rejection) {
      this.#connection(origin, events, line.client, (connection) => connection.rejects++)
      const { kind: _, queueId: __, ...fields } = line
      const data = present({ host, instance, service, daemon, pid, queueId, ...fields })
      events.push({ type: 'smtp.reject', time: new Date(time), data })
    }
    const end =
      daemon === 'cleanup' && Object.hasOwn(CONTENT_ENDS, line.action) ? CONTENT_ENDS[line.action] : undefined
    if (transaction && end !== undefined && transaction.end === undefined) {
      this.#transactions.end(transaction, end, time, this.#now, events)
      transaction = undefined
    }
    return rejection
  }

  save(): Data {
    return { transactions: this.#transactions.save(), connections: this.#connections.save() }
  }
}

type ConnectClient = ReturnType<ConnectionTable['touch']>['client']
