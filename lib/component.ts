import type { z } from 'zod'
import type { StoreReader } from './ask/query.js'
import type { EventBatch } from './batch.js'
import type { Clock } from './clock.js'
import type { DataWriter } from './codec/codec.js'
import type { CounterInfos, Counters } from './counter-info.js'
import type { Data, NewEvent } from './event.js'
import type { TypeHint } from './hint.js'
import type { Stream } from './loss.js'
import type { OptionSchema } from './options.js'

/** The four states of everything that runs. */
export type Status = 'starting' | 'running' | 'stopping' | 'stopped'

/** Shaped like pino's, so that a pino logger fits as it is. The library itself never prints. */
export interface Logger {
  /** For whoever looks for a fault. */
  debug(fields: object, message: string): void
  /** What is worth knowing, and as it should be. */
  info(fields: object, message: string): void
  /** What is not as it should be, and goes on. */
  warn(fields: object, message: string): void
  /** What has failed. */
  error(fields: object, message: string): void
}

const ignore = () => {}
/** A log that says nothing. */
export const silent: Logger = { debug: ignore, info: ignore, warn: ignore, error: ignore }

/** What the framework lends to a component. Components never print, read the clock or touch signals themselves. */
export interface Context {
  /** The component's name in logs and metrics. */
  name: string
  clock: Clock
  log: Logger
}

/** The parser of a log source, for a source that has its lines from elsewhere than files. */
export interface FoundParser {
  /** A new parser, that knows nothing yet. */
  create(): LineParser
  /** Whether its lines begin with the head of syslog; see `SourceDefinition`. */
  syslogHead: boolean
}

export interface SourceContext extends Context {
  /** Tells the framework that nothing will ever come again (a file was read once): it drains and ends. */
  finish(): void
  /** Tells the framework that the component broke after `open`: it closes, and `ended` rejects with that error. */
  fail(error: unknown): void
  /**
   * Waits until somebody listens to events of that type, for sources that would rather wait than talk to nobody.
   * @param timeout milliseconds
   * @returns false when nobody did in time, or the source is to end
   */
  subscribed(type: string, timeout: number): Promise<boolean>
  /**
   * The parser of another log source, by its name and its options, since components do not know each other.
   * Rejects with COMPONENT_NOT_FOUND, COMPONENT_INVALID or OPTIONS_INVALID.
   */
  findParser(name: string, options: Record<string, unknown>): Promise<FoundParser>
}

export interface SinkContext extends Context {
  /**
   * What answers questions about a store, such as `segments:DIR`, since components do not know each other. Whoever
   * opens it disposes of it. Rejects with COMPONENT_NOT_FOUND, QUERY_INVALID (no store), STORE_FAILED.
   */
  openStore(store: string): Promise<StoreReader>
  /** What the framework has counted for this sink so far, without the sink's own numbers. */
  received(): SinkFigures
  /** What is known of each stream of events; as many as `maxStreams`, so not to be read for each event. */
  streams(): Iterable<Stream>
  /** Where the events come from, and the patterns that were asked for. */
  readonly inlet: { readonly endpoints: readonly string[]; readonly subscribe: readonly string[] }
}

/** What came in for a sink and what became of it on the way to `write`, in events. */
export interface SinkFigures {
  received: number
  /** Sent and not received. Goes down when something comes late. */
  lost: number
  /** Received and not written, for whatever reason. */
  dropped: number
}

/** How a source component hands over its events. */
export interface Emit {
  /** Hands one event to the bus. Never waits. Returns false when nobody wants events of that type. */
  (event: NewEvent): boolean
  /**
   * The same for data that is never made, only written: several times as fast. Takes events as long as the writer has
   * another one, and returns how many it took. One that it did not take (nobody wants it, the writer says UNUSUAL, it
   * is too large) has to be made and emitted after all, as that is what counts it.
   */
  written?(type: string, writer: DataWriter): number
}

/** Everything that runs: an EventSource, an EventRouter, an attached sink, a started source component. */
export interface Running extends AsyncDisposable {
  /** Where it is on its way from start to stop. */
  readonly status: Status
  /** Resolves when it has stopped; rejects when it stopped because it failed. */
  readonly ended: Promise<void>
  /** What it has counted so far, by name; reading it costs little. */
  counters(): Counters
  /** Stops taking, finishes what is in hand within `timeout` milliseconds, then closes. Idempotent. */
  drain(timeout?: number): Promise<void>
  /** Closes now. Idempotent, also while draining. */
  close(): Promise<void>
  /** Drains: `await using` does it at the end of the scope. */
  [Symbol.asyncDispose](): Promise<void>
}

/**
 * What a source component writes. The framework stamps, numbers, encodes, batches, publishes, counts.
 * An event that `emit` refuses (no BSON, bad type) throws a coded error there.
 */
export interface SourceComponent {
  /** Called once. Starts producing and returns; work goes on until `close`. A throw here stops the source. */
  open(emit: Emit, context: SourceContext): void | Promise<void>
  /** Called once, after `open`. Stops producing; when it returns, `emit` is not called any more. */
  close(): void | Promise<void>
  /** The component's own numbers. Where a name is one of the framework's, the framework's number is shown. */
  counters?(): Counters
}

/** What a router component may decide, by the header alone. */
export interface RouterComponent {
  /**
   * Called for each message before it is passed on, synchronously; false keeps it here (counted as `filtered`).
   * Heartbeats come here too, with a count of 0. Decide by type and source: of a stream that is kept back now and
   * then, the sinks behind count what they do not get as lost. Default: pass everything on.
   */
  route?(message: { type: string; source: string; count: number }): boolean
}

/** What became of a batch that was written; nothing to say means that all of it is new and there. */
export interface Written {
  /** Events that were there already, from an attempt whose answer was lost. */
  alreadyStored?: number
  /** Events that were refused, each for itself. */
  rejected?: number
}

/**
 * What a sink component writes. Calls never overlap: `open`, then `write` after `write`, then `close`.
 * What a throw does is said at `Steer` in errors.ts.
 */
export interface EventSink {
  /** Patterns that it needs besides what its user subscribes to; for reserved types, such as `_meta.**`. */
  readonly subscribe?: readonly string[]
  /** Where people look at it, such as http://127.0.0.1:8080/, once it is open. */
  readonly url?: string | undefined
  /** Called before the first write, and again after each `reconnect`. */
  open?(context: SinkContext): void | Promise<void>
  /**
   * One batch, in order of arrival. Returning means the sink has it, but for what the result takes out. `signal`
   * aborts when the write may take no longer; a write that goes on then is not waited for.
   */
  write(batch: EventBatch, signal: AbortSignal): void | Written | Promise<void> | Promise<Written | undefined>
  /** Called once for each `open` that succeeded. */
  close?(): void | Promise<void>
  /** The sink's own numbers. Where a name is one of the framework's, the framework's number is shown. */
  counters?(): Counters
}

/**
 * Turns the lines of a log into events; pure but for the state it keeps (Postfix needs several lines for one
 * event). One parser per name of a file: it has the lines of all files that come to bear it.
 */
export interface LineParser {
  /**
   * One line without its line ending. Returns the events it completes. A line that fits nothing is
   * `{unparsed: reason}`, which the framework turns into a `log.unparsed` event.
   */
  line(text: string): NewEvent[] | { unparsed: string }
  /** The log has ended: what is still open. */
  end?(): NewEvent[]
  /**
   * A file begins, with the time it was last written, milliseconds since 1970: stamps without a year are told from
   * it. Called again when the file was rotated; what the parser knows stays.
   */
  begin?(modified: number): void
  /** Called about once a second with the present time, milliseconds since 1970: what has waited too long. */
  expire?(now: number): NewEvent[]
  /** What must survive a restart, as BSON can hold it; kept with the position in the file that it belongs to. */
  save?(): Data
  /** What `save` returned in the life before, handed over before the first line. */
  restore?(saved: Data): void
  /** A way around `line` for lines of which each makes one event of one type. */
  readonly writer?: LineWriter | undefined
}

/**
 * Writes the events that lines make from the lines' bytes. It says UNUSUAL of any line for which it would not write
 * just what the parser makes; the parser has that line then.
 */
export interface LineWriter extends DataWriter {
  readonly type: string
  /** Where the line begins that is to be written, the one behind the last that was taken. */
  readonly next: number
  /** The lines from `from` on are to be written. `block` is made of whole lines, each with its line feed. */
  begin(block: Buffer, from: number): void
}

interface Definition<Kind extends string, O extends OptionSchema> {
  kind: Kind
  /** The word on the command line. */
  name: string
  /** One sentence. */
  summary: string
  /** The component's own options, described once; see options.ts. */
  options: O
  /** What its own counters mean, by name; what is not described here is shown as a total. */
  counters?: CounterInfos
}

/** What describes a source: made by `defineSource`, the default export of its module. */
export interface SourceDefinition<O extends OptionSchema = OptionSchema> extends Definition<'source', O> {
  /** The event types it emits, for documents and completion. */
  types: string[]
  /** Makes the component and does nothing else: `eventstorm check` calls it too. May refuse options that contradict. */
  create(options: z.output<O>): SourceComponent
  /** Log sources: the parser alone, for `eventstorm parse`. */
  parser?(options: z.output<O>): LineParser
  /**
   * Whether the lines that its parser takes begin with the head of syslog (stamp, host, program), as those of sshd
   * and Postfix do. Default: false, the message alone.
   */
  syslogHead?: boolean
  /** How events of its types like to be shown, told to whoever draws them. */
  hints?: Record<string, TypeHint>
}

/** What describes a router: made by `defineRouter`, the default export of its module. */
export interface RouterDefinition<O extends OptionSchema = OptionSchema> extends Definition<'router', O> {
  /** As for a source: makes it, and does nothing else. */
  create(options: z.output<O>): RouterComponent
}

/** What describes a sink: made by `defineSink`, the default export of its module. */
export interface SinkDefinition<O extends OptionSchema = OptionSchema> extends Definition<'sink', O> {
  /**
   * The framework's options, by name, whose default suits this sink better than the one for all: how many events a
   * write should have, say. As a user would write them.
   */
  defaults?: Record<string, number | string>
  /** As for a source: makes it, and does nothing else. */
  create(options: z.output<O>): EventSink
  /** Sinks that are stores: what answers questions about `store`, such as `segments:DIR` or `mongodb://host/db`. */
  reader?(store: string): Promise<StoreReader>
}

/** What a component's module exports, whatever kind it is. */
export type AnyDefinition = SourceDefinition | RouterDefinition | SinkDefinition

/** The default export of a source's module. */
export function defineSource<O extends OptionSchema>(
  definition: Omit<SourceDefinition<O>, 'kind'>,
): SourceDefinition<O> {
  return { kind: 'source', ...definition }
}

/** The default export of a router's module. */
export function defineRouter<O extends OptionSchema>(
  definition: Omit<RouterDefinition<O>, 'kind'>,
): RouterDefinition<O> {
  return { kind: 'router', ...definition }
}

/** The default export of a sink's module. */
export function defineSink<O extends OptionSchema>(
  definition: Omit<SinkDefinition<O>, 'kind'>,
): SinkDefinition<O> {
  return { kind: 'sink', ...definition }
}
