import type { Data, NewEvent } from '../../lib/index.js'
import type { PostfixCounters } from './counters.js'
import { isLoopback, type Peer } from './peer.js'
import { type End, Transaction } from './transaction.js'

export interface TableLimits {
  /** Most transactions that are open at the same time. */
  maxTransactions: number
  /** Most recipients that are listed of one transaction. */
  maxRecipients: number
  /** How long nothing may be heard of a transaction before it is given up, in milliseconds. */
  maxAge: number
  /** How long lines that come late are waited for, in milliseconds. */
  settle: number
}

/** What is remembered of a transaction whose event is out. */
interface Ended {
  /** The latest time of the log then. */
  at: number
  startedAt?: number
  client?: Peer
}

/** How many ended transactions are remembered, and how long, so that their late lines are known for what they are. */
const MOST_ENDED = 10_000
const ENDED_FOR = 60_000

/** How many attempts are kept for each transaction that may be open; a bound of memory, not of what is delivered. */
const ATTEMPTS_EACH = 10

/** Most instances of Postfix that are looked through for a message's next queue. */
const MOST_INSTANCES = 20

const keyOf = (host: string, instance: string, queueId: string) => `${queueId} ${instance} ${host}`

/**
 * The transactions under way, by host, instance and queue id. Bounded by number and age; what is given up is emitted
 * as incomplete. Time is the latest time of the log.
 */
export class TransactionTable {
  #limits: TableLimits
  #counters: PostfixCounters
  /** The one that was heard of longest ago comes first. */
  #open = new Map<string, Transaction>()
  /** What has ended or lost its client, and until when it waits for late lines; the shortest wait comes first. */
  #settling = new Map<string, number>()
  /** The oldest comes first. */
  #ended = new Map<string, Ended>()
  #instances = new Set<string>()
  #weight = 0

  constructor(limits: TableLimits, counters: PostfixCounters) {
    this.#limits = limits
    this.#counters = counters
  }

  get size(): number {
    return this.#open.size
  }

  find(host: string, instance: string, queueId: string): Transaction | undefined {
    return this.#open.get(keyOf(host, instance, queueId))
  }

  /** Whether its event went out a moment ago, so that what is heard now came late. */
  hasEnded(host: string, instance: string, queueId: string): boolean {
    return this.#ended.has(keyOf(host, instance, queueId))
  }

  open(host: string, instance: string, queueId: string, time: number): Transaction {
    const transaction = new Transaction(host, instance, queueId, time)
    const key = keyOf(host, instance, queueId)
    this.#open.set(key, transaction)
    this.#ended.delete(key)
    if (this.#instances.size < MOST_INSTANCES) this.#instances.add(instance)
    return transaction
  }

  /** A line has come that belongs to it. */
  touch(transaction: Transaction, time: number, now: number): void {
    transaction.lines++
    if (time > transaction.lastAt) transaction.lastAt = time
    if (time < transaction.firstAt) transaction.firstAt = time
    transaction.touchedAt = now
    const key = this.#keyOf(transaction)
    this.#open.delete(key)
    this.#open.set(key, transaction)
  }

  /** What one transaction weighs more than before. */
  grow(by: number): void {
    this.#weight += by
  }

  /** It has ended, but for lines that come late. */
  end(transaction: Transaction, end: End, time: number, now: number, events: NewEvent[]): void {
    transaction.end = end
    transaction.endedAt = time
    if (transaction.settled || !(end === 'removed' || end === 'expired')) this.close(transaction, now, events)
    else this.#wait(transaction, now)
  }

  /** Its client has gone. What did not come into the queue by then never will. */
  leave(transaction: Transaction, now: number): void {
    if (!transaction.queued && transaction.end === undefined) this.#wait(transaction, now)
  }

  #wait(transaction: Transaction, now: number): void {
    const key = this.#keyOf(transaction)
    this.#settling.delete(key)
    this.#settling.set(key, now + this.#limits.settle)
  }

  /** Gives its event. */
  close(transaction: Transaction, now: number, events: NewEvent[], end?: End): void {
    transaction.end ??= end
    const key = this.#keyOf(transaction)
    this.#open.delete(key)
    this.#settling.delete(key)
    this.#weight -= transaction.weight
    const { startedAt, client } = transaction
    this.#ended.delete(key)
    this.#ended.set(key, {
      at: now,
      ...(startedAt !== undefined && { startedAt }),
      ...(client !== undefined && { client }),
    })
    this.#counters.transactions++
    if (!transaction.complete) this.#counters.incompleteTransactions++
    events.push(transaction.toEvent())
  }

  /**
   * The message that a relay on this machine took under `queueId` at about `time`, when that is one of ours: a remote
   * server's answer looks the same, so the message must have come in from there, since `earliest`.
   */
  findReinjected(
    host: string,
    queueId: string,
    relay: Peer | undefined,
    earliest: number,
    time: number,
  ): { instance: string; open: Transaction | undefined } | undefined {
    for (const instance of this.#instances) {
      const key = keyOf(host, instance, queueId)
      const open = this.#open.get(key)
      const found = open ?? this.#ended.get(key)
      if (found?.startedAt === undefined || found.startedAt < earliest || found.startedAt > time) continue
      const near = isLoopback(found.client) || (relay?.address && relay.address === found.client?.address)
      if (near) return { instance, open }
    }
    return undefined
  }

  /** Gives up what is too old, and too many. */
  sweep(now: number, events: NewEvent[]): void {
    for (const [key, until] of this.#settling) {
      if (until > now) break
      this.#settle(key, now, events)
    }
    for (const transaction of this.#open.values()) {
      if (now - transaction.touchedAt <= this.#limits.maxAge) break
      this.close(transaction, now, events, 'timeout')
    }
    for (const [key, { at }] of this.#ended) {
      if (now - at <= ENDED_FOR) break
      this.#ended.delete(key)
    }
    this.#crowdOut(this.#limits.maxTransactions, now, events)
  }

  /** Makes room for one more. */
  makeRoom(now: number, events: NewEvent[]): void {
    this.#crowdOut(this.#limits.maxTransactions - 1, now, events)
  }

  #crowdOut(most: number, now: number, events: NewEvent[]): void {
    const heaviest = this.#limits.maxTransactions * ATTEMPTS_EACH
    for (const transaction of this.#open.values()) {
      if (this.#open.size <= most && this.#weight <= heaviest) break
      if (transaction.end === undefined) this.#counters.crowdedOut++
      this.close(transaction, now, events, 'crowded-out')
    }
    for (const key of this.#ended.keys()) {
      if (this.#ended.size <= MOST_ENDED) break
      this.#ended.delete(key)
    }
  }

  #settle(key: string, now: number, events: NewEvent[]): void {
    this.#settling.delete(key)
    const transaction = this.#open.get(key)
    if (transaction === undefined) return
    if (transaction.end === undefined) {
      // It is on its way into the queue, which may be a long one.
      if (transaction.queued || (transaction.headersSeen && !transaction.lost && !transaction.discarded))
        return
      transaction.endedAt = transaction.lastAt
      transaction.end = transaction.discarded
        ? 'discarded'
        : transaction.rejected.length > 0
          ? 'rejected'
          : 'abandoned'
    }
    this.close(transaction, now, events)
  }

  /** The clock of the log was set back: nothing waits for times that were never to come. */
  setBack(now: number, events: NewEvent[]): void {
    for (const key of [...this.#settling.keys()]) this.#settle(key, now, events)
    for (const transaction of this.#open.values()) {
      if (transaction.touchedAt > now) transaction.touchedAt = now
    }
    this.#ended.clear()
  }

  /** Gives all that is open. */
  closeAll(now: number, events: NewEvent[]): void {
    for (const key of [...this.#settling.keys()]) this.#settle(key, now, events)
    for (const transaction of this.#open.values()) this.close(transaction, now, events, 'log-end')
  }

  save(): Data {
    return {
      open: [...this.#open.values()].map((transaction) => transaction.save()),
      settling: [...this.#settling],
      ended: [...this.#ended],
      instances: [...this.#instances],
    }
  }

  restore(saved: Data): void {
    const { open, settling, ended, instances } = saved as {
      open: Data[]
      settling: [string, number][]
      ended: [string, Ended][]
      instances: string[]
    }
    for (const each of open) {
      const transaction = Transaction.restore(each)
      this.#open.set(this.#keyOf(transaction), transaction)
      this.#weight += transaction.weight
    }
    this.#settling = new Map(settling)
    this.#ended = new Map(ended)
    this.#instances = new Set(instances)
  }

  #keyOf({ host, instance, queueId }: Transaction): string {
    return keyOf(host, instance, queueId)
  }
}
