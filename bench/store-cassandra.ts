import { BSON } from 'bson'
import { Client, types } from 'cassandra-driver'
import { silent, systemClock } from '../lib/index.js'
import { cassandra } from '../servers/index.js'
import sink, { CassandraSink } from '../sinks/cassandra/cassandra.js'
import type { Hit } from './event.js'
import type { StoreBench, StoredHit } from './store.js'

/** About the bytes that the sink puts into a request. */
const PIECE = 40
const IN_FLIGHT = 64
const BUCKET = 300_000

interface Place {
  url: string
  host: string
  port: number
}

const newClient = ({ host, port }: Place) =>
  new Client({
    contactPoints: [host],
    localDataCenter: 'datacenter1',
    protocolOptions: { port, maxVersion: 4 },
  })

const INSERT =
  'INSERT INTO bench.events (type, bucket, shard, time, epoch, seq, source, event) VALUES (?, ?, 0, ?, ?, ?, ?, ?)'

const bench: StoreBench<Place> = {
  loop: `prepared unlogged batches of ${PIECE} rows of a partition, ${IN_FLIGHT} in flight (one node)`,

  async start() {
    const missing = cassandra.unavailable()
    if (missing !== undefined) return missing
    const server = await cassandra.start()
    const { host, port } = server.place
    const place = { url: `${server.url}/bench`, host, port }
    return { place, stop: () => server[Symbol.asyncDispose]() }
  },

  sink: ({ url }) => ({ url }),

  async open(place) {
    // The sink makes the tables, once.
    const maker = new CassandraSink(sink.options.parse({ url: place.url }))
    await maker.open({ name: 'bench', clock: systemClock, log: silent })
    await maker.close()
    const client = newClient(place)
    await client.connect()
    return async (hits) => {
      const rest = hits[Symbol.iterator]()
      const work = async () => {
        for (;;) {
          const rows: { query: string; params: unknown[] }[] = []
          let bucket: number | undefined
          while (rows.length < PIECE) {
            const { done, value } = rest.next()
            if (done) break
            bucket ??= bucketOf(value)
            rows.push({ query: INSERT, params: paramsOf(value, bucket) })
          }
          if (rows.length === 0) return
          await client.batch(rows, { prepare: true, logged: false, isIdempotent: true, consistency: QUORUM })
        }
      }
      await Promise.all(Array.from({ length: IN_FLIGHT }, work))
      await client.shutdown()
    }
  },

  async *take(place): AsyncGenerator<Hit> {
    const client = newClient(place)
    try {
      const all = await client.execute('SELECT event FROM bench.events', [], {
        prepare: true,
        fetchSize: 2000,
      })
      for await (const { event } of all) yield BSON.deserialize(event).data
      await client.execute('TRUNCATE bench.events')
    } finally {
      await client.shutdown()
    }
  },
}

const QUORUM = types.consistencies.localQuorum

const bucketOf = ({ time }: StoredHit) => Math.floor(time.getTime() / BUCKET) * BUCKET

function paramsOf({ type, time, epoch, seq, source, data }: StoredHit, bucket: number): unknown[] {
  const { fromNumber } = types.Long
  return [
    type,
    new Date(bucket),
    time,
    fromNumber(epoch),
    fromNumber(seq),
    source,
    BSON.serialize({ time, data }),
  ]
}

export default bench
