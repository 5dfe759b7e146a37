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
  /** What was sent and is neither received nor lost nor from before: under way, while anything is; else 0. */
  balance: number
}

export interface AuditedStream {
  source: string
  epoch: number
  type: string
  /** Undefined for a source that has never reported here. */
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
  #sinks = new Map<string, { report: SinkReport; heard: number }>()

  /** Takes a report; anything else, or what is none by its looks, is left alone. */
  take(event: StormEvent, now: number): void {
    if (event.type === SOURCE_REPORT && isReport(event.data))
      this.#takeSource(event, event.data as never, now)
    else if (event.type === SINK_REPORT && isReport(event.data))
      this.#takeSink(event, event.data as never, now)
  }

  streams(now: number): AuditedStream[] {
    return [...this.#streams.values()].map(({ source, epoch, type, sent, sinks }) => ({
      source,
      epoch,
      type,
      sent,
      alive: now - (this.#sources.get(`${epoch} ${source}`) ?? 0) < SILENT_AFTER,
      sinks: [...sinks].map(([sink, { received, lost, duplicate, before, next }]) => ({
        sink,
        received,
        lost,
        duplicate,
        before,
        balance: (sent ?? next) - before - received - lost,
      })),
    }))
  }

  sinks(now: number): AuditedTotals[] {
    return [...this.#sinks].map(([sink, { report, heard }]) => {
      const { received, lost, duplicate, written, alreadyStored, dropped, queued } = report
      const gone = Object.values(dropped).reduce((sum, each) => sum + each, 0)
      const balance = received - written - alreadyStored - gone - queued
      const alive = now - heard < SILENT_AFTER
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

  #takeSink({ source: sink }: StormEvent, report: SinkReport, now: number): void {
    if (!this.#sinks.has(sink) && this.#sinks.size >= MAX_SINKS) return
    this.#sinks.set(sink, { report, heard: now })
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

function isReport(data: unknown): boolean {
  return Array.isArray((data as { streams?: unknown } | null)?.streams)
}
