import type { Client } from 'cassandra-driver'
import {
  byteSize,
  type Context,
  defineSink,
  duration,
  type EventBatch,
  type EventSink,
  SinkError,
  total,
  type Written,
  z,
} from '../../lib/index.js'
import { type Address, parseAddress } from './address.js'
import { newClient } from './client.js'
import { explain, isRefused } from './judge.js'
import { ListedPartitions } from './listed.js'
import { CassandraReader } from './read.js'
import { type Partition, toListing, toRequests, type WriteRequest } from './rows.js'
import { checkColumns, checkKeep, createSchema, DAY, replicationClause, tableNames } from './schema.js'

const options = z.strictObject({
  url: z.string().default('cassandra://127.0.0.1:9042/eventstorm').meta({
    description: 'Where the cluster is: cassandra://user:password@host1,host2:9042/keyspace?datacenter=dc1.',
    argument: 'url',
  }),
  passwordFile: z.string().min(1).optional().meta({
    description:
      'A file with the password. Default: that of the URL, or the environment variable CASSANDRA_PASSWORD.',
    argument: 'path',
  }),
  create: z
    .boolean()
    .default(true)
    .meta({ description: 'Make keyspace and tables when they are not there.' }),
  replication: z.string().default('1').meta({
    description: 'Copies of each row, for a keyspace that is made: 3, or dc1:3,dc2:2.',
    argument: 'copies',
  }),
  keep: duration().pipe(z.number().min(60_000)).optional().meta({
    description: 'How long events are kept, for tables that are made. Default: for ever.',
    argument: 'time',
  }),
  bucket: duration()
    .pipe(z.int().min(1000).max(DAY))
    .prefault('5m')
    .meta({ description: 'The time whose events of one type share a partition.', argument: 'time' }),
  shards: z
    .int()
    .min(1)
    .max(1024)
    .default(1)
    .meta({ description: 'Partitions for one type and time, when it has too many events for one.' }),
  requestBytes: byteSize()
    .pipe(z.number().max(1024 * 1024))
    .prefault('16KiB')
    .meta({
      description: 'Bytes of one partition that are written by one request, about.',
      argument: 'size',
    }),
  rowBytes: byteSize()
    .pipe(z.number().max(16 * 1024 * 1024))
    .prefault('1MiB')
    .meta({ description: 'Bytes of an event at most; a larger one is rejected.', argument: 'size' }),
  inFlight: z
    .int()
    .min(1)
    .max(1024)
    .default(64)
    .meta({ description: 'Requests that are on their way at a time, at most.' }),
})

/** A batch that is not written completely: what is left of it comes again with it. */
interface Work {
  batch: EventBatch
  listing: WriteRequest[]
  partitions: Partition[]
  requests: WriteRequest[]
  rejected: number
}

/**
 * Writes events as rows whose key is the event's identity, in unlogged batches of one partition each. Whatever is
 * written twice is there once, so nothing speaks against writing again what may have been written.
 */
export class CassandraSink implements EventSink {
  #options: z.output<typeof options>
  #address: Address
  #insert: string
  #list: string
  #context!: Context
  #client: Client | undefined
  #work: Work | undefined
  #listed = new ListedPartitions()
  #counts = { requests: 0, failedRequests: 0, halvedRequests: 0, partitionsListed: 0, tooLarge: 0 }

  /** @throws OPTIONS_INVALID, FILE_UNREADABLE */
  constructor(given: z.output<typeof options>) {
    this.#options = given
    this.#address = parseAddress(given.url, given.passwordFile)
    replicationClause(given.replication, this.#address.parameters.datacenter)
    const { events, partitions } = tableNames(this.#address)
    this.#insert = `INSERT INTO ${events} (type, bucket, shard, time, epoch, seq, source, event) VALUES (?, ?, ?, ?, ?, ?, ?, ?)`
    this.#list = `INSERT INTO ${partitions} (day, type, bucket, shard, span) VALUES (?, ?, ?, ?, ?)`
  }

  async open(context: Context): Promise<void> {
    this.#context = context
    const { create, keep, replication } = this.#options
    let client: Client | undefined
    try {
      client = await newClient(this.#address)
      await client.connect()
      if (create) await createSchema(client, this.#address, { keep, replication })
      await checkColumns(client, this.#address)
      await checkKeep(client, this.#address, keep, context.log)
      this.#client = client
    } catch (error) {
      await client?.shutdown().catch(() => {})
      throw explain(error)
    }
  }

  async write(batch: EventBatch, signal: AbortSignal): Promise<Written> {
    if (this.#work?.batch !== batch) this.#work = this.#plan(batch)
    const work = this.#work
    try {
      // A partition is listed before it has rows: what is stored can be found.
      await this.#run(work, work.listing, signal)
      this.#listed.add(work.partitions, this.#context.clock.now())
      await this.#run(work, work.requests, signal)
    } catch (error) {
      throw explain(error)
    }
    this.#work = undefined
    return { rejected: work.rejected }
  }

  async close(): Promise<void> {
    const client = this.#client
    this.#client = undefined
    this.#work = undefined
    await client?.shutdown()
  }

  counters() {
    return { ...this.#counts }
  }

  #plan(batch: EventBatch): Work {
    const { requests, partitions, tooLarge } = toRequests(batch, this.#insert, this.#options, this.#options)
    this.#counts.tooLarge += tooLarge
    const missing = this.#listed.missing(partitions, this.#context.clock.now())
    this.#counts.partitionsListed += missing.length
    const listing = toListing(missing, this.#list, this.#options.bucket, this.#options.requestBytes)
    return { batch, listing, partitions: missing, requests, rejected: tooLarge }
  }

  /** Sends requests, so many at a time, until all are answered or one has failed; those that are left stay there. */
  async #run(work: Work, requests: WriteRequest[], signal: AbortSignal): Promise<void> {
    let failure: unknown
    const send = async () => {
      while (failure === undefined && !signal.aborted) {
        const request = requests.pop()
        if (request === undefined) return
        try {
          await this.#send(request)
        } catch (error) {
          if (!isRefused(error) || requests === work.listing) {
            requests.push(request)
            failure = error
          } else if (request.rows.length > 1) {
            this.#counts.halvedRequests++
            requests.push(...halves(request))
          } else {
            this.#context.log.debug({ error: explain(error).message }, 'row refused')
            work.rejected++
          }
        }
      }
    }
    await Promise.all(Array.from({ length: Math.min(this.#options.inFlight, requests.length) }, send))
    if (failure !== undefined) {
      this.#counts.failedRequests++
      throw failure
    }
    if (requests.length > 0) throw new SinkError('wait', 'the write was given up before it was complete')
  }

  #send({ rows }: WriteRequest): Promise<unknown> {
    this.#counts.requests++
    const client = this.#client
    if (client === undefined) throw new SinkError('wait', 'the sink is closed')
    const [{ query, params }] = rows as [WriteRequest['rows'][number]]
    return rows.length === 1
      ? client.execute(query, params, { prepare: true })
      : client.batch(rows, { prepare: true, logged: false })
  }
}

function halves({ rows, bytes }: WriteRequest): [WriteRequest, WriteRequest] {
  const middle = rows.length >> 1
  return [
    { rows: rows.slice(0, middle), bytes: bytes / 2 },
    { rows: rows.slice(middle), bytes: bytes / 2 },
  ]
}

/** Stores events in Apache Cassandra. */
export default defineSink({
  name: 'cassandra',
  summary: 'Stores events in Apache Cassandra, as rows that writing twice does not double.',
  options,
  counters: {
    requests: total('Requests that succeeded.'),
    failedRequests: total('Requests that failed.'),
    halvedRequests: total('Requests that were too large for the server, and sent in halves.'),
    partitionsListed: total('Partitions written to the list of partitions.'),
    tooLarge: total('Events larger than a request may be; part of dropped, as rejected.'),
  },
  defaults: { batchEvents: 5000, batchBytes: '4MiB' },
  create: (given) => new CassandraSink(given),
  reader: (store) => CassandraReader.open(store),
})
