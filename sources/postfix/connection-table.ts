import type { Data, NewEvent } from '../../lib/index.js'
import { Connection } from './connection.js'
import type { PostfixCounters } from './counters.js'

export interface ConnectionLimits {
  /** Most connections that are open at the same time. */
  maxConnections: number
  /** How long nothing may be heard of a connection before it is given up, in milliseconds. */
  maxAge: number
}

/** Which process serves it; a process serves one connection after the other. */
export interface Server {
  host: string
  instance: string
  service: string | undefined
  pid: number
}

const keyOf = ({ host, instance, pid }: Server) => `${pid} ${instance} ${host}`

/** The sessions of smtpd under way, by process. Bounded by number and age; what is given up is emitted as incomplete. */
export class ConnectionTable {
  #limits: ConnectionLimits
  #counters: PostfixCounters
  /** The one that was heard of longest ago comes first. */
  #open = new Map<string, Connection>()

  constructor(limits: ConnectionLimits, counters: PostfixCounters) {
    this.#limits = limits
    this.#counters = counters
  }

  get size(): number {
    return this.#open.size
  }

  find(server: Server): Connection | undefined {
    return this.#open.get(keyOf(server))
  }

  /** The connection that the process serves, from now on if nothing was known of it. */
  touch(server: Server, now: number, events: NewEvent[]): Connection {
    const key = keyOf(server)
    let connection = this.#open.get(key)
    if (connection === undefined) {
      this.#crowdOut(this.#limits.maxConnections - 1, events)
      const { host, instance, service, pid } = server
      connection = new Connection(host, instance, service, pid, now)
    } else {
      connection.touchedAt = now
      this.#open.delete(key)
    }
    this.#open.set(key, connection)
    return connection
  }

  remove(server: Server): void {
    this.#open.delete(keyOf(server))
  }

  /** Gives up a connection whose end was missed. */
  giveUp(connection: Connection, events: NewEvent[]): void {
    this.#open.delete(keyOf(connection))
    this.#counters.smtpConnections++
    events.push(connection.toEvent(connection.touchedAt))
  }

  sweep(now: number, events: NewEvent[]): void {
    for (const connection of this.#open.values()) {
      if (now - connection.touchedAt <= this.#limits.maxAge) break
      this.giveUp(connection, events)
    }
  }

  #crowdOut(most: number, events: NewEvent[]): void {
    for (const connection of this.#open.values()) {
      if (this.#open.size <= most) break
      this.giveUp(connection, events)
    }
  }

  setBack(now: number): void {
    for (const connection of this.#open.values()) {
      if (connection.touchedAt > now) connection.touchedAt = now
    }
  }

  closeAll(events: NewEvent[]): void {
    for (const connection of this.#open.values()) this.giveUp(connection, events)
  }

  save(): Data {
    return [...this.#open.values()].map((connection) => connection.save())
  }

  restore(saved: Data): void {
    for (const each of saved as Data[]) {
      const connection = Connection.restore(each)
      this.#open.set(keyOf(connection), connection)
    }
  }
}
