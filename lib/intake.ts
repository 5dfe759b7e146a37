import type { Clock } from './clock.js'
import { isTypeName } from './event.js'
import type { Ledger } from './loss.js'
import { eventsFill, type Header, type Malformation, readHeader } from './wire.js'

/** A message that is what the protocol says and has not come before: new events, or a new heartbeat. */
export interface News {
  type: string
  topic: Buffer
  header: Header
  body: Buffer
}

export interface IntakeOptions {
  ledger: Ledger
  clock: Clock
  /** Which types are asked for. Default: all. */
  matches?: (type: string) => boolean
  /** Longest type taken. */
  maxTopicBytes: number
  /** Whether to check that the events fill the body; who only reads headers leaves that to the next. */
  wholeBody: boolean
}

type TypeVerdict = 'wanted' | 'unwanted' | 'invalid'

/** Topics whose verdict is remembered; a flood of made-up ones empties the memory, no more. */
const MAX_KNOWN_TYPES = 20_000

/**
 * What sinks and routers do alike with what comes in, in the order of PROTOCOL.md section 11: refuse what is
 * malformed, leave out what was not asked for, account for losses, discard what came before. Nothing throws.
 */
export class Intake {
  /** Messages that came, of any kind. */
  messages = 0
  /** Bytes of the bodies of messages of two frames. */
  bytes = 0
  heartbeats = 0
  /** Messages of types that share a subscribed prefix but were not asked for. */
  unmatched = 0
  readonly malformed: Record<Malformation, number> = {
    frames: 0,
    topic: 0,
    header: 0,
    version: 0,
    events: 0,
    overlap: 0,
  }
  #options: IntakeOptions
  #types = new Map<string, TypeVerdict>()

  constructor(options: IntakeOptions) {
    this.#options = options
  }

  /** Takes a message; undefined when there is nothing new in it. */
  take(frames: Buffer[]): News | undefined {
    this.messages++
    const [topic, body] = frames
    if (frames.length !== 2) return this.#refuse('frames')
    this.bytes += body!.length
    // Before it becomes a text: what a stranger sends as a topic may be megabytes long.
    const type = topic!.length > this.#options.maxTopicBytes ? '' : topic!.toString()
    const verdict = this.#types.get(type) ?? this.#judge(type)
    if (verdict === 'invalid') return this.#refuse('topic')
    if (verdict === 'unwanted') {
      this.unmatched++
      return undefined
    }
    const header = readHeader(body!)
    if (typeof header === 'string') return this.#refuse(header)
    if (this.#options.wholeBody && !eventsFill(body!, header.length, header.count))
      return this.#refuse('events')
    return this.#isNew(type, header) ? { type, topic: topic!, header, body: body! } : undefined
  }

  #isNew(type: string, { source, epoch, seq, count, beat }: Header): boolean {
    const stream = this.#options.ledger.stream(type, source, epoch, this.#options.clock.now())
    if (count === 0) {
      this.heartbeats++
      stream.heartbeat(seq)
      return stream.isNewBeat(beat)
    }
    const verdict = stream.accept(seq, count)
    if (verdict === 'overlap') this.#refuse('overlap')
    return verdict === 'fresh' || verdict === 'late'
  }

  #refuse(reason: Malformation): undefined {
    this.malformed[reason]++
    return undefined
  }

  #judge(type: string): TypeVerdict {
    const wanted = this.#options.matches?.(type) ?? true
    const verdict = !isTypeName(type) ? 'invalid' : wanted ? 'wanted' : 'unwanted'
    if (this.#types.size >= MAX_KNOWN_TYPES) this.#types.clear()
    this.#types.set(type, verdict)
    return verdict
  }
}
