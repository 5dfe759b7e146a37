import type { Data } from '../../lib/index.js'
import type { Peer } from './names.js'

/** What is known of one connection from the lines it has had so far. Times are milliseconds since 1970. */
export interface Connection extends Peer {
  /** Host and process id; empty for lines without one, which are not remembered. */
  key: string
  /** When it had its latest line. */
  seen: number
  /** Failed logins so far. */
  failures: number
  loggedInAt?: number
  /** When PAM opened its session. */
  openedAt?: number
  ended?: boolean
}

export interface ConnectionLimits {
  /** Connections remembered at a time: so many that have not logged in, and so many that have. */
  maxConnections: number
  /** Milliseconds without a line, by the stamps of the log, after which a connection is forgotten. */
  connectionAge: number
}

/**
 * The connections that a log speaks of, by host and process id. Strangers and those logged in are kept apart, so
 * that no number of strangers drives out what is known of a session that is still open.
 */
export class Connections {
  #limits: ConnectionLimits
  /** In order of their latest line. */
  #strangers = new Map<string, Connection>()
  #users = new Map<string, Connection>()
  /** Those logged in by address and port: the end of a session is logged by another process than its beginning. */
  #byPeer = new Map<string, Connection>()
  #onForgotten: () => void

  /** @param onForgotten called for each connection that is given up before its end was seen */
  constructor(limits: ConnectionLimits, onForgotten: () => void) {
    this.#limits = limits
    this.#onForgotten = onForgotten
  }

  get size(): number {
    return this.#strangers.size + this.#users.size
  }

  /** The connection that a line of that process is about, if it is known. */
  find(key: string | undefined, { address, port }: Peer): Connection | undefined {
    const mine = key === undefined ? undefined : (this.#users.get(key) ?? this.#strangers.get(key))
    // A process id comes again, the same port from the same address hardly ever.
    if (mine !== undefined && (port === undefined || mine.port === undefined || mine.port === port))
      return mine
    return port === undefined ? undefined : this.#byPeer.get(peerKey(address, port))
  }

  /** A connection that was not known, in place of whatever had its process id before. */
  add(key: string | undefined, time: number): Connection {
    const connection: Connection = { key: key ?? '', seen: time, failures: 0 }
    if (key === undefined) return connection
    this.remove(this.#users.get(key))
    this.#strangers.delete(key)
    this.#strangers.set(key, connection)
    this.#trim(this.#strangers, time)
    return connection
  }

  /** It had a line. */
  touch(connection: Connection, time: number): void {
    connection.seen = time
    if (connection.key === '') return
    const map = this.#users.get(connection.key) === connection ? this.#users : this.#strangers
    map.delete(connection.key)
    map.set(connection.key, connection)
  }

  /** Its user is in. */
  logIn(connection: Connection, time: number): void {
    connection.loggedInAt = time
    if (connection.key === '') return
    this.#strangers.delete(connection.key)
    this.#users.set(connection.key, connection)
    if (connection.port !== undefined) {
      this.#byPeer.set(peerKey(connection.address, connection.port), connection)
    }
    this.#trim(this.#users, time)
  }

  /** It is over. Kept among the strangers for a while, since more lines may tell of the same end. */
  end(connection: Connection): void {
    connection.ended = true
    // PAM closes its session after the connection.
    if (connection.openedAt !== undefined || connection.key === '') return
    this.remove(connection)
    this.#strangers.set(connection.key, connection)
    this.#trim(this.#strangers, connection.seen)
  }

  remove(connection: Connection | undefined): void {
    if (connection === undefined) return
    const { key, address, port } = connection
    if (this.#users.get(key) === connection) this.#users.delete(key)
    if (this.#strangers.get(key) === connection) this.#strangers.delete(key)
    if (port === undefined) return
    if (this.#byPeer.get(peerKey(address, port)) === connection) this.#byPeer.delete(peerKey(address, port))
  }

  /** Those that are logged in, for the next life. */
  save(): Data {
    return [...this.#users.values()].map((each) => ({ ...each }))
  }

  restore(saved: Data): void {
    for (const each of saved as Connection[]) {
      this.#users.set(each.key, each)
      if (each.port !== undefined) this.#byPeer.set(peerKey(each.address, each.port), each)
    }
  }

  #trim(map: Map<string, Connection>, time: number): void {
    const { maxConnections, connectionAge } = this.#limits
    for (const connection of map.values()) {
      if (map.size <= maxConnections && connection.seen >= time - connectionAge) return
      this.remove(connection)
      if (!connection.ended) this.#onForgotten()
    }
  }
}

const peerKey = (address: string | undefined, port: number) => `${address} ${port}`
