import { type Clock, systemClock } from './clock.js'
import { MAX_DEPTH } from './codec/codec.js'
import { type Logger, silent } from './component.js'
import type { Counters } from './counter-info.js'
import { bounding, dialling, receiving } from './end-options.js'
import { Intake } from './intake.js'
import { Ledger, type LossCounters } from './loss.js'
import { list, z } from './options.js'
import { compilePatterns } from './pattern.js'
import { DEFAULT_SINKS_ENDPOINT } from './sockets/endpoint.js'
import { Inlet } from './sockets/inlet.js'
import { allowLists, readSecurity, securing, serverKeys } from './sockets/security.js'
import type { Malformation, Message } from './wire.js'

/** How everything that receives events is connected and bounded. */
export const receiverOptions = z.strictObject({
  connect: list().meta({
    description: `Router or source to dial, repeatable. Default, when nothing is bound: ${DEFAULT_SINKS_ENDPOINT}.`,
    argument: 'endpoint',
  }),
  bind: list().meta({
    description: 'Endpoint to listen on for sources and routers, repeatable.',
    argument: 'endpoint',
  }),
  subscribe: list().prefault(['**']).meta({
    description: 'Event types wanted: `http.hit`, `cpu.*`, `http.**`; repeatable.',
    argument: 'pattern',
  }),
  ...receiving,
  ...dialling,
  ...bounding,
  maxDepth: z
    .int()
    .min(1)
    .max(MAX_DEPTH)
    .default(MAX_DEPTH)
    .meta({ description: 'How deep documents and lists may lie in each other; deeper events are left out.' }),
  serverKey: serverKeys('what is dialled'),
  allow: allowLists('what is bound'),
  ...securing,
})

export interface ReceiverCounters extends LossCounters {
  /** Messages that came, of any kind. */
  messages: number
  bytes: number
  heartbeats: number
  /** Messages of types that share a subscribed prefix but were not asked for. */
  unmatched: number
  /** Messages that were not what the protocol says, by reason. */
  malformed: Record<Malformation, number>
}

/**
 * The receiving half that sinks, `subscribe` and `top` share: a bounded way in, and what comes through it that is
 * well-formed, asked for and new.
 */
export class Receiver {
  readonly ledger: Ledger
  readonly #connect: readonly string[]
  #inlet: Inlet
  #intake: Intake

  constructor(
    options: z.output<typeof receiverOptions> & { clock?: Clock; log?: Logger },
    deliver: (message: Message) => void,
  ) {
    const { connect, bind, subscribe, maxStreams, maxTopicBytes, maxDepth } = options
    const { clock = systemClock, log = silent } = options
    const { prefixes, matches } = compilePatterns(subscribe)
    const attached = clock.micros()
    this.ledger = new Ledger({ maxStreams, since: () => attached })
    this.#intake = new Intake({ ledger: this.ledger, clock, matches, maxTopicBytes, wholeBody: true })
    this.#connect = connect.length + bind.length === 0 ? [DEFAULT_SINKS_ENDPOINT] : connect
    const ends = { bind, connect: this.#connect }
    this.#inlet = new Inlet(
      { ...options, ...ends, security: readSecurity(options, ends), clock, log },
      (frames) => {
        const news = this.#intake.take(frames)
        if (news === undefined || news.header.count === 0) return
        const { type, body, header } = news
        const { source, epoch, seq, count, length } = header
        deliver({ type, source, epoch, seq, count, body, offset: length, maxDepth })
      },
    )
    for (const prefix of prefixes) this.#inlet.subscribe(prefix)
  }

  get endpoints(): readonly string[] {
    return this.#inlet.endpoints
  }

  /** Where its events come from: what it dials, and where it listens. */
  get sources(): readonly string[] {
    return [...this.#connect, ...this.endpoints]
  }

  counters(): ReceiverCounters & Counters {
    const { messages, bytes, heartbeats, unmatched, malformed } = this.#intake
    return {
      messages,
      bytes,
      heartbeats,
      ...this.ledger.totals,
      unmatched,
      malformed: { ...malformed },
      connections: this.#inlet.connections,
      streams: this.ledger.size,
      forgottenStreams: this.ledger.forgotten,
      forbidden: this.#inlet.forbidden,
      resets: this.#inlet.resets,
    }
  }

  /** Stops receiving at once. */
  close(): void {
    this.#inlet.close()
  }
}
