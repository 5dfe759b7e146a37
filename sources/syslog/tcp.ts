import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { createServer, type Server, type Socket } from 'node:net'
import type { Address } from './address.js'
import { Frames } from './frames.js'

export interface TcpLimits {
  maxMessageBytes: number
  maxConnections: number
  /** Milliseconds. */
  idleTimeout: number
}

/** Shared by all inputs of one source. */
export interface TcpCounters {
  connectionsOpen: number
  connectionsAccepted: number
  connectionsRefused: number
  connectionsIdle: number
  connectionsBroken: number
}

export const newTcpCounters = (): TcpCounters => ({
  connectionsOpen: 0,
  connectionsAccepted: 0,
  connectionsRefused: 0,
  connectionsIdle: 0,
  connectionsBroken: 0,
})

interface Connection {
  socket: Socket
  frames: Frames
  /** When bytes came last, milliseconds. */
  active: number
}

/** A port for connections, each a stream of messages. */
export class TcpInput {
  address: Address
  #server: Server
  #limits: TcpLimits
  #counters: TcpCounters
  #connections = new Set<Connection>()
  #paused = false
  #onMessage: (bytes: Buffer, sender: string, truncated: boolean) => void
  #now: () => number

  private constructor(
    server: Server,
    address: Address,
    limits: TcpLimits,
    counters: TcpCounters,
    now: () => number,
    onMessage: (bytes: Buffer, sender: string, truncated: boolean) => void,
  ) {
    this.#server = server
    this.address = address
    this.#limits = limits
    this.#counters = counters
    this.#now = now
    this.#onMessage = onMessage
    server.on('connection', (socket) => this.#accept(socket))
  }

  /** @throws what the system says when the address cannot be bound */
  static async open(
    { host, port }: Address,
    limits: TcpLimits,
    counters: TcpCounters,
    now: () => number,
    onMessage: (bytes: Buffer, sender: string, truncated: boolean) => void,
  ): Promise<TcpInput> {
    // The other side's end must not end ours before what it has sent is read.
    const server = createServer({ allowHalfOpen: false })
    server.listen({ host, port, exclusive: true })
    await once(server, 'listening')
    // An error on accepting (no more file descriptors) leaves the server listening.
    server.on('error', () => counters.connectionsRefused++)
    const bound = { host, port: (server.address() as AddressInfo).port }
    return new TcpInput(server, bound, limits, counters, now, onMessage)
  }

  /** Lets the senders wait, which TCP tells them, or go on. */
  pause(paused: boolean): void {
    if (this.#paused === paused) return
    this.#paused = paused
    for (const { socket } of this.#connections) {
      if (paused) socket.pause()
      else socket.resume()
    }
  }

  /** Ends connections that have been silent for too long. */
  sweep(now: number): void {
    for (const connection of this.#connections) {
      // One that is not read cannot show that it is alive.
      if (this.#paused) connection.active = now
      if (now - connection.active < this.#limits.idleTimeout) continue
      this.#counters.connectionsIdle++
      this.#end(connection, false)
    }
  }

  async close(): Promise<void> {
    for (const connection of this.#connections) this.#end(connection, false)
    const closed = once(this.#server, 'close')
    this.#server.close()
    await closed
  }

  #accept(socket: Socket): void {
    // Counted over all ports together.
    if (this.#counters.connectionsOpen >= this.#limits.maxConnections) {
      this.#counters.connectionsRefused++
      socket.on('error', () => {})
      socket.destroy()
      return
    }
    const sender = socket.remoteAddress ?? ''
    const connection: Connection = {
      socket,
      active: this.#now(),
      frames: new Frames(this.#limits.maxMessageBytes, (bytes, truncated) =>
        this.#onMessage(bytes, sender, truncated),
      ),
    }
    this.#connections.add(connection)
    this.#counters.connectionsOpen++
    this.#counters.connectionsAccepted++
    socket.on('data', (bytes) => {
      if (!this.#connections.has(connection)) return
      connection.active = this.#now()
      if (connection.frames.push(bytes)) return
      this.#counters.connectionsBroken++
      this.#end(connection, false)
    })
    socket.on('end', () => this.#end(connection, true))
    socket.on('error', () => this.#end(connection, false))
    socket.on('close', () => this.#end(connection, false))
    if (this.#paused) socket.pause()
  }

  #end(connection: Connection, clean: boolean): void {
    if (!this.#connections.delete(connection)) return
    this.#counters.connectionsOpen--
    connection.frames.end(clean)
    connection.socket.destroy()
  }
}
