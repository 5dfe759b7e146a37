import { hostname } from 'node:os'
import { type Clock, systemClock } from './clock.js'
import {
  checkSize,
  type DataWriter,
  encodeEvent,
  MAX_BSON_BYTES,
  NO_ROOM,
  UNUSUAL,
  writeEvent,
  writeEventOf,
} from './codec/codec.js'
import { bytesOf, countEncoded, takeEncoded } from './codec/encoded-events.js'
import { type Logger, type Running, type Status, silent } from './component.js'
import type { Counters } from './counter-info.js'
import { messagePassed } from './done-messages.js'
import { checkTypeName, type Data, isReserved, isTypeName } from './event.js'
import type { TypeHint } from './hint.js'
import type { Interest } from './interest.js'
import { Lifecycle } from './lifecycle.js'
import { ListenerWait } from './listener-wait.js'
import { OpenStream } from './open-stream.js'
import { parseOptions, type z } from './options.js'
import { inParts, type ReportType, type SentStream, SOURCE_REPORT, type SourceReport } from './report.js'
import type { ConnectionCounters } from './sockets/connections.js'
import { DEFAULT_SOURCES_ENDPOINT } from './sockets/endpoint.js'
import { Outlet } from './sockets/outlet.js'
import { readSecurity } from './sockets/security.js'
import { sourceOptions } from './source-options.js'
import { ToldHints } from './told-hints.js'
import { headerLength, heartbeatBody, writeHeader } from './wire.js'

/** Options of an EventSource as a user writes them, with what an application may hand over beside. */
export type SourceOptions = z.input<typeof sourceOptions> & {
  clock?: Clock
  log?: Logger
}

/** What an event may have beside its type and its data. */
export interface EmitOptions {
  /** When it happened. Default: now. */
  time?: Date
  /** Extension attributes in the sense of CloudEvents: lower-case letters and digits. */
  extensions?: Record<string, Data>
}

export interface SourceCounters extends Counters {
  /** Calls of `emit` with a valid type, those included that threw. */
  emitted: number
  /** Events handed to ZeroMQ, and thus numbered. */
  sent: number
  /** Events nobody had asked for; they were not encoded. */
  unwanted: number
  /** Events not sent because the source was closed, before or while they waited to be sent, or had too many types. */
  dropped: number
  /** Events of our own: hints and reports. Not part of `sent`. */
  told: number
  /** Bytes of the messages sent. */
  bytes: number
  /** Messages sent, heartbeats left out. */
  batches: number
  heartbeats: number
  connections: ConnectionCounters
  /** Prefixes that somebody wants. */
  subscriptions: number
  /** Frames from subscribers that were no subscriptions. */
  foreign: number
}

/** While nothing happens, the pauses between the heartbeats of a stream double up to so many intervals. */
const MAX_HEARTBEAT_INTERVALS = 30

/**
 * The library end for applications: emits events to whoever subscribed, and never waits for anybody.
 *
 *     await using source = new EventSource({ source: 'shop', connect: ['tcp://127.0.0.1:5555'] })
 *     source.emit('order.placed', { total: 12.5 })
 *
 * Events of one type that are emitted in one turn of the event loop travel in one message. Opens its sockets
 * at once; it keeps the process alive until it is closed.
 *
 * @throws OPTIONS_INVALID, ENDPOINT_INVALID, KEY_INVALID, PATTERN_INVALID (of a list of keys), BIND_INSECURE, BIND_FAILED,
 *   CONNECT_FAILED from the constructor
 */
export class EventSource implements Running {
  readonly name: string
  /** Start of this incarnation, microseconds since 1970; with the name and a type it tells the stream. */
  readonly epoch: number
  #options: z.output<typeof sourceOptions>
  #clock: Clock
  #log: Logger
  #life = new Lifecycle()
  #end: Outlet
  #interest: Interest
  #nameBytes: Buffer
  #headerLength: number
  #streams = new Map<string, OpenStream>()
  /** Streams with events in an open message. */
  #filling: OpenStream[] = []
  #cancelFlush: (() => void) | undefined
  #cancelHeartbeat: () => void
  #heartbeatVersion = 0
  #listeners: ListenerWait
  #hints: ToldHints
  /** Where events are written before they are copied into a message: it stays in the cache, as no message does. */
  #buffer: Buffer | undefined
  #counters = {
    emitted: 0,
    sent: 0,
    unwanted: 0,
    dropped: 0,
    told: 0,
    bytes: 0,
    batches: 0,
    heartbeats: 0,
  }

  constructor(options: SourceOptions = {}) {
    const { clock = systemClock, log = silent, ...given } = options
    this.#options = parseOptions(sourceOptions, given, 'EventSource')
    this.#clock = clock
    this.#log = log
    this.name = this.#options.source ?? hostname()
    this.epoch = clock.micros()
    this.#nameBytes = Buffer.from(this.name)
    this.#headerLength = headerLength(this.#nameBytes.length)
    const { connect, bind } = this.#options
    const ends = { bind, connect: connect.length + bind.length === 0 ? [DEFAULT_SOURCES_ENDPOINT] : connect }
    this.#end = new Outlet(
      { ...this.#options, ...ends, security: readSecurity(this.#options, ends), clock, log },
      (prefix, wanted) => this.#onSubscription(prefix, wanted),
    )
    this.#interest = this.#end.interest
    this.#listeners = new ListenerWait(this.name, this.#interest, clock)
    this.#hints = new ToldHints(this.#options.maxEventBytes)
    this.#cancelHeartbeat = clock.every(this.#options.heartbeat, () => this.#sendHeartbeats())
    this.#life.running()
  }

  get status(): Status {
    return this.#life.status
  }

  get ended(): Promise<void> {
    return this.#life.ended
  }

  /** Where it listens, with the real port where the system chose one. */
  get endpoints(): readonly string[] {
    return this.#end.endpoints
  }

  counters(): SourceCounters {
    return {
      ...this.#counters,
      connections: { ...this.#end.connections },
      subscriptions: this.#interest.size,
      limitedSubscriptions: { ...this.#end.limited },
      resets: this.#end.resets,
      foreign: this.#end.foreign,
    }
  }

  /**
   * Emits one event. Never waits, and never throws because of the network.
   *
   * @param data as BSON can hold it, copied at once. As in JSON, members that are functions, symbols or undefined are left
   *   out, and of a Set, an Error or an object of a class of yours only its own enumerable members are taken.
   * @returns whether somebody had asked for it; when not, it is not even encoded. Also false once the source is closed
   *   (counted as `dropped`).
   * @throws TYPE_INVALID, DATA_INVALID, TIME_INVALID, EXTENSION_INVALID, EVENT_TOO_LARGE; nothing is sent then
   */
  emit(type: string, data?: Data, options?: EmitOptions): boolean {
    const stream = this.#streams.get(type) ?? this.#open(type)
    this.#counters.emitted++
    if (stream === undefined || this.#life.status !== 'running') {
      this.#counters.dropped++
      return false
    }
    if (!this.#isWanted(type, stream)) {
      this.#counters.unwanted++
      return false
    }
    const time = options?.time
    const extensions = options?.extensions
    const ms = time === undefined ? this.#clock.now() : time instanceof Date ? time.getTime() : Number.NaN
    if (extensions === undefined && this.#write(type, stream, ms, data)) return true
    const { maxEventBytes } = this.#options
    this.#append(stream, encodeEvent(type, time ?? new Date(ms), data, extensions, maxEventBytes))
    return true
  }

  /**
   * Emits events whose data `writer` writes as BSON, as long as it has another one.
   *
   * @returns how many were taken. The one that was not is not counted either: nobody had asked for it, it is too large,
   *   or the writer cannot write it; `emit` it.
   */
  emitWritten(type: string, writer: DataWriter): number {
    const stream = this.#streams.get(type)
    if (stream === undefined || this.#life.status !== 'running' || !this.#isWanted(type, stream)) return 0
    const { maxEventBytes, batchBytes, batchEvents } = this.#options
    const clock = this.#clock
    // A writer may emit, too.
    const buffer = this.#buffer ?? Buffer.allocUnsafeSlow(batchBytes)
    this.#buffer = undefined
    let taken = 0
    for (let more = true; more; ) {
      const room = batchBytes - (stream.count > 0 ? stream.length : this.#headerLength)
      let length = 0
      let count = 0
      let end: number
      do {
        end = writeEventOf(buffer, length, Math.min(room, length + maxEventBytes), writer, clock)
        if (end < 0) break
        length = end
        count++
        more = writer.taken()
      } while (more && stream.count + count < batchEvents)
      if (count > 0) this.#append(stream, buffer.subarray(0, length), count)
      taken += count
      if (end === UNUSUAL || (end === NO_ROOM && stream.count === 0)) break
      if (end === NO_ROOM) this.#sendFull(stream)
    }
    this.#buffer = buffer
    this.#counters.emitted += taken
    return taken
  }

  /**
   * Emits events that are BSON already, at the price of a copy: for who passes on or plays back what was encoded once.
   *
   *     for (const { type, body, offset } of batch.messages) source.emitEncoded(type, body.subarray(offset))
   *
   * @param events documents `{ time, data }` end to end, extension attributes behind; they are taken as they are, time
   *   included. None is no error.
   * @returns whether somebody had asked for them, as of `emit`: they are all taken or none
   * @throws TYPE_INVALID, DATA_INVALID, EVENT_TOO_LARGE; nothing is sent then
   */
  emitEncoded(type: string, events: Uint8Array): boolean {
    const stream = this.#streams.get(type) ?? this.#open(type)
    const { maxEventBytes, batchBytes, batchEvents } = this.#options
    const bytes = bytesOf(type, events)
    const all = countEncoded(type, bytes, maxEventBytes)
    this.#counters.emitted += all
    if (stream === undefined || this.#life.status !== 'running') {
      this.#counters.dropped += all
      return false
    }
    if (!this.#isWanted(type, stream)) {
      this.#counters.unwanted += all
      return false
    }
    for (let at = 0; at < bytes.length; ) {
      const taken = stream.count > 0 ? stream.length : this.#headerLength
      const { end, count } = takeEncoded(bytes, at, batchBytes - taken, batchEvents - stream.count)
      this.#append(stream, bytes.subarray(at, end), count)
      at = end
    }
    return true
  }

  /**
   * Says how events of a type like to be shown: its title, the units of its fields and so on. It is told to whoever
   * draws graphs, now and again for those who come later; for the others it costs nothing.
   *
   * @throws TYPE_INVALID, DATA_INVALID, EVENT_TOO_LARGE
   */
  describe(type: string, hint: TypeHint): void {
    this.#hints.set(type, hint)
  }

  /**
   * Resolves when somebody listens: to events of the type, or to any that match the pattern, or to anything at
   * all. A new subscriber would otherwise miss what was emitted before its subscription arrived.
   *
   * @throws PATTERN_INVALID, TIMEOUT (after `timeout` milliseconds, default: no limit), CLOSED
   */
  async subscribed(pattern = '**', { timeout }: { timeout?: number } = {}): Promise<void> {
    await this.#listeners.wait(pattern, timeout)
  }

  /** Sends what has been emitted, a last heartbeat for each stream and a last report, and closes. */
  drain(timeout = this.#options.drainTimeout): Promise<void> {
    return this.#life.stop(() => {
      this.#flush()
      this.#report(true)
      this.#flush()
      for (const [type, stream] of this.#streams) this.#sendHeartbeat(type, stream)
      this.#close(timeout)
    })
  }

  /** Closes now; what is still held is not sent, and counted as `dropped`. */
  close(): Promise<void> {
    return this.#life.stop(() => {
      for (const { reserved, count } of this.#filling) if (!reserved) this.#counters.dropped += count
      this.#close(0)
    })
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.drain()
  }

  #close(linger: number): void {
    this.#cancelFlush?.()
    this.#cancelHeartbeat()
    this.#end.close(linger)
    this.#listeners.close()
  }

  #open(type: string): OpenStream | undefined {
    checkTypeName(type)
    if (this.#streams.size >= this.#options.maxTypes) {
      // A stream cannot be forgotten to make room: its numbers would begin again.
      if (this.#counters.dropped === 0) {
        this.#log.warn(
          { maxTypes: this.#options.maxTypes, type },
          'too many event types; events of new ones are dropped',
        )
      }
      return undefined
    }
    return this.#newStream(type)
  }

  #newStream(type: string): OpenStream {
    const stream = new OpenStream(type, this.#headerLength, this.#options.batchBytes)
    this.#streams.set(type, stream)
    return stream
  }

  #isWanted(type: string, stream: OpenStream): boolean {
    if (stream.version !== this.#interest.version) {
      stream.wanted = this.#interest.since(type) !== undefined
      stream.version = this.#interest.version
    }
    return stream.wanted
  }

  /**
   * Writes an event of a usual shape straight into the open message. False: it has to go the other way.
   * @param time milliseconds since 1970
   */
  #write(type: string, stream: OpenStream, time: number, data: Data): boolean {
    for (;;) {
      const buffer = stream.room(0)
      stream.writing = true
      const { length } = stream
      const end = writeEvent(buffer, length, buffer.length, time, data, stream.site)
      stream.writing = false
      // A getter in the data has emitted into this very message, which goes on in another buffer.
      if (stream.buffer !== buffer) return false
      if (end > 0) {
        checkSize(type, end - stream.length, this.#options.maxEventBytes)
        this.#added(stream, end)
        return true
      }
      if (end === UNUSUAL) return false
      // No room: a larger buffer up to the size of a message, then a message of its own, then the other way.
      if (buffer.length < this.#options.batchBytes) stream.room(buffer.length - length + 1)
      else if (stream.count > 0) this.#sendFull(stream)
      else return false
    }
  }

  /** Adds encoded events to the open message, or to a new one if there they do not fit. */
  #append(stream: OpenStream, events: Uint8Array, count = 1): void {
    if (stream.count > 0 && stream.length + events.length > this.#options.batchBytes) this.#sendFull(stream)
    stream.room(events.length).set(events, stream.length)
    this.#added(stream, stream.length + events.length, count)
  }

  #added(stream: OpenStream, length: number, count = 1): void {
    stream.length = length
    stream.count += count
    if (!stream.listed) {
      stream.listed = true
      this.#filling.push(stream)
      this.#scheduleFlush()
    }
    if (stream.count >= this.#options.batchEvents) this.#sendFull(stream)
  }

  #scheduleFlush(): void {
    if (this.#cancelFlush !== undefined) return
    if (this.#options.linger > 0) {
      this.#cancelFlush = this.#clock.after(this.#options.linger, () => this.#flush())
    } else {
      const immediate = setImmediate(() => this.#flush())
      this.#cancelFlush = () => clearImmediate(immediate)
    }
  }

  #flush(): void {
    this.#cancelFlush?.()
    this.#cancelFlush = undefined
    const filling = this.#filling
    this.#filling = []
    for (const stream of filling) {
      stream.listed = false
      this.#send(stream)
      stream.filled = false
    }
  }

  #sendFull(stream: OpenStream): void {
    stream.filled = true
    this.#send(stream)
  }

  /** Sends the open message of a stream. Its buffer belongs to libzmq from here on. */
  #send(stream: OpenStream): void {
    const { buffer, length, count } = stream
    if (buffer === undefined || count === 0) return
    writeHeader(buffer, this.#nameBytes, this.epoch, stream.seq, count)
    this.#end.send(stream.topic, buffer.subarray(0, length))
    stream.sent()
    messagePassed(length)
    if (stream.reserved) this.#counters.told += count
    else this.#counters.sent += count
    this.#counters.bytes += length
    this.#counters.batches++
  }

  /** Whether somebody has asked for events of a type. */
  wants(type: string): boolean {
    return this.#interest.since(type) !== undefined
  }

  /**
   * Tells something of our own on a reserved type, if somebody wants to hear it. For the framework alone.
   * @param data as BSON can hold it
   * @internal
   */
  tell(type: ReportType, data: object): void {
    if (!this.wants(type)) return
    const time = new Date(this.#clock.now())
    // However small events must be: a report is bounded by itself, and a timer has nobody to tell of an error.
    this.#tell(type, encodeEvent(type, time, data, undefined, MAX_BSON_BYTES))
  }

  #tell(type: string, event: Uint8Array): void {
    const stream = this.#streams.get(type) ?? this.#newStream(type)
    this.#append(stream, event)
  }

  /** What we have sent, for those who add up what has arrived; see audit.ts. */
  #report(ended: boolean): void {
    if (!this.wants(SOURCE_REPORT)) return
    const streams = [...this.#streams]
      .filter(([type, { seq }]) => seq > 0 && !isReserved(type))
      .map(([type, { seq }]): SentStream => ({ type, sent: seq }))
    const { sent, unwanted, dropped } = this.#counters
    const totals = { sent, unwanted, dropped, every: this.#options.heartbeat, ended }
    for (const part of inParts(streams)) {
      const report: SourceReport = { ...totals, streams: part }
      this.tell(SOURCE_REPORT, report)
    }
  }

  #sendHeartbeats(): void {
    // Whoever has just subscribed learns where the streams stand.
    const renewed = this.#heartbeatVersion !== this.#interest.version
    this.#heartbeatVersion = this.#interest.version
    this.#tellHints(renewed)
    this.#report(false)
    for (const [type, stream] of this.#streams) {
      if (!renewed && stream.beatIn-- > 0) continue
      this.#sendHeartbeat(type, stream)
      stream.beatIn = stream.beatPause - 1
      stream.beatPause = Math.min(stream.beatPause * 2, MAX_HEARTBEAT_INTERVALS)
    }
  }

  #tellHints(renewed: boolean): void {
    for (const [type, hint] of this.#hints.due(this.#clock.now(), renewed)) {
      // With what stands in front of it, a long type is none any more.
      if (isTypeName(type) && this.wants(type)) this.#tell(type, hint)
    }
  }

  #sendHeartbeat(type: string, stream: OpenStream): void {
    if (stream.seq === 0 || this.#interest.since(type) === undefined) return
    this.#end.send(stream.topic, heartbeatBody(this.#nameBytes, this.epoch, stream.seq, ++stream.beat))
    this.#counters.heartbeats++
  }

  #onSubscription(prefix: Buffer, wanted: boolean): void {
    this.#log.debug({ prefix: prefix.toString(), wanted }, wanted ? 'subscribed' : 'unsubscribed')
    this.#listeners.look()
  }
}
