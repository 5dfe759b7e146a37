import { isSourceName, isTypeName } from './event.js'
import { z } from './options.js'

/*
 * What sources and sinks tell of themselves on reserved types, so that anybody can add up the whole bus: an audit needs no
 * channel of its own. Nothing is told, and nothing is gathered, while nobody listens. What is read is a stranger's.
 */

/** Of a source: what it has sent. */
export const SOURCE_REPORT = '_report.source'
/** Of a sink: what became of that. */
export const SINK_REPORT = '_report.sink'
export type ReportType = typeof SOURCE_REPORT | typeof SINK_REPORT

/** Streams in one report; who has more sends several. */
const MAX_STREAMS = 500
const LONGEST_PAUSE = 3_600_000

const count = () => z.int().min(0).default(0)
const type = z.string().refine(isTypeName)
const reason = z.string().regex(/^[a-z]\w{0,39}$/i)

/** How often it is told, milliseconds, and whether this is the end: drained, and not dead. */
const telling = {
  every: z
    .number()
    .min(0)
    .transform((ms) => Math.min(ms, LONGEST_PAUSE))
    .default(1000),
  ended: z.boolean().default(false),
}

/** One stream of the source that reports; `sent` is the number it will give next. */
const sentStream = z.object({ type, sent: count() })

const sourceReport = z.object({
  ...telling,
  sent: count(),
  unwanted: count(),
  dropped: count(),
  streams: z.array(sentStream).max(MAX_STREAMS),
})

/**
 * One stream as a sink knows it: `next` is the number expected next, `before` how many are from before the sink asked.
 * `before + received + lost = next`, but for what came twice.
 */
const receivedStream = z.object({
  source: z.string().refine(isSourceName),
  epoch: count(),
  type,
  next: count(),
  before: count(),
  received: count(),
  lost: count(),
  duplicate: count(),
})

/** `received = written + alreadyStored + dropped + queued`. */
const sinkReport = z.object({
  ...telling,
  /** How it is doing; `slow` is up, with a queue that fills. */
  state: z.enum(['connecting', 'up', 'slow', 'down']).default('up'),
  received: count(),
  lost: count(),
  duplicate: count(),
  written: count(),
  alreadyStored: count(),
  dropped: z.record(reason, count()).default({}),
  queued: count(),
  streams: z.array(receivedStream).max(MAX_STREAMS),
})

export type SentStream = z.output<typeof sentStream>
export type SourceReport = z.output<typeof sourceReport>
export type ReceivedStream = z.output<typeof receivedStream>
export type SinkReport = z.output<typeof sinkReport>

/** A report out of what anybody sent; undefined when it is none. What is missing is 0. */
export const readSourceReport = (data: unknown) => sourceReport.safeParse(data).data
export const readSinkReport = (data: unknown) => sinkReport.safeParse(data).data

/** A list in pieces that fit a report; at least one. */
export function inParts<T>(streams: readonly T[]): T[][] {
  const parts: T[][] = []
  for (let at = 0; at === 0 || at < streams.length; at += MAX_STREAMS) {
    parts.push(streams.slice(at, at + MAX_STREAMS))
  }
  return parts
}
