import { Asker } from '../../lib/ask/index.js'
import {
  compilePatterns,
  type EventBatch,
  type EventSink,
  EventstormError,
  readHint,
  reason,
  type SinkContext,
  SinkError,
  type StoreReader,
  type TypeHint,
  typeOfHint,
} from '../../lib/index.js'
import { Access } from './access.js'
import { Aggregates } from './aggregates.js'
import { Assets } from './assets.js'
import { RowMaker } from './clip.js'
import { HttpSide } from './http.js'
import { Hub } from './hub.js'
import type { WebsocketOptions } from './options.js'
import { MAX_CLIENT_MESSAGE, type ServerStatus, type Strip, SUBPROTOCOL } from './protocol.js'
import { Recent } from './recent.js'
import { Secrets } from './secrets.js'
import { TIERS } from './series.js'
import { statusOf } from './status.js'
import type { Transport, TransportHandler } from './transport.js'
import { loadUws, UwsTransport } from './uws-transport.js'
import { WebSockets } from './web-sockets.js'
import { WsTransport } from './ws-transport.js'

/** Ticks of the fastest views, milliseconds. */
const QUARTER = 250
/** After a second has ended, its late events get so long before it is told. */
const GRACE = 150
/** The event loop gets a turn at least so often, milliseconds. */
const TURN = 20
const HOUR = '1h'
/** Rows that a page may have in a second. */
const ROWS_PER_SECOND = 20

/** Counts what comes, and tells browsers. What has been counted survives a `reconnect` of the sink. */
export class LiveSink implements EventSink {
  readonly subscribe = ['_meta.**']
  /** Where people find it, once it is open. */
  url: string | undefined
  #options: WebsocketOptions
  #readToken: () => Promise<string | undefined>
  #hints: Record<string, TypeHint>
  #context!: SinkContext
  #aggregates: Aggregates | undefined
  #recent!: Recent
  #hub!: Hub
  #http!: HttpSide
  #access!: Access
  #sockets!: WebSockets
  #transport: Transport | undefined
  #store: StoreReader | undefined
  #asker: Asker | undefined
  #epoch = 0
  #stop = () => {}
  #closed = new AbortController()
  #told = 0
  #lost = 0
  #before = { received: 0, lost: 0, dropped: 0, late: 0 }
  #strip: Omit<Strip, 'types' | 'age' | 'clients' | 'total'> = { n: 0, lost: 0, dropped: 0 }
  #turnAt = 0

  constructor(
    options: WebsocketOptions,
    hints: Record<string, TypeHint>,
    readToken: () => Promise<string | undefined>,
  ) {
    this.#options = options
    this.#hints = hints
    this.#readToken = readToken
  }

  async open(context: SinkContext): Promise<void> {
    this.#context = context
    try {
      await this.#open()
    } catch (error) {
      await this.close()
      throw new SinkError('stop', reason(error), error)
    }
  }

  write(batch: EventBatch): void | Promise<void> {
    const aggregates = this.#aggregates!
    const recent = this.#recent
    aggregates.advance(this.#context.clock.now())
    for (const event of batch.events()) {
      const about = event.type.charCodeAt(0) === UNDERSCORE ? typeOfHint(event.type) : undefined
      if (about !== undefined) aggregates.describe(about, readHint(event.data))
      else {
        aggregates.add(event)
        recent.add(event)
      }
    }
    const now = performance.now()
    if (now - this.#turnAt < TURN) return
    // In a flood the queue never gets empty, and timers and sockets would have to wait.
    return new Promise((resolve) => {
      setImmediate(() => {
        this.#turnAt = performance.now()
        resolve()
      })
    })
  }

  async close(): Promise<void> {
    this.#stop()
    this.#closed.abort()
    this.#hub?.close()
    await this.#transport?.close()
    this.#transport = undefined
    await this.#store?.[Symbol.asyncDispose]()
    this.#store = this.#asker = undefined
    this.url = undefined
  }

  counters() {
    if (this.#aggregates === undefined || this.#hub === undefined) return {}
    const { opened, ticks, bytes, skipped, ...closed } = this.#hub.counts
    return {
      browsers: this.#hub.clients,
      browsersOpened: opened,
      ticksSent: ticks,
      ticksSkipped: skipped,
      tickBytes: bytes,
      browsersRefused: {
        ...closed,
        ...this.#access.counts,
        ...this.#sockets.counts,
        connections: this.#transport?.refused ?? 0,
      },
      httpRequests: this.#http.counts.requests,
      httpRequestsRefused: this.#http.counts.refused,
      notKept: { ...this.#aggregates.refused, memory: this.#aggregates.memory.refused },
    }
  }

  async #open(): Promise<void> {
    const { clock, log, name, inlet } = this.#context
    this.#closed = new AbortController()
    const options = this.#options
    const now = clock.now()
    const token = await this.#readToken()
    const tls = options.tlsCert && options.tlsKey ? { cert: options.tlsCert, key: options.tlsKey } : undefined
    const secure = tls !== undefined || options.behindProxy
    this.#access = new Access({ ...options, token, secure })
    if (options.store !== undefined) {
      this.#store = await this.#context.openStore(options.store)
      this.#asker = new Asker(this.#store, {}, clock)
    }
    this.#aggregates ??= this.#makeAggregates(now)
    const limits = {
      clients: options.maxClients,
      subscriptions: options.maxSubscriptions,
      patterns: options.maxPatterns,
      views: options.maxViews,
      viewSeries: options.maxViewSeries,
      stall: options.stall,
    }
    this.#hub = new Hub(limits, this.#aggregates, this.#recent, {
      v: 1,
      epoch: this.#epoch,
      name,
      endpoints: [...inlet.endpoints],
      subscribe: [...inlet.subscribe],
      tiers: TIERS,
      limits: {
        subscriptions: limits.subscriptions,
        patterns: limits.patterns,
        series: limits.viewSeries,
        rowsPerSecond: ROWS_PER_SECOND,
        stall: limits.stall,
      },
      store: this.#asker !== undefined,
    })
    this.#http = new HttpSide({
      access: this.#access,
      aggregates: this.#aggregates,
      recent: this.#recent,
      assets: new Assets(),
      asker: this.#asker,
      epoch: this.#epoch,
      now: () => clock.now(),
      status: () => this.#status(),
      maxSeries: options.maxViewSeries,
    })
    this.#sockets = new WebSockets(this.#hub, this.#access, clock, options)
    await this.#listen(tls)
    if (this.#asker) void this.#lookIntoStore(this.#asker)
    this.#told = Math.floor(now / 1000)
    this.#stop = clock.every(QUARTER, () => this.#beat())
    log.info({ url: this.url, transport: this.#transport!.name }, 'graphs are served')
  }

  #makeAggregates(now: number): Aggregates {
    const { maxTypes, maxSeries, maxFields, maxKeys, memory, late, hideFields } = this.#options
    const secrets = new Secrets(hideFields)
    this.#epoch = now
    this.#recent = new Recent(new RowMaker(secrets))
    const limits = {
      types: maxTypes,
      series: maxSeries,
      fields: maxFields,
      keys: maxKeys,
      memory,
      late: Math.ceil(late / 1000),
    }
    const { subscribe } = this.#context.inlet
    const { matches } = compilePatterns(subscribe.length > 0 ? subscribe : ['**'])
    return new Aggregates(limits, secrets, now, this.#hints, matches)
  }

  /** Types of the last day that the store has, and that may be silent now. */
  async #lookIntoStore(asker: Asker): Promise<void> {
    try {
      const { rows } = await asker.ask({ from: '1d', every: HOUR, by: ['type'] }, this.#closed.signal)
      const last = new Map(rows.map(([time, type]) => [String(type), Date.parse(String(time))]))
      for (const [type, at] of last) if (!type.startsWith('_')) this.#aggregates!.expect(type, at)
    } catch (error) {
      if (!this.#closed.signal.aborted)
        this.#context.log.warn({ error: reason(error) }, 'the store was not asked for the types that it has')
    }
  }

  async #listen(tls: { cert: string; key: string } | undefined): Promise<void> {
    const { host, port, otherPort, maxClients } = this.#options
    this.#transport = await this.#chooseTransport()
    const handler: TransportHandler = {
      request: (request) => this.#http.answer(request),
      upgrade: (request) => this.#sockets.upgrade(request),
      opened: (peer) => this.#sockets.opened(peer),
      message: (peer, text) => this.#hub.message(peer, text, this.#context.clock.now()),
      closed: (peer) => this.#sockets.closed(peer),
    }
    const settings = {
      host,
      port,
      tls,
      subprotocol: SUBPROTOCOL,
      maxMessage: MAX_CLIENT_MESSAGE,
      // Some more than browsers, for their requests and to tell those that are too many.
      maxConnections: maxClients + 200,
    }
    const listening = await this.#transport.listen(settings, handler).catch((error) => {
      if (otherPort && error.code === 'EADDRINUSE')
        return this.#transport!.listen({ ...settings, port: 0 }, handler)
      throw new EventstormError(
        'BIND_FAILED',
        `cannot listen on ${host}:${port}: ${reason(error)}; choose another --port`,
        error,
      )
    })
    const name = host.includes(':') ? `[${host}]` : host
    this.url = `${tls ? 'https' : 'http'}://${name}:${listening.port}/`
  }

  async #chooseTransport(): Promise<Transport> {
    const { transport, uwsPath } = this.#options
    if (transport === 'ws') return new WsTransport()
    try {
      return new UwsTransport(await loadUws(uwsPath))
    } catch (error) {
      this.#context.log.warn(
        { error: reason(error) },
        'uWebSockets.js does not load here; going on with ws. It is installed from github.com/uNetworking/uWebSockets.js',
      )
      return new WsTransport()
    }
  }

  /** A quarter of a second is over. */
  #beat(): void {
    const aggregates = this.#aggregates!
    const now = this.#context.clock.now()
    // Before the next second begins, as what was lost belongs to the second in which that was noticed.
    this.#countLost()
    aggregates.advance(now)
    this.#recent.close(aggregates.quarter)
    const ended = Math.floor((now - GRACE) / 1000) > this.#told
    if (ended) {
      this.#told = Math.floor((now - GRACE) / 1000)
      this.#endSecond()
      this.#hub.look(now)
    }
    const strip = this.#stripNow(now)
    this.#hub.tick(4, now, strip)
    if (ended) this.#hub.tick(1, now, strip)
    aggregates.quarter++
  }

  #endSecond(): void {
    const { received, lost, dropped } = this.#context.received()
    const { late } = this.#aggregates!.refused
    const before = this.#before
    this.#strip = {
      n: received - before.received,
      lost: Math.max(0, lost - before.lost),
      dropped: dropped - before.dropped + late - before.late,
    }
    this.#before = { received, lost, dropped, late }
  }

  #countLost(): void {
    const { lost } = this.#context.received()
    if (lost !== this.#lost) this.#aggregates!.countLost(this.#context.streams())
    this.#lost = lost
  }

  #stripNow(now: number): Strip {
    const { received, lost, dropped, late } = this.#before
    const total = { n: received, lost, dropped: dropped + late }
    return { ...this.#strip, ...this.#aggregates!.strip(now), clients: this.#hub.clients, total }
  }

  #status(): ServerStatus {
    const now = this.#context.clock.now()
    return statusOf({
      epoch: this.#epoch,
      now,
      transport: this.#transport?.name ?? '',
      inlet: this.#context.inlet,
      strip: this.#stripNow(now),
      store: this.#asker !== undefined,
      aggregates: this.#aggregates!,
      recent: this.#recent,
      hub: this.#hub,
      counters: this.counters(),
    })
  }
}

const UNDERSCORE = 95
