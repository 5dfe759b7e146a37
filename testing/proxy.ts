import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'
import { setTimeout as wait } from 'node:timers/promises'
import { seeded } from './random.js'

/** What becomes of what passes a `TcpProxy`; both ways, each connection for itself. */
export interface Weather {
  /** How long a piece is under way at least, milliseconds. */
  delay?: number
  /** How much longer at most, milliseconds. */
  jitter?: number
  /** Share of the pieces that are lost and sent again, as TCP does; all behind them wait as well. */
  loss?: number
  /** Default: no bound. */
  bytesPerSecond?: number
}

/** How long TCP waits before it sends again, milliseconds. */
const RETRANSMISSION = 200

/**
 * A network of our own, between whoever dials and an endpoint: it delays, stalls, narrows, hangs and cuts connections, in
 * user space, so that it runs where the kernel has no network emulation or nobody may use it. It stands before anything
 * that speaks TCP: a router, a sink, or the server of a store.
 *
 *     await using way = await TcpProxy.to(sink.endpoints[0])
 *     const source = new EventSource({ connect: [way.endpoint] })
 *     way.hang()
 */
export class TcpProxy implements AsyncDisposable {
  weather: Weather = {}
  #target: { host: string; port: number }
  #random: () => number
  #server: Server
  #sockets = new Set<Socket>()
  #refusing = false
  #hang: { promise: Promise<void>; end: () => void } | undefined

  private constructor(endpoint: string, random: () => number) {
    const { hostname: host, port } = new URL(endpoint)
    this.#target = { host, port: Number(port) }
    this.#random = random
    this.#server = createServer((near) => this.#carry(near))
  }

  /**
   * A proxy in front of an endpoint; resolves when it listens.
   * @param endpoint anything with a host and a port, such as `tcp://127.0.0.1:5555` or `mongodb://127.0.0.1:27017/db`
   * @param random from 0 up to but without 1, for jitter and loss. Default: a seeded generator.
   */
  static async to(endpoint: string, random: () => number = seeded(1)): Promise<TcpProxy> {
    const proxy = new TcpProxy(endpoint, random)
    proxy.#server.listen(0, '127.0.0.1')
    await once(proxy.#server, 'listening')
    return proxy
  }

  /** Where it listens, on the loopback interface. */
  get endpoint(): string {
    return `tcp://127.0.0.1:${this.port}`
  }

  /** Where it listens, on 127.0.0.1. */
  get port(): number {
    return (this.#server.address() as AddressInfo).port
  }

  /** Nothing passes, and nobody is told: as with a cable that is pulled out. */
  hang(): void {
    let end = () => {}
    const promise = new Promise<void>((resolve) => {
      end = resolve
    })
    this.#hang ??= { promise, end }
  }

  /** What is connected is cut; with `refuse`, who dials is turned away until it is mended. */
  cut({ refuse = false } = {}): void {
    this.#refusing = refuse
    for (const socket of this.#sockets) socket.resetAndDestroy()
  }

  /** As if nothing had been. */
  mend(): void {
    this.weather = {}
    this.#refusing = false
    this.#hang?.end()
    this.#hang = undefined
  }

  /** Cuts all connections and listens no more. */
  close(): void {
    this.#server.close()
    this.cut({ refuse: true })
    this.#hang?.end()
  }

  /** Closes it. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.close()
  }

  #carry(near: Socket): void {
    if (this.#refusing) {
      near.resetAndDestroy()
      return
    }
    const far = connect(this.#target)
    for (const [from, to] of [
      [near, far],
      [far, near],
    ] as const) {
      this.#sockets.add(from)
      from.setNoDelay(true)
      from.once('close', () => {
        this.#sockets.delete(from)
        to.destroy()
      })
      from.on('error', () => {})
      // One that breaks takes the other along, by its `close`.
      this.#pass(from, to).catch(() => from.destroy())
    }
  }

  async #pass(from: Socket, to: Socket): Promise<void> {
    for await (const piece of from as AsyncIterable<Buffer>) {
      const { delay = 0, jitter = 0, loss = 0, bytesPerSecond = Number.POSITIVE_INFINITY } = this.weather
      const again = this.#random() < loss ? RETRANSMISSION : 0
      const time = delay + jitter * this.#random() + again + (piece.length / bytesPerSecond) * 1000
      if (time > 0) await wait(time)
      await this.#hang?.promise
      if (!to.write(piece)) await once(to, 'drain')
    }
    to.end()
  }
}
