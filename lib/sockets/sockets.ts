import { existsSync, readFileSync, rmSync } from 'node:fs'
import * as zmq from 'zeromq'
import type { Clock } from '../clock.js'
import { type Logger, silent } from '../component.js'
import { messagePassed } from '../done-messages.js'
import { EventstormError, reason } from '../errors.js'
import type { AllowList } from './allow-list.js'
import { type ConnectionCounters, type ConnectionLimits, Connections } from './connections.js'
import { checkEndpoint, isInproc, isReachable } from './endpoint.js'
import type { KeyPair } from './keys.js'
import type { Security } from './security.js'
import { Seldom } from './seldom.js'
import { guard } from './zap.js'

/*
 * The importer of zeromq, beside zap.ts. Both ends are built by one recipe, because libzmq's defaults lose, corrupt,
 * hang or abort in ways that were all seen:
 *
 * - options are assigned after a bare construction: a constructor that throws crashes the process at its exit
 * - sendTimeout 0: with the default every 514th un-awaited send throws EBUSY
 * - receiveHighWaterMark 0: a full receive pipe, PING commands and a TCP reset abort libzmq 4.3.5 from outside
 * - no ZMTP heartbeats, for the same reason; TCP keepalive finds dead peers, our own heartbeats find dead sources
 * - sendHighWaterMark 0 where subscriptions are sent: otherwise those beyond it are lost at a reconnect
 * - immediate where events are sent: a connection that breaks takes its subscriptions along, and nothing stale is queued
 *   for it. Not where they are received: a pipe that is ended at once takes along what was not read from it, and
 *   libzmq aborts when that is the second frame of a message (fq.cpp, `!_more`)
 * - linger 0 unless we drain: anything else can make the exit of the process wait for a stalled peer
 * - a zapDomain on everything bound, keys or not: libzmq asks us about each peer then, and takes none that speaks ZMTP 1,
 *   in which any garbage is a message
 */

export interface EndOptions extends ConnectionLimits {
  connect: readonly string[]
  bind: readonly string[]
  /** First wait before dialling again, milliseconds; doubles up to ten seconds. */
  reconnectInterval: number
  clock: Clock
  log?: Logger
  /** Default: none; only what this machine alone can reach may be bound then. */
  security?: Security
}

export interface SubscribingOptions extends EndOptions {
  /** Frames larger than this make libzmq drop the connection they come from. */
  maxMessageBytes: number
}

export interface PublishingOptions extends EndOptions {
  /** Messages held for each subscriber before they are dropped for that one. */
  sendHighWaterMark: number
}

const MAX_RECONNECT_INTERVAL = 10_000
/** Messages that wait for the end of a turn at most. */
const MOST_HELD = 64
/** Frames that subscribers may send: a byte and a prefix, and before that what a handshake takes. */
const MAX_SUBSCRIPTION_BYTES = 1024

type XSocket = zmq.Socket & {
  sendTimeout: number
  receiveHighWaterMark: number
  sendHighWaterMark: number
  send(frames: (string | Buffer)[]): Promise<void>
  receive(): Promise<Buffer[]>
  curveServer: boolean
  curvePublicKey: string | null
  curveSecretKey: string | null
  curveServerKey: string | null
  zapDomain: string | null
  zapEnforceDomain: boolean
}

/** What libzmq tells of a connection. */
interface MonitorEvent {
  address?: string
  error?: { code?: string }
}

// A socket that nothing refers to is closed by the garbage collector.
const open = new Set<End>()

abstract class End {
  /** Where it is bound, with the real port where the system chose one. */
  readonly endpoints: string[] = []
  protected socket: XSocket
  protected log: Logger
  #connections: Connections
  #seldom: Seldom
  #guards: (() => void)[] = []
  /** Endpoints that are dialled, and those of them that there is a connection to. */
  #dialled: number
  #reached = new Set<string | undefined>()
  /** Messages that are sent when the turn of the event loop is over. */
  #held: (string | Buffer)[][] = []

  protected constructor(socket: zmq.Socket, options: EndOptions, configure: (socket: XSocket) => void) {
    this.socket = socket as XSocket
    this.log = options.log ?? silent
    this.#connections = new Connections(options, options.clock)
    this.#seldom = new Seldom(options.clock)
    this.#dialled = options.connect.filter((endpoint) => !isInproc(endpoint)).length
    open.add(this)
    try {
      for (const endpoint of options.bind) checkEndpoint(endpoint, 'bind')
      for (const endpoint of options.connect) checkEndpoint(endpoint, 'connect')
      this.socket.linger = 0
      this.socket.sendTimeout = 0
      this.socket.receiveHighWaterMark = 0
      this.socket.ipv6 = [...options.bind, ...options.connect].some((endpoint) => endpoint.includes('['))
      this.socket.handshakeInterval = options.handshakeTimeout
      this.socket.reconnectInterval = options.reconnectInterval
      this.socket.reconnectMaxInterval = Math.max(MAX_RECONNECT_INTERVAL, options.reconnectInterval)
      this.socket.tcpKeepalive = 1
      this.socket.tcpKeepaliveIdle = 30
      this.socket.tcpKeepaliveInterval = 10
      this.socket.tcpKeepaliveCount = 3
      configure(this.socket)
      // Of inproc there is nothing to tell, and one that nobody has bound is never done closing: the monitor would wait for it
      // and keep the process alive.
      if (![...options.bind, ...options.connect].every(isInproc)) this.#watch()
      for (const [i, endpoint] of options.bind.entries()) this.#bind(endpoint, i, options.security)
      for (const [i, endpoint] of options.connect.entries()) this.#connect(endpoint, i, options.security)
    } catch (error) {
      this.close()
      throw error
    }
  }

  get connections(): ConnectionCounters {
    return this.#connections.counters
  }

  get closed(): boolean {
    return this.socket.closed
  }

  /** Whether there is a connection to all that is dialled. */
  protected get isConnected(): boolean {
    return this.#reached.size >= this.#dialled
  }

  /** @param linger how long libzmq may go on sending what it holds, in the background; milliseconds. */
  close(linger = 0): void {
    open.delete(this)
    if (this.socket.closed) return
    this.#release()
    this.socket.linger = linger
    this.socket.close()
    for (const release of this.#guards) release()
    for (const endpoint of this.endpoints) removePath(endpoint)
  }

  /** For all that are bound or dialled from now on: libzmq takes the options as they are at that moment. */
  #bind(endpoint: string, i: number, security: Security | undefined): void {
    const list = security?.allow[i]
    if (security?.keys !== undefined && list !== undefined) this.#guardByKeys(security.keys, list)
    else if (!security?.insecure && isReachable(endpoint)) {
      throw new EventstormError(
        'BIND_INSECURE',
        `cannot listen on ${endpoint}: other machines can reach it, and anybody there could send and read events. Give it keys (eventstorm keygen, then key and allow), listen on 127.0.0.1, or allow it with insecure`,
      )
    } else if (!isInproc(endpoint)) this.#guardByCount()
    try {
      if (endpoint.startsWith('ipc://')) refuseTakenPath(endpoint.slice('ipc://'.length))
      this.socket.bindSync(endpoint.replace(/:0$/, ':*'))
    } catch (error) {
      throw new EventstormError(
        'BIND_FAILED',
        `cannot listen on ${endpoint}: ${reason(error)}; is another process using it?`,
        error,
      )
    }
    this.endpoints.push(this.socket.lastEndpoint ?? endpoint)
  }

  /** Encrypts, and lets in who is in the list. */
  #guardByKeys(keys: KeyPair, list: AllowList): void {
    const { domain, release } = guard({
      mechanism: 'CURVE',
      log: this.log,
      admit: (key, address) => {
        const name = list.nameOf(key)
        if (name !== undefined) return this.#hasRoom(name, key) ? name : undefined
        if (this.#seldom.isDue(key))
          this.log.warn({ key, address, list: list.path }, 'a peer was refused; its key is not in the list')
        return undefined
      },
    })
    this.#guards.push(release)
    this.socket.curveServer = true
    this.socket.curveSecretKey = keys.secretKey
    this.socket.zapDomain = domain
    this.socket.zapEnforceDomain = true
  }

  /** Lets in as many as there may be. */
  #guardByCount(): void {
    if (this.#guards.length > 0) return
    const { domain, release } = guard({
      mechanism: 'NULL',
      log: this.log,
      admit: (_, address) => (this.#hasRoom(address) ? 'anybody' : undefined),
    })
    this.#guards.push(release)
    this.socket.zapDomain = domain
  }

  #hasRoom(peer: string, key?: string): boolean {
    const verdict = this.#connections.admit(key)
    if (verdict === 'admitted') return true
    if (this.#seldom.isDue(`${verdict} ${key}`))
      this.log.warn(
        { peer, connections: this.#connections.peers },
        verdict === 'overCount'
          ? 'a peer was refused; there are maxConnections of them'
          : 'a peer was refused; its key comes more often than maxConnectionRate',
      )
    return false
  }

  #connect(endpoint: string, i: number, security: Security | undefined): void {
    const serverKey = security?.serverKeys[i]
    if (security?.keys !== undefined && serverKey !== undefined) {
      this.socket.curveServer = false
      this.socket.curvePublicKey = security.keys.publicKey
      this.socket.curveSecretKey = security.keys.secretKey
      this.socket.curveServerKey = serverKey
    }
    try {
      this.socket.connect(endpoint)
    } catch (error) {
      throw new EventstormError('CONNECT_FAILED', `cannot dial ${endpoint}: ${reason(error)}`, error)
    }
  }

  /** Monitor events must be drained or not be touched at all: an unread one blocks libzmq's I/O thread. */
  #watch(): void {
    const observe = (type: zmq.EventType, take: (event: MonitorEvent) => void, message?: string) =>
      this.socket.events.on(type, (told) => {
        const event = told as MonitorEvent
        take(event)
        if (message === undefined) return
        try {
          this.log.debug({ endpoint: event.address }, message)
        } catch {
          // A throw from here would end the draining.
        }
      })
    for (const type of ['accept', 'connect'] as const) observe(type, () => this.#connections.opened())
    const connected = ({ address }: MonitorEvent) => {
      this.#connections.connected()
      this.#reached.add(address)
    }
    const disconnected = ({ address }: MonitorEvent) => {
      this.#connections.disconnected()
      this.#reached.delete(address)
    }
    observe('handshake', connected, 'peer connected')
    observe('disconnect', disconnected, 'peer disconnected')
    for (const kind of ['protocol', 'auth', 'other'] as const) {
      // libzmq reads until there is nothing more, and that is the last error before a handshake's time is over.
      const refused = ({ error }: MonitorEvent) => this.#connections.refused(error?.code === 'EAGAIN')
      observe(`handshake:error:${kind}`, refused, 'peer refused')
    }
  }

  protected async receiveAll(each: (frames: Buffer[]) => void): Promise<void> {
    while (!this.socket.closed) {
      let frames: Buffer[]
      try {
        frames = await this.socket.receive()
      } catch (error) {
        if (this.socket.closed) return
        this.log.error({ error: reason(error) }, 'receiving failed')
        return
      }
      try {
        each(frames)
      } catch (error) {
        this.log.error({ error: reason(error) }, 'a received message could not be handled')
      }
    }
  }

  /** What is sent together wakes the thread of libzmq once; to wake it for each message takes longer than all the rest. */
  protected sendFrames(frames: (string | Buffer)[]): void {
    if (this.socket.closed) return
    if (this.#held.push(frames) === 1) process.nextTick(this.#release)
    else if (this.#held.length >= MOST_HELD) this.#release()
  }

  #release = () => {
    const held = this.#held
    if (held.length === 0) return
    this.#held = []
    // Each is resolved already; it can only reject when the socket was closed meanwhile.
    for (const frames of held) this.socket.send(frames).catch(ignore)
  }
}

const ignore = () => {}

/** libzmq leaves the file of an ipc endpoint behind. */
function removePath(endpoint: string): void {
  const [, path] = /^ipc:\/\/(\/.*)$/.exec(endpoint) ?? []
  if (path !== undefined) rmSync(path, { force: true })
}

/**
 * A second bind to an ipc path succeeds and takes the path away from its holder, so we look first (Linux). Nobody holds a path
 * whose file is gone, although a socket that has just been closed may still be in the table.
 */
function refuseTakenPath(path: string): void {
  if (!existsSync(path)) return
  let table: string
  try {
    table = readFileSync('/proc/net/unix', 'utf8')
  } catch {
    return
  }
  const listening = '00010000'
  for (const line of table.split('\n')) {
    if (line.split(' ')[3] === listening && line.endsWith(` ${path}`)) throw new Error('the path is in use')
  }
}

/** The end that events leave by: XPUB, so that it sees what is subscribed. */
export class PublishingEnd extends End {
  /** Frames from subscribers that were no subscriptions. */
  foreign = 0

  /** @param onSubscription called for the first subscription to a prefix and after the last one is gone. */
  constructor(options: PublishingOptions, onSubscription: (prefix: Buffer, wanted: boolean) => void) {
    super(new zmq.XPublisher(), options, (socket) => {
      socket.sendHighWaterMark = options.sendHighWaterMark
      socket.immediate = true
      socket.maxMessageSize = MAX_SUBSCRIPTION_BYTES
    })
    // Read all the time: unread subscriptions pile up, and are not acted upon.
    void this.receiveAll((frames) => {
      const [frame] = frames
      if (frames.length === 1 && (frame![0] === 0 || frame![0] === 1))
        onSubscription(frame!.subarray(1), frame![0] === 1)
      else this.foreign++
    })
  }

  /** Hands a message over. Buffers above 128 bytes are not copied and must not be touched again. */
  send(topic: Buffer, body: Buffer): void {
    this.sendFrames([topic, body])
  }
}

/** The end that events come in by: XSUB, as its subscriptions can be forwarded and its queue of them be unbounded. */
export class SubscribingEnd extends End {
  /** Changes of subscriptions that libzmq keeps, one by one, for a peer that cannot be reached. */
  waiting = 0

  constructor(options: SubscribingOptions, onMessage: (frames: Buffer[]) => void) {
    super(new zmq.XSubscriber(), options, (socket) => {
      socket.sendHighWaterMark = 0
      socket.maxMessageSize = options.maxMessageBytes
    })
    // A subscriber that is not receiving does not even send its subscriptions to a new publisher.
    void this.receiveAll((frames) => {
      messagePassed(frames[1]?.length ?? 0)
      onMessage(frames)
    })
  }

  subscribe(prefix: Buffer | string): void {
    this.#send(1, prefix)
  }

  unsubscribe(prefix: Buffer | string): void {
    this.#send(0, prefix)
  }

  #send(verb: 0 | 1, prefix: Buffer | string): void {
    this.waiting = this.isConnected ? 0 : this.waiting + 1
    this.sendFrames([Buffer.concat([Buffer.from([verb]), Buffer.from(prefix)])])
  }
}
