import { checkComponent } from './check-component.js'
import { type Clock, systemClock } from './clock.js'
import { type Logger, type RouterComponent, type Running, type Status, silent } from './component.js'
import type { Counters } from './counter-info.js'
import { bounding, dialling, publishing, receiving } from './end-options.js'
import { Intake } from './intake.js'
import { Lifecycle } from './lifecycle.js'
import { Ledger, type Stream } from './loss.js'
import { list, parseOptions, z } from './options.js'
import { DEFAULT_SINKS_ENDPOINT, DEFAULT_SOURCES_ENDPOINT } from './sockets/endpoint.js'
import { Inlet } from './sockets/inlet.js'
import { Outlet } from './sockets/outlet.js'
import { allowLists, readSecurity, securing, serverKeys } from './sockets/security.js'
import type { Malformation } from './wire.js'

/** What can be set of an EventRouter. */
export const routerOptions = z.strictObject({
  bindSources: list().meta({
    description: `Endpoint where sources dial in, repeatable. Default, when nothing else brings events: ${DEFAULT_SOURCES_ENDPOINT}.`,
    argument: 'endpoint',
  }),
  bindSinks: list().meta({
    description: `Endpoint where sinks dial in, repeatable. Default, when nothing else takes events: ${DEFAULT_SINKS_ENDPOINT}.`,
    argument: 'endpoint',
  }),
  connectSources: list().meta({
    description: 'Bound source, or the sink side of another router, to dial; repeatable.',
    argument: 'endpoint',
  }),
  connectSinks: list().meta({
    description: 'Bound sink, or the source side of another router, to dial; repeatable.',
    argument: 'endpoint',
  }),
  ...receiving,
  ...publishing,
  ...dialling,
  ...bounding,
  serverKeySources: serverKeys('what is dialled at the side of the sources'),
  serverKeySinks: serverKeys('what is dialled at the side of the sinks'),
  allowSources: allowLists('what is bound for sources'),
  allowSinks: allowLists('what is bound for sinks'),
  ...securing,
})

/** Options of an EventRouter as a user writes them, with what an application may hand over beside. */
export type RouterOptions = z.input<typeof routerOptions> & {
  clock?: Clock
  log?: Logger
  /** What may pass. Default: everything. */
  component?: RouterComponent
}

export interface RouterCounters extends Counters {
  /** From the sources: what came. */
  messagesIn: number
  bytesIn: number
  /** To the sinks: what was passed on. */
  messagesOut: number
  eventsOut: number
  bytesOut: number
  heartbeats: number
  /** Events that came a second time, on another path or through a loop. */
  duplicate: number
  /** Numbers that did not come by here. */
  lost: number
  received: number
  late: number
  /** Events kept back by the router's component. */
  filtered: number
  malformed: Record<Malformation, number>
  /** Prefixes wanted by the sinks. */
  subscriptions: number
  /** Frames from the sinks that were no subscriptions. */
  foreign: number
}

/**
 * The middle man: to sources it is a sink, to sinks a source. What is subscribed at one side is subscribed at
 * the other, through any number of routers. Reads headers only, copies nothing, and forwards each message
 * once, so that side-by-side routers, chains and even loops are safe.
 *
 *     await using router = new EventRouter({ bindSources: ['tcp://127.0.0.1:5555'], bindSinks: ['inproc://storm'] })
 *
 * Opens its sockets at once; keeps the process alive until closed.
 *
 * @throws COMPONENT_INVALID, OPTIONS_INVALID, ENDPOINT_INVALID, KEY_INVALID, PATTERN_INVALID (of a list of keys),
 *   BIND_INSECURE, BIND_FAILED, CONNECT_FAILED from the constructor
 */
export class EventRouter implements Running {
  /** Where sources can dial in, with the real ports where the system chose them. */
  readonly sourceEndpoints: readonly string[]
  /** Where sinks can dial in. */
  readonly sinkEndpoints: readonly string[]
  #options: z.output<typeof routerOptions>
  #life = new Lifecycle()
  #component: RouterComponent
  #in: Inlet
  #out: Outlet
  #ledger: Ledger
  /** Since when subscriptions have changed whose streams are not forgotten yet, microseconds. */
  #changedSince: number | undefined
  #intake: Intake
  #counts = { messagesOut: 0, eventsOut: 0, bytesOut: 0, filtered: 0 }

  constructor(options: RouterOptions = {}) {
    const { clock = systemClock, log = silent, component = {}, ...given } = options
    this.#options = parseOptions(routerOptions, given, 'EventRouter')
    checkComponent('router', component, { route: false })
    this.#component = component
    const { bindSources, bindSinks, connectSources, connectSinks, ...limits } = this.#options
    this.#ledger = new Ledger({
      maxStreams: limits.maxStreams,
      since: (type) => this.#out.interest.since(type) ?? Number.POSITIVE_INFINITY,
    })
    this.#intake = new Intake({
      ledger: this.#ledger,
      clock,
      maxTopicBytes: limits.maxTopicBytes,
      wholeBody: false,
    })
    const orDefault = (bind: string[], connect: string[], fallback: string) =>
      bind.length + connect.length === 0 ? [fallback] : bind
    const { key, insecure, serverKeySources, serverKeySinks, allowSources, allowSinks } = limits
    const sources = {
      bind: orDefault(bindSources, connectSources, DEFAULT_SOURCES_ENDPOINT),
      connect: connectSources,
    }
    const sinks = { bind: orDefault(bindSinks, connectSinks, DEFAULT_SINKS_ENDPOINT), connect: connectSinks }
    const ofSources = readSecurity(
      { key, insecure, serverKey: serverKeySources, allow: allowSources },
      sources,
    )
    const ofSinks = readSecurity({ key, insecure, serverKey: serverKeySinks, allow: allowSinks }, sinks)
    this.#in = new Inlet({ ...limits, ...sources, security: ofSources, clock, log }, (frames) =>
      this.#forward(frames),
    )
    try {
      this.#out = new Outlet({ ...limits, ...sinks, security: ofSinks, clock, log }, (...change) =>
        this.#onSubscription(...change),
      )
    } catch (error) {
      this.#in.close()
      throw error
    }
    this.sourceEndpoints = this.#in.endpoints
    this.sinkEndpoints = this.#out.endpoints
    this.#life.running()
  }

  get status(): Status {
    return this.#life.status
  }

  get ended(): Promise<void> {
    return this.#life.ended
  }

  counters(): RouterCounters {
    this.#forgetUnwanted()
    const { messages, bytes, heartbeats, malformed } = this.#intake
    return {
      messagesIn: messages,
      bytesIn: bytes,
      heartbeats,
      ...this.#counts,
      ...this.#ledger.totals,
      malformed: { ...malformed },
      subscriptions: this.#out.interest.size,
      foreign: this.#out.foreign,
      streams: this.#ledger.size,
      forgottenStreams: this.#ledger.forgotten,
      forbidden: this.#in.forbidden,
      resets: this.#in.resets + this.#out.resets,
      limitedSubscriptions: { ...this.#out.limited },
      sourceConnections: this.#in.connections,
      sinkConnections: { ...this.#out.connections },
    }
  }

  /** What is known of each stream that passes here. */
  streams(): Iterable<Stream> {
    this.#forgetUnwanted()
    return this.#ledger.streams()
  }

  /** Takes no more, and lets what is held for the sinks go out. */
  drain(timeout = this.#options.drainTimeout): Promise<void> {
    return this.#life.stop(() => this.#close(timeout))
  }

  close(): Promise<void> {
    return this.#life.stop(() => this.#close(0))
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.drain()
  }

  #close(linger: number): void {
    this.#in.close()
    this.#out.close(linger)
  }

  #forward(frames: Buffer[]): void {
    this.#forgetUnwanted()
    const news = this.#intake.take(frames)
    if (news === undefined) return
    const { type, topic, body, header } = news
    const { source, count } = header
    // Asked for heartbeats too: a beat of what was kept back would make it a loss at every sink behind.
    if (this.#component.route?.({ type, source, count }) ?? true) {
      this.#out.send(topic, body)
      this.#counts.messagesOut++
      this.#counts.eventsOut += count
      this.#counts.bytesOut += body.length
    } else {
      this.#counts.filtered += count
    }
  }

  #onSubscription(prefix: Buffer, wanted: boolean, micros: number): void {
    if (wanted) this.#in.subscribe(prefix)
    else this.#in.unsubscribe(prefix)
    this.#changedSince ??= micros
  }

  /**
   * The numbers of what we do not ask for go on without us, and that is no loss. What was still under way when we
   * asked no more may have begun a stream anew, so streams are forgotten at both ends of the silence. That looks at
   * every stream, so it is done once for all changes since the last message: sinks come and go with many prefixes.
   */
  #forgetUnwanted(): void {
    const changed = this.#changedSince
    if (changed === undefined) return
    this.#changedSince = undefined
    this.#ledger.forgetTypes((type) => {
      const since = this.#out.interest.since(type)
      return since === undefined || since >= changed
    })
  }
}
