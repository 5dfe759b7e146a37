import type { StormEvent } from './event.js'
import { SINK_REPORT, type SinkReport, SOURCE_REPORT, type SourceReport } from './report.js'

/** A source that has not reported for so long, milliseconds, is taken for dead: a quiet one goes on reporting. */
const SILENT_AFTER = 5000
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

export interface AuditedTotals {
  sink: string
  received: number
  lost: number
  duplicate: number
  written: number
  alreadyStored: number
  dropped: Record<string, number>
  queued: number
  /** `received - written - alreadyStored - dropped - queued`; 0 at any moment. */
  balance: number
  alive: boolean
}

interface KnownSink {
  epoch: number
  report: SinkReport
  heard: number
}

interface KnownStream {
  source: string
  epoch: number
  type: string
  sent: number | undefined
  sinks: Map<string, SinkReport['streams'][number]>
}

/** Adds up the whole bus from what its sources and sinks report of themselves. */
export class Audit {
  #streams = new Map<string, KnownStream>()
  #sources = new Map<string, number>()
  #sinks = new Map<string, KnownSink>()

  /** Takes a report; anything else, or what is none by its looks, is left alone. */
  take(event: StormEvent, now: number): void {
    if (event.type === SOURCE_REPORT && isReport(event.data))
      this.#takeSource(event, event.data as never, now)
    else if (event.type === SINK_REPORT && isReport(event.data))
      this.#takeSink(event, event.data as never, now)
  }

  streams(now: number): AuditedStream[] {
    return [...this.#streams.values()].map((stream) => {
      const { source, epoch, type, sinks } = stream
      const alive = isAlive(this.#sources.get(`${epoch} ${source}`), now)
      const proven = Math.max(0, ...[...sinks.values()].map(({ next }) => next))
      const sent = alive || stream.sent === undefined ? stream.sent : Math.max(stream.sent, proven)
      const audited = [...sinks].map(([sink, { received, lost, duplicate, before, next }]) => {
        const known = sent ?? proven
        const told = alive && isAlive(this.#sinks.get(sink)?.heard, now)
        const unheard = told ? 0 : Math.max(0, known - next)
        const balance = known - before - received - lost - unheard
        return { sink, received, lost, duplicate, before, unheard, balance }
      })
      return { source, epoch, type, sent, alive, sinks: audited }
    })
  }

  sinks(now: number): AuditedTotals[] {
    return [...this.#sinks].map(([sink, { report, heard }]) => {
      const { received, lost, duplicate, written, alreadyStored, dropped, queued } = report
      const gone = Object.values(dropped).reduce((sum, each) => sum + each, 0)
      const balance = received - written - alreadyStored - gone - queued
      const alive = isAlive(heard, now)
      return { sink, received, lost, duplicate, written, alreadyStored, dropped, queued, balance, alive }
    })
  }

  #takeSource({ source, epoch }: StormEvent, { streams }: SourceReport, now: number): void {
    this.#sources.set(`${epoch} ${source}`, now)
    for (const { type, sent } of streams) {
      const stream = this.#stream(source, epoch, type)
      if (stream) stream.sent = sent
    }
  }

  #takeSink({ source: sink, epoch }: StormEvent, report: SinkReport, now: number): void {
    const known = this.#sinks.get(sink)
    if (known === undefined && this.#sinks.size >= MAX_SINKS) return
    // What the last life of a sink said may come behind the first report of the next.
    if (known !== undefined && known.epoch > epoch && isAlive(known.heard, now)) return
    // Started anew it counts from 0 again; what its last life knew was lost with it.
    if (known !== undefined && known.epoch !== epoch)
      for (const { sinks } of this.#streams.values()) sinks.delete(sink)
    this.#sinks.set(sink, { epoch, report, heard: now })
    for (const each of report.streams) {
      this.#stream(each.source, each.epoch, each.type)?.sinks.set(sink, each)
    }
  }

  #stream(source: string, epoch: number, type: string): KnownStream | undefined {
    const key = `${source}\n${epoch}\n${type}`
    let stream = this.#streams.get(key)
    if (stream === undefined && this.#streams.size < MAX_STREAMS) {
      stream = { source, epoch, type, sent: undefined, sinks: new Map() }
      this.#streams.set(key, stream)
    }
    return stream
  }
}

function isAlive(heard: number | undefined, now: number): boolean {
  return heard !== undefined && now - heard < SILENT_AFTER
}

function isReport(data: unknown): boolean {
  return Array.isArray((data as { streams?: unknown } | null)?.streams)
}
