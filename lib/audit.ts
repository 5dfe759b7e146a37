import { Member, type Vitality } from './audit-member.js'
import type { StormEvent } from './event.js'
import {
  type ReceivedStream,
  readSinkReport,
  readSourceReport,
  type SentStream,
  SINK_REPORT,
  type SinkReport,
  SOURCE_REPORT,
  type SourceReport,
} from './report.js'

/** What a stranger can make an audit remember. */
const MAX_STREAMS = 100_000
const MAX_SINKS = 1000

/** A stream at one sink. */
export interface AuditedSink {
  sink: string
  received: number
  lost: number
  duplicate: number
  /** Numbers from before the sink asked for it. */
  before: number
  /**
   * Sent, and the sink does not know that: of a source that died before it could tell, or at a sink that is dead itself.
   * 0 while both live, for then the sink will learn of it.
   */
  unheard: number
  /** `sent - before - received - lost - unheard`: what is under way, while anything is; else 0. */
  balance: number
}

/** The events of one type of one life of a source, at all sinks that know of it. */
export interface AuditedStream {
  source: string
  epoch: number
  type: string
  /**
   * What the source says; undefined when it has never reported here. Of a dead one at least what some sink knows of:
   * its last report may be older. What it sent beyond that, nobody can know.
   */
  sent: number | undefined
  /** Whether the source still reports. */
  alive: boolean
  sinks: AuditedSink[]
}

/** One life of a source. */
export interface AuditedSource extends Omit<SourceReport, 'streams' | 'every' | 'ended'> {
  source: string
  epoch: number
  state: Vitality
  /** When it reported last, milliseconds since 1970; undefined when only sinks know of it. */
  heard: number | undefined
}

/**
 * How a sink is doing. `stalled`: it reports, and of what living sources send nothing comes to it. `slow`: its queue
 * fills. `down`: its target takes nothing. `dead` is said at `Vitality`.
 */
export type SinkHealth = Vitality | 'stalled' | 'slow' | 'down'

/** One life of a sink: what it received, and what became of that. */
export interface AuditedTotals extends Omit<SinkReport, 'streams' | 'state' | 'every' | 'ended'> {
  sink: string
  /** `received - written - alreadyStored - dropped - queued`; 0 at any moment. */
  balance: number
  /** Whether it still reports. */
  alive: boolean
  state: SinkHealth
  /** Since when it is in that state, milliseconds since 1970; of a dead one when it reported last. */
  since: number
}

class KnownSource extends Member {
  totals = { sent: 0, unwanted: 0, dropped: 0 }
  readonly streams = new Map<string, KnownStream>()

  constructor(
    readonly source: string,
    readonly epoch: number,
  ) {
    super()
  }
}

interface KnownStream {
  sent: number | undefined
  sinks: Map<string, AtSink>
}

interface AtSink extends ReceivedStream {
  /** Since when the sink is behind its source and does not get on. */
  stuck: number | undefined
}

class KnownSink extends Member {
  /** When a number of any stream was last seen to get on. */
  moved = Number.NEGATIVE_INFINITY
  /** Since when its state is what it says now. */
  since = 0

  constructor(
    readonly epoch: number,
    public totals: Omit<SinkReport, 'streams'>,
  ) {
    super()
  }
}

/** Adds up the whole bus from what its sources and sinks report of themselves. */
export class Audit {
  /** Reports that were none by their looks, and streams and sinks for which there was no room. */
  refused = 0
  /** Lives of sources that were forgotten to make room for others; they were silent for longest. */
  forgotten = 0
  #sources = new Map<string, KnownSource>()
  #streams = 0
  #sinks = new Map<string, KnownSink>()
  #maxStreams: number

  /** @param maxStreams streams remembered at most. Default: 100,000. */
  constructor({ maxStreams = MAX_STREAMS }: { maxStreams?: number } = {}) {
    this.#maxStreams = maxStreams
  }

  /** Takes a report; anything else is left alone. */
  take(event: StormEvent, now: number): void {
    if (event.type === SOURCE_REPORT) {
      const report = readSourceReport(event.data)
      if (report) this.#takeSource(event, report, now)
      else this.refused++
    } else if (event.type === SINK_REPORT) {
      const report = readSinkReport(event.data)
      if (report) this.#takeSink(event, report, now)
      else this.refused++
    }
  }

  /** All lives of sources that are known. `now` is milliseconds since 1970, here and below. */
  sources(now: number): AuditedSource[] {
    return [...this.#sources.values()].map((each) => {
      const { source, epoch, heard, totals } = each
      return {
        source,
        epoch,
        state: each.vitality(now),
        heard: Number.isFinite(heard) ? heard : undefined,
        ...totals,
      }
    })
  }

  /** All streams that are known, each with its sinks. */
  streams(now: number): AuditedStream[] {
    return [...this.#sources.values()].flatMap((known) => {
      const { source, epoch } = known
      const alive = known.isAlive(now)
      return [...known.streams].map(([type, stream]) => {
        const sinks = [...stream.sinks]
        const proven = Math.max(0, ...sinks.map(([, { next }]) => next))
        const sent = alive || stream.sent === undefined ? stream.sent : Math.max(stream.sent, proven)
        const audited = sinks.map(([sink, { received, lost, duplicate, before, next }]) => {
          const sure = sent ?? proven
          const told = alive && this.#sinks.get(sink)?.isAlive(now)
          const unheard = told ? 0 : Math.max(0, sure - next)
          const balance = sure - before - received - lost - unheard
          return { sink, received, lost, duplicate, before, unheard, balance }
        })
        return { source, epoch, type, sent, alive, sinks: audited }
      })
    })
  }

  /** The present or last life of each sink. */
  sinks(now: number): AuditedTotals[] {
    const stuck = this.#stuck(now)
    return [...this.#sinks].map(([sink, known]) => {
      const { state: _, every: __, ended: ___, ...counted } = known.totals
      const { received, written, alreadyStored, dropped, queued } = counted
      const gone = Object.values(dropped).reduce((sum, each) => sum + each, 0)
      const balance = received - written - alreadyStored - gone - queued
      return { sink, ...counted, balance, alive: known.isAlive(now), ...health(known, stuck.get(sink), now) }
    })
  }

  /** Since when each sink gets nothing of something that a living source sends. */
  #stuck(now: number): Map<string, number> {
    const since = new Map<string, number>()
    for (const source of this.#sources.values()) {
      if (!source.isAlive(now)) continue
      for (const { sinks } of source.streams.values()) {
        for (const [sink, { stuck }] of sinks) {
          if (stuck === undefined || now - stuck < source.patience) continue
          since.set(sink, Math.min(stuck, since.get(sink) ?? stuck))
        }
      }
    }
    return since
  }

  #takeSource({ source, epoch }: StormEvent, report: SourceReport, now: number): void {
    const { streams, sent, unwanted, dropped } = report
    this.#makeRoom(source, epoch, streams, now)
    const known = this.#source(source, epoch)
    if (known === undefined) return
    known.hear(report, now)
    known.totals = { sent, unwanted, dropped }
    for (const { type, sent } of streams) {
      const stream = this.#stream(known, type)
      if (stream) stream.sent = sent
    }
  }

  #takeSink({ source: sink, epoch }: StormEvent, { streams, ...totals }: SinkReport, now: number): void {
    const before = this.#sinks.get(sink)
    // What the last life of a sink said may come behind the first report of the next.
    if (before !== undefined && before.epoch > epoch && before.isAlive(now)) return
    const known = before?.epoch === epoch ? before : this.#sinkBegins(sink, epoch, totals, now)
    if (known === undefined) return
    known.hear(totals, now)
    if (known.totals.state !== totals.state) known.since = now
    known.totals = totals
    for (const each of streams) {
      const source = this.#source(each.source, each.epoch)
      const stream = source && this.#stream(source, each.type)
      if (stream === undefined) continue
      const past = stream.sinks.get(sink)
      const rests = past?.next === each.next
      if (!rests) known.moved = now
      const stuck = rests && each.next < (stream.sent ?? 0) ? (past.stuck ?? now) : undefined
      stream.sinks.set(sink, { ...each, stuck })
    }
  }

  /** A new sink, or a new life of one: it counts from 0, and what its last life knew was lost with it. */
  #sinkBegins(
    sink: string,
    epoch: number,
    totals: Omit<SinkReport, 'streams'>,
    now: number,
  ): KnownSink | undefined {
    if (!this.#sinks.has(sink) && this.#sinks.size >= MAX_SINKS) {
      const [oldest] = [...this.#sinks].sort(([, a], [, b]) => a.heard - b.heard)
      if (oldest![1].isAlive(now)) {
        this.refused++
        return undefined
      }
      this.#forgetAt(oldest![0])
    }
    this.#forgetAt(sink)
    const known = new KnownSink(epoch, totals)
    known.since = now
    this.#sinks.set(sink, known)
    return known
  }

  #forgetAt(sink: string): void {
    if (!this.#sinks.delete(sink)) return
    for (const { streams } of this.#sources.values())
      for (const { sinks } of streams.values()) sinks.delete(sink)
  }

  #source(source: string, epoch: number): KnownSource | undefined {
    const key = keyOf(source, epoch)
    let known = this.#sources.get(key)
    // A source without a stream takes as much room as one with one.
    if (known === undefined && this.#sources.size < this.#maxStreams) {
      known = new KnownSource(source, epoch)
      this.#sources.set(key, known)
    }
    if (known === undefined) this.refused++
    return known
  }

  #stream(source: KnownSource, type: string): KnownStream | undefined {
    let stream = source.streams.get(type)
    if (stream === undefined && this.#streams < this.#maxStreams) {
      stream = { sent: undefined, sinks: new Map() }
      source.streams.set(type, stream)
      this.#streams++
    }
    if (stream === undefined) this.refused++
    return stream
  }

  /** For what a source says there is room while others are silent: a tenth at once, so that a scan serves many. */
  #makeRoom(source: string, epoch: number, streams: readonly SentStream[], now: number): void {
    const known = this.#sources.get(keyOf(source, epoch))
    const more = streams.filter(({ type }) => !known?.streams.has(type)).length
    const room = Math.min(
      this.#maxStreams - this.#streams - more,
      this.#maxStreams - this.#sources.size - (known ? 0 : 1),
    )
    if (room >= 0) return
    const silent = [...this.#sources].filter(([, each]) => !each.isAlive(now))
    silent.sort(([, a], [, b]) => a.heard - b.heard)
    for (const [key, each] of silent.slice(0, Math.ceil(this.#sources.size / 10))) {
      this.#sources.delete(key)
      this.#streams -= each.streams.size
      this.forgotten++
    }
  }
}

const keyOf = (source: string, epoch: number) => `${epoch} ${source}`

function health(
  sink: KnownSink,
  stuck: number | undefined,
  now: number,
): { state: SinkHealth; since: number } {
  const { heard, moved, since, totals } = sink
  const vitality = sink.vitality(now)
  if (vitality !== 'alive') return { state: vitality, since: heard }
  if (stuck !== undefined && now - moved >= sink.patience) return { state: 'stalled', since: stuck }
  if (totals.state === 'up') return { state: 'alive', since }
  return { state: totals.state === 'slow' ? 'slow' : 'down', since }
}
