import { randomBytes } from 'node:crypto'
import { resolve } from 'node:path'
import {
  byteSize,
  type Context,
  defineSink,
  duration,
  type EventBatch,
  type EventSink,
  SinkError,
  type Written,
  z,
} from '../../lib/index.js'
import { newCounts, pack } from './channel.js'
import { WorkerClient } from './client.js'
import { INSTALL, isMissing } from './driver.js'
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
  rollRows: z.int().min(1).default(20_000).meta({ description: 'Events after which a file is written.' }),
  rollBytes: byteSize()
    .pipe(z.number().min(1))
    .prefault('32MiB')
    .meta({ description: 'Length of JSON after which a file is written.', argument: 'size' }),
  memory: byteSize()
    .pipe(z.number().min(32 * 1024 * 1024))
    .prefault('256MiB')
    .meta({ description: "DuckDB's limit of memory; the process needs some more.", argument: 'size' }),
  keep: duration().pipe(z.number().min(3_600_000)).optional().meta({
    description: 'How long events are kept, in whole hours of arrival. Default: for ever.',
    argument: 'time',
  }),
})

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
  #context!: Context
  #worker: WorkerClient | undefined
  #counts = newCounts()
  /** Counters of workers that are gone. */
  #before = newCounts()
  #lost = 0
  #taken: { batch: EventBatch; written: Written } | undefined
  #cancelRoll: (() => void) | undefined
  #failing = false

  constructor(given: z.output<typeof options>) {
    this.#options = given
  }

  async open(context: Context): Promise<void> {
    this.#context = context
    const { path, rollRows, rollBytes, memory, keep } = this.#options
    const now = context.clock.now()
    const worker = new WorkerClient(
      {
        path: resolve(path),
        writer: `${now.toString(36)}-${randomBytes(4).toString('hex')}`,
        rollRows,
        rollBytes,
        keep,
        memory: `${Math.floor(memory / 1024 ** 2)}MiB`,
      },
      (counts) => {
        this.#counts = counts
      },
    )
    try {
      await worker.ask({ do: 'open', now, grace: LEFTOVER_AGE })
      this.#worker = worker
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
    this.#cancelRoll = undefined
    try {
      await worker.ask({ do: 'roll', reason: 'close', now: this.#context.clock.now() })
    } catch (error) {
      throw explain(error, this.#options.path)
    } finally {
      await worker.end()
      this.#lost += this.#counts.pending
      this.#before = this.#sum()
      this.#counts = newCounts()
    }
  }

  counters() {
    return { ...this.#sum(), lostRows: this.#lost }
  }

  #sum() {
    const [a, b] = [this.#before, this.#counts]
    const rolls = { ...a.rolls }
    for (const reason of Object.keys(rolls) as (keyof typeof rolls)[]) rolls[reason] += b.rolls[reason]
    return {
      segments: a.segments + b.segments,
      rows: a.rows + b.rows,
      fileBytes: a.fileBytes + b.fileBytes,
      rolls,
      pending: b.pending,
      merges: a.merges + b.merges,
      mergesFailed: a.mergesFailed + b.mergesFailed,
      hoursRemoved: a.hoursRemoved + b.hoursRemoved,
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

function explain(error: unknown, path: string): SinkError {
  const { message, code } = error as NodeJS.ErrnoException
  if (isMissing(error)) {
    return new SinkError('stop', `the segments store needs DuckDB, which is not installed: ${INSTALL}`, error)
  }
  return new SinkError(
    code === 'WORKER_GONE' ? 'reconnect' : 'retry',
    `the store in ${path}: ${message}`,
    error,
  )
}

export default defineSink({
  name: 'segments',
  summary: 'Stores events in Parquet files on this machine, which any tool can read while it writes.',
  options,
  create: (given) => new SegmentsSink(given),
  reader: (store) => SegmentReader.open(store.replace(/^segments:/, '') || options.parse({}).path),
})
