import { randomBytes } from 'node:crypto'
import { resolve } from 'node:path'
import {
  byteSize,
  type Context,
  defineSink,
  duration,
  type EventBatch,
  type EventSink,
  EventstormError,
  list,
  SinkError,
  type Written,
  z,
} from '../../lib/index.js'
import { CANNOT_ROLL, newCounts, pack } from './channel.js'
import { WorkerClient } from './client.js'
import { SEGMENT_COUNTERS } from './counters.js'
import { INSTALL, isMissing } from './driver.js'
import { type Extract, extractColumn } from './extract.js'
import { FOREIGN } from './layout.js'
import { parseExtract } from './parse-extract.js'
import { SegmentReader } from './read.js'

const options = z.strictObject({
  path: z
    .string()
    .min(1)
    .default('./eventstorm-data')
    .meta({ description: 'The folder of the store; made when it is not there.', argument: 'folder' }),
  roll: duration().pipe(z.number().min(10)).prefault('1s').meta({
    description: 'Time after which events are in a file at the latest: what a crash may cost.',
    argument: 'time',
  }),
  rollRows: z.int().min(1).default(60_000).meta({ description: 'Events after which a file is written.' }),
  rollBytes: byteSize()
    .pipe(z.number().min(1))
    .prefault('32MiB')
    .meta({ description: 'Length of JSON after which a file is written.', argument: 'size' }),
  memory: byteSize()
    .pipe(z.number().min(128 * 1024 ** 2))
    .prefault('320MiB')
    .meta({ description: "DuckDB's limit of memory; the process needs some more.", argument: 'size' }),
  keep: duration().pipe(z.number().min(3_600_000)).optional().meta({
    description: 'How long events are kept, in whole hours of arrival. Default: for ever.',
    argument: 'time',
  }),
  keepBytes: byteSize()
    .pipe(z.number().min(1024 * 1024))
    .optional()
    .meta({
      description: 'Size of the store above which its oldest whole hours are removed. Default: no bound.',
      argument: 'size',
    }),
  extract: list().meta({
    description:
      'A field of the data that gets a column of its own, such as ms or user.name:text; makes queries of it faster.',
    argument: 'field',
  }),
})

/** Time between two looks at what is due when nothing arrives. */
const TIDY = 60_000

/** A file without a name in a manifest may be about to get one; after so long it is a leftover. */
const LEFTOVER_AGE = 60_000

/**
 * Writes Parquet files that any tool can read while it goes on writing.
 *
 * `write` returns when the worker thread has the events, not when they are in a file: those are as many small files
 * as there are batches otherwise, or a wait of `roll` for each batch. So `written` runs ahead of `rows` by `pending`,
 * by `roll` of time at most, and that is what a crash may cost. When a file cannot be written (the disk is full), what
 * is in memory stays there, and `write` fails until it works again.
 */
export class SegmentsSink implements EventSink {
  #options: z.output<typeof options>
  #extracts: Extract[]
  #context!: Context
  #worker: WorkerClient | undefined
  #opening: WorkerClient | undefined
  #counts = newCounts()
  /** Counters of workers that are gone. */
  #before = newCounts()
  #lost = 0
  #taken: { batch: EventBatch; written: Written } | undefined
  #cancelRoll: (() => void) | undefined
  #stopTidying: (() => void) | undefined
  #failing = false

  /** @throws QUERY_INVALID for an extract that is none */
  constructor(given: z.output<typeof options>) {
    this.#extracts = given.extract.map(parseExtract)
    const columns = this.#extracts.map(extractColumn)
    const twice = given.extract.find((_, i) => columns.indexOf(columns[i]!) !== i)
    if (twice) throw new EventstormError('OPTIONS_INVALID', `extract: expected each field once, got ${twice}`)
    this.#options = given
  }

  async open(context: Context): Promise<void> {
    this.#context = context
    const { path, rollRows, rollBytes, memory, keep, keepBytes } = this.#options
    const now = context.clock.now()
    const worker = new WorkerClient(
      {
        path: resolve(path),
        writer: `${now.toString(36)}-${randomBytes(4).toString('hex')}`,
        rollRows,
        rollBytes,
        keep,
        keepBytes,
        extracts: this.#extracts,
        memory,
      },
      (counts) => {
        this.#counts = counts
      },
    )
    // One that took so long that it was not waited for.
    await this.#opening?.end()
    this.#stopTidying?.()
    this.#opening = worker
    try {
      await worker.ask({ do: 'open', now, grace: LEFTOVER_AGE })
      this.#worker = worker
      this.#stopTidying = context.clock.every(TIDY, () => {
        // A failure is in the counters, and the next time is not far.
        worker.ask({ do: 'tidy', now: context.clock.now() }).catch(() => {})
      })
    } catch (error) {
      await worker.end()
      throw explain(error, path)
    }
  }

  async write(batch: EventBatch): Promise<Written> {
    // After a time-out the same batch comes again, though it may have been taken in the end.
    if (this.#taken?.batch === batch) return this.#taken.written
    const worker = this.#worker!
    const now = this.#context.clock.now()
    const packed = pack(batch.messages)
    const { undecodable } = await worker
      .ask<{ undecodable: number }>({ do: 'write', batch: packed, now }, [packed.bytes.buffer])
      .catch((error) => {
        throw explain(error, this.#options.path)
      })
    const written = { rejected: undecodable }
    this.#taken = { batch, written }
    if (this.#counts.pending > 0) this.#rollLater(worker)
    return written
  }

  /** Writes what is in memory to a file. @throws when that fails; the events are lost then, and counted */
  async close(): Promise<void> {
    const worker = this.#worker!
    this.#worker = undefined
    this.#cancelRoll?.()
    this.#stopTidying?.()
    this.#cancelRoll = undefined
    try {
      await worker.ask({ do: 'roll', reason: 'close', now: this.#context.clock.now() })
    } catch (error) {
      throw explain(error, this.#options.path)
    } finally {
      await worker.end()
      const { pending } = this.#counts
      this.#lost += pending
      if (pending > 0) this.#context.log.warn({ events: pending }, 'events that were in no file yet are lost')
      this.#before = this.#sum()
      this.#counts = newCounts()
    }
  }

  counters() {
    return { ...this.#sum(), lostRows: this.#lost }
  }

  #sum() {
    const [a, b] = [this.#before, this.#counts]
    return {
      segments: a.segments + b.segments,
      rows: a.rows + b.rows,
      fileBytes: a.fileBytes + b.fileBytes,
      rolls: added(a.rolls, b.rolls),
      pending: b.pending,
      merges: a.merges + b.merges,
      mergesFailed: a.mergesFailed + b.mergesFailed,
      hoursMerged: a.hoursMerged + b.hoursMerged,
      hoursRemoved: added(a.hoursRemoved, b.hoursRemoved),
      leftovers: a.leftovers + b.leftovers,
    }
  }

  /** One timer at a time: it begins with the first event that waits. */
  #rollLater(worker: WorkerClient): void {
    if (this.#cancelRoll) return
    const { clock, log } = this.#context
    this.#cancelRoll = clock.after(this.#options.roll, () => {
      this.#cancelRoll = undefined
      const roll = worker.ask({ do: 'roll', reason: 'time', now: clock.now() })
      const settled = (error?: Error) => {
        // One line for each change, as the framework does with failing writes.
        if (error && !this.#failing) log.warn({ error: error.message }, 'no file can be written')
        if (!error && this.#failing) log.info({}, 'files can be written again')
        this.#failing = error !== undefined
        if (error && this.#worker === worker) this.#rollLater(worker)
      }
      roll.then(() => settled(), settled)
    })
  }
}

function added<K extends string>(a: Record<K, number>, b: Record<K, number>): Record<K, number> {
  const sum = { ...a }
  for (const key of Object.keys(b) as K[]) sum[key] += b[key]
  return sum
}

function explain(error: unknown, path: string): SinkError {
  const { message, code } = error as NodeJS.ErrnoException
  if (isMissing(error)) {
    return new SinkError('stop', `the segments store needs DuckDB, which is not installed: ${INSTALL}`, error)
  }
  // Going on could remove what another version has written.
  if (code === FOREIGN) return new SinkError('stop', message, error)
  // Nothing is wrong with the events when the disk is full. What memory does not suffice for once, it never will.
  const again = code === 'WORKER_GONE' || /^Out of Memory/i.test(message)
  const steer = again ? 'reconnect' : code === CANNOT_ROLL ? 'wait' : 'retry'
  return new SinkError(steer, `the store in ${path}: ${message}`, error)
}

/** Stores events in Parquet files on this machine, with DuckDB. */
export default defineSink({
  name: 'segments',
  summary: 'Stores events in Parquet files on this machine, which any tool can read while it writes.',
  // Each write is a turn of the worker thread, which is idle until the next one comes.
  defaults: { batchEvents: 5000, batchBytes: '4MiB' },
  counters: SEGMENT_COUNTERS,
  options,
  create: (given) => new SegmentsSink(given),
  reader: (store) => SegmentReader.open(store.replace(/^segments:/, '') || options.parse({}).path),
})
