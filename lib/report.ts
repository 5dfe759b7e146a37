/*
 * What sources and sinks tell of themselves on reserved types, so that anybody can add up the whole bus: an audit needs no
 * channel of its own. Nothing is told, and nothing is gathered, while nobody listens.
 */

/** Of a source: what it has sent. */
export const SOURCE_REPORT = '_report.source'
/** Of a sink: what became of that. */
export const SINK_REPORT = '_report.sink'
export type ReportType = typeof SOURCE_REPORT | typeof SINK_REPORT

/** Streams in one report; who has more sends several. */
const MAX_STREAMS = 500

/** One stream of the source that reports; `sent` is the number it will give next. */
export interface SentStream {
  type: string
  sent: number
}

/** `data` of `_report.source`. */
export interface SourceReport {
  sent: number
  unwanted: number
  dropped: number
  streams: SentStream[]
}

/** One stream as a sink knows it. `before + received + lost = next`, but for what came twice. */
export interface ReceivedStream {
  source: string
  epoch: number
  type: string
  /** The number expected next. */
  next: number
  /** Numbers from before the sink asked for the stream. */
  before: number
  received: number
  lost: number
  duplicate: number
}

/** `data` of `_report.sink`: `received = written + alreadyStored + dropped + queued`. */
export interface SinkReport {
  received: number
  lost: number
  duplicate: number
  written: number
  alreadyStored: number
  dropped: Record<string, number>
  queued: number
  streams: ReceivedStream[]
}

/** A list in pieces that fit a report; at least one. */
export function inParts<T>(streams: readonly T[]): T[][] {
  const parts: T[][] = []
  for (let at = 0; at === 0 || at < streams.length; at += MAX_STREAMS) {
    parts.push(streams.slice(at, at + MAX_STREAMS))
  }
  return parts
}
