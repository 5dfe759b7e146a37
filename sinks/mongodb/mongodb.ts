import type { Document, MongoClient } from 'mongodb'
import {
  type Context,
  defineSink,
  duration,
  type EventBatch,
  type EventSink,
  EventstormError,
  SinkError,
  total,
  type Written,
  z,
} from '../../lib/index.js'
import { makeCollection } from './collection.js'
import { connect, INSTALL, isMissing } from './driver.js'
import { steerFor } from './faults.js'
import { Insertion, type Target } from './insert.js'
import { failure, type Place, readPlace, readUrlFile, withoutSecrets } from './place.js'
import { MongoReader } from './read.js'

const DEFAULT_URL = 'mongodb://127.0.0.1:27017/eventstorm'

/** What can be set of it. */
export const options = z.strictObject({
  url: z
    .string()
    .min(1)
    .optional()
    .meta({
      description: `Where the server is, as drivers of MongoDB take it; the path is the database. Default: ${DEFAULT_URL}.`,
      argument: 'url',
    }),
  urlFile: z.string().min(1).optional().meta({
    description:
      'A file with the URL in it, so that a password stands on no command line; read at each connect.',
    argument: 'path',
  }),
  collection: z
    .string()
    .regex(/^(?!system\.)[^$\0]{1,120}$/, { error: 'expected the name of a collection' })
    .default('events')
    .meta({ description: 'The collection.', argument: 'name' }),
  create: z
    .boolean()
    .default(true)
    .meta({ description: 'Make the collection and its indexes when they are not there.' }),
  timeSeries: z.boolean().default(false).meta({
    description:
      'Make a time-series collection, where the server can: smaller, but what is written twice after a failure is there twice.',
  }),
  keep: duration().pipe(z.number().min(1000)).optional().meta({
    description: 'How long events are kept, by their own time. Default: for ever.',
    argument: 'time',
  }),
})

const EXPIRE_EVERY = 60_000

/** Inserts each batch in pieces, some at a time; see README.md for what is there after which failure. */
export class MongoSink implements EventSink {
  #options: z.output<typeof options>
  #place: Place | undefined
  #context: Context | undefined
  #client: MongoClient | undefined
  #target: Target | undefined
  #insertion: Insertion | undefined
  #counts = { expired: 0 }
  #broken = false
  #told = new Set<string>()
  #cancelExpiry: (() => void) | undefined

  /** @throws OPTIONS_INVALID */
  constructor(given: z.output<typeof options>) {
    if (given.url !== undefined && given.urlFile !== undefined) {
      throw new EventstormError('OPTIONS_INVALID', 'expected url or urlFile, got both')
    }
    if (given.urlFile === undefined) this.#place = readPlace(given.url ?? DEFAULT_URL)
    this.#options = given
  }

  async open(context: Context): Promise<void> {
    this.#context = context
    const { urlFile, create, collection, keep, timeSeries } = this.#options
    try {
      if (urlFile !== undefined) this.#place = readPlace(readUrlFile(urlFile))
    } catch (error) {
      throw new SinkError('retry', (error as Error).message)
    }
    const place = this.#place!
    let client: MongoClient | undefined
    try {
      client = await connect(place)
      const { BSON } = await import('mongodb')
      const db = client.db(place.database)
      const writeConcern = acknowledged(client)
      this.#target = { db, collection, writeConcern, size: (document) => BSON.calculateObjectSize(document) }
      const made = create ? await makeCollection(db, { collection, keep, timeSeries }) : undefined
      if (made && timeSeries && !made.timeSeries) {
        this.#tellOnce(context, 'the server makes no time-series collections here; this one is plain')
      }
      if (made?.expiry === 'sink') {
        this.#tellOnce(context, 'the server does not remove old events by itself; the sink does')
        this.#cancelExpiry = context.clock.every(EXPIRE_EVERY, () => void this.#expire(context, keep!))
      }
      this.#client = client
      this.#broken = false
    } catch (error) {
      void client?.close().catch(() => {})
      if (isMissing(error))
        throw new SinkError('stop', `it needs MongoDB's driver, which is not installed: ${INSTALL}`)
      if (error instanceof SinkError) throw error
      throw failure(steerFor(error), error, place)
    }
    if (keep !== undefined && !create) this.#tellOnce(context, 'keep has no effect without create')
  }

  async write(batch: EventBatch): Promise<Written> {
    const target = this.#target!
    if (this.#insertion?.batch !== batch) this.#insertion = new Insertion(batch, target.size)
    const insertion = this.#insertion
    try {
      await insertion.run(target)
    } catch (error) {
      const steer = error instanceof SinkError ? error.steer : steerFor(error)
      this.#broken = steer === 'reconnect'
      throw failure(steer, error, this.#place!)
    }
    this.#insertion = undefined
    if (insertion.refusal !== undefined) {
      const fields = {
        rejected: insertion.counts.rejected,
        first: withoutSecrets(insertion.refusal, this.#place!),
      }
      this.#context!.log.debug(fields, 'events were refused')
    }
    return insertion.counts
  }

  async close(): Promise<void> {
    this.#cancelExpiry?.()
    const client = this.#client
    this.#client = this.#target = undefined
    const closed = client?.close().catch(() => {})
    // A client whose server does not answer takes its time, and nobody needs it any more.
    if (!this.#broken) await closed
  }

  counters() {
    return this.#counts
  }

  async #expire(context: Context, keep: number): Promise<void> {
    const { db, collection } = this.#target!
    const before = new Date(context.clock.now() - keep)
    try {
      const { n } = await db.command({
        delete: collection,
        deletes: [{ q: { time: { $lt: before } }, limit: 0 }],
      })
      this.#counts.expired += n
    } catch (error) {
      context.log.debug(
        { error: failure('retry', error, this.#place!).message },
        'old events were not removed',
      )
    }
  }

  #tellOnce(context: Context, message: string): void {
    if (this.#told.has(message)) return
    this.#told.add(message)
    context.log.warn({ store: this.#place!.shown, collection: this.#options.collection }, message)
  }
}

/** The write concern of the URL. @throws SinkError when it is that nothing is acknowledged */
function acknowledged({ options: { writeConcern } }: MongoClient): Document {
  const { w = 1, journal, wtimeoutMS } = writeConcern ?? {}
  if (w === 0)
    throw new SinkError('stop', 'expected a write concern of w=1 or more, got w=0, by which no loss is known')
  return {
    w,
    ...(journal !== undefined && { j: journal }),
    ...(wtimeoutMS !== undefined && { wtimeout: wtimeoutMS }),
  }
}

/** Stores events in MongoDB, or a server that speaks its protocol. */
export default defineSink({
  name: 'mongodb',
  summary: 'Stores events in a collection of MongoDB, or of a server that speaks its protocol.',
  options,
  counters: {
    expired: total('Events removed because they were older than is kept, where the server does not do it.'),
  },
  defaults: { batchEvents: 8000, batchBytes: '4MiB' },
  create: (given) => new MongoSink(given),
  reader: (store) => MongoReader.open(store),
})
