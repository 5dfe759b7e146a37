import { hostname } from 'node:os'
import type { Clock } from './clock.js'
import type { Logger } from './component.js'
import { isReserved } from './event.js'
import type { Stream } from './loss.js'
import { inParts, type ReceivedStream, SINK_REPORT, type SinkReport } from './report.js'
import { EventSource } from './source.js'

/** Time between two reports, milliseconds. */
const EVERY = 1000
/** Streams told of in that time; who has more reports more seldom. */
const STREAMS_AT_ONCE = 10_000
/** How long the last report may take to leave, milliseconds. */
const LINGER = 500

/** What a sink knows of itself. */
export interface SinkFacts extends Omit<SinkReport, 'every' | 'ended' | 'streams'> {
  streams: Iterable<Stream>
}

export interface SinkReportOptions {
  /** Sources' side of the routers that are told. */
  to: readonly string[]
  name: string
  clock: Clock
  log: Logger
  key: string | undefined
  serverKey: readonly string[]
}

/** A sink's own small source, by which it tells what it has received, if somebody wants to know. */
export class SinkReporter {
  #source: EventSource
  #stop: () => void
  #tellNow: (ended: boolean) => void
  /** Reports left out until the next one. */
  #pause = 0

  constructor({ to, name, clock, log, key, serverKey }: SinkReportOptions, look: () => SinkFacts) {
    this.#source = new EventSource({
      source: `${hostname()}/${name}`,
      connect: [...to],
      clock,
      log,
      ...(key !== undefined && { key, serverKey: serverKey.slice(0, 1) }),
    })
    this.#tellNow = (ended) => {
      if (this.#source.wants(SINK_REPORT)) this.#tell(look(), ended)
    }
    this.#stop = clock.every(EVERY, () => {
      if (this.#pause-- <= 0) this.#tellNow(false)
    })
  }

  /**
   * Tells how it ended, and closes.
   * @param drained false: it failed, and is to be missed
   */
  close(drained: boolean): void {
    if (this.#source.status === 'running') this.#tellNow(drained)
    this.#stop()
    void this.#source.drain(LINGER)
  }

  #tell({ streams, ...totals }: SinkFacts, ended: boolean): void {
    const known = [...streams].filter(({ type }) => !isReserved(type)).map(toReceived)
    this.#pause = Math.max(0, Math.ceil(known.length / STREAMS_AT_ONCE) - 1)
    const every = EVERY * (this.#pause + 1)
    for (const part of inParts(known)) {
      const report: SinkReport = { ...totals, every, ended, streams: part }
      this.#source.tell(SINK_REPORT, report)
    }
  }
}

function toReceived(stream: Stream): ReceivedStream {
  const { source, epoch, type, received, lost, duplicate } = stream
  return { source, epoch, type, ...stream.standing, received, lost, duplicate }
}
