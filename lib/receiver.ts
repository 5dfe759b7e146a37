import { type Clock, systemClock } from './clock.js'
import { type Counters, type Logger, silent } from './component.js'
import { DEFAULT_SINKS_ENDPOINT } from './endpoint.js'
import { isTypeName, MAX_TYPE_BYTES } from './event.js'
import { Inlet } from './inlet.js'
import { Ledger, type LossCounters } from './loss.js'
import { byteSize, duration, list, z } from './options.js'
import { compilePatterns, type PatternSet } from './pattern.js'
import { eventsFill, type Malformation, type Message, readHeader } from './wire.js'

/** The bound that the inlets of sinks and routers share. */
export const maxMemoryOption = () =>
  byteSize().prefault('1GiB').meta({
    description:
      'Memory of the process above which waiting messages are dropped when they come in faster than they can be read. 0: no bound.',
  })

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
  maxMessageBytes: byteSize()
    .prefault('4MiB')
    .meta({ description: 'Largest message taken; a peer that sends a larger one is disconnected.' }),
  maxMemory: maxMemoryOption(),
  maxStreams: z
    .int()
    .min(1)
    .default(100_000)
    .meta({ description: 'Streams whose numbers are remembered; beyond it the quietest are forgotten.' }),
  reconnectInterval: duration()
    .prefault('1s')
    .meta({ description: 'First wait before dialling again; doubles up to 10s.' }),
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

type TypeVerdict = 'wanted' | 'unwanted' | 'invalid'

/** Topics whose verdict is remembered; a flood of made-up ones empties the memory, no more. */
const MAX_KNOWN_TYPES = 20_000

/**
 * The receiving half that sinks, `subscribe` and `top` share: takes frames, refuses what is malformed,
 * accounts for losses, discards duplicates and hands on what is new.
 */
export class Receiver {
  readonly ledger: Ledger
  #inlet: Inlet
  #clock: Clock
  #patterns: PatternSet
  #deliver: (message: Message) => void
  #types = new Map<string, TypeVerdict>()
  #messages = 0
  #bytes = 0
  #heartbeats = 0
  #unmatched = 0
  #malformed: Record<Malformation, number> = {
    frames: 0,
    topic: 0,
    header: 0,
    version: 0,
    events: 0,
    overlap: 0,
  }

  constructor(
    options: z.output<typeof receiverOptions> & { clock?: Clock; log?: Logger },
    deliver: (message: Message) => void,
  ) {
    const { connect, bind, subscribe, maxMessageBytes, maxMemory, maxStreams, reconnectInterval } = options
    this.#clock = options.clock ?? systemClock
    this.#deliver = deliver
    this.#patterns = compilePatterns(subscribe)
    const attached = this.#clock.micros()
    this.ledger = new Ledger({ maxStreams, since: () => attached })
    this.#inlet = new Inlet(
      {
        connect: connect.length + bind.length === 0 ? [DEFAULT_SINKS_ENDPOINT] : connect,
        bind,
        maxMessageBytes,
        maxMemory,
        reconnectInterval,
        clock: this.#clock,
        log: options.log ?? silent,
      },
      (frames) => this.#receive(frames),
    )
    for (const prefix of this.#patterns.prefixes) this.#inlet.subscribe(prefix)
  }

  get endpoints(): readonly string[] {
    return this.#inlet.endpoints
  }

  counters(): ReceiverCounters & Counters {
    return {
      messages: this.#messages,
      bytes: this.#bytes,
      heartbeats: this.#heartbeats,
      ...this.ledger.totals,
      unmatched: this.#unmatched,
      malformed: { ...this.#malformed },
      connections: this.#inlet.connections,
      streams: this.ledger.size,
      forgottenStreams: this.ledger.forgotten,
      resets: this.#inlet.resets,
    }
  }

  /** Stops receiving at once. */
  close(): void {
    this.#inlet.close()
  }

  #receive(frames: Buffer[]): void {
    this.#messages++
    const [topic, body] = frames
    if (frames.length !== 2) {
      this.#malformed.frames++
      return
    }
    this.#bytes += body!.length
    const type = topic!.length > MAX_TYPE_BYTES ? '' : topic!.toString()
    const verdict = this.#types.get(type) ?? this.#judge(type)
    if (verdict === 'invalid') this.#malformed.topic++
    else if (verdict === 'unwanted') this.#unmatched++
    else this.#read(type, body!)
  }

  #read(type: string, body: Buffer): void {
    const header = readHeader(body)
    if (typeof header === 'string') {
      this.#malformed[header]++
      return
    }
    const { source, epoch, seq, count, length } = header
    if (!eventsFill(body, length, count)) {
      this.#malformed.events++
      return
    }
    const stream = this.ledger.stream(type, source, epoch, this.#clock.now())
    if (count === 0) {
      this.#heartbeats++
      stream.heartbeat(seq)
      return
    }
    const verdict = stream.accept(seq, count)
    if (verdict === 'overlap') this.#malformed.overlap++
    else if (verdict !== 'duplicate') this.#deliver({ type, source, epoch, seq, count, body, offset: length })
  }

  #judge(type: string): TypeVerdict {
    const verdict = !isTypeName(type) ? 'invalid' : this.#patterns.matches(type) ? 'wanted' : 'unwanted'
    if (this.#types.size >= MAX_KNOWN_TYPES) this.#types.clear()
    this.#types.set(type, verdict)
    return verdict
  }
}
