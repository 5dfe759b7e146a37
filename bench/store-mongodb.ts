import { MongoClient } from 'mongodb'
import { mongoJavaServer } from '../servers/index.js'
import type { Hit } from './event.js'
import type { StoreBench, StoredHit } from './store.js'

const PIECE = 1000
const IN_FLIGHT = 4

const bench: StoreBench<{ url: string }> = {
  loop: `insertMany of ${PIECE}, unordered, ${IN_FLIGHT} in flight (mongo-java-server in memory)`,

  async start() {
    const missing = mongoJavaServer.unavailable()
    if (missing !== undefined) return missing
    const server = await mongoJavaServer.start()
    return { place: { url: `${server.url}/bench` }, stop: () => server[Symbol.asyncDispose]() }
  },

  sink: ({ url }) => ({ url }),

  async open({ url }) {
    const client = await new MongoClient(url).connect()
    const events = client.db().collection<StoredHit>('events')
    await events.createIndexes([{ key: { type: 1, time: 1 } }, { key: { time: 1 } }])
    return async (hits) => {
      const rest = hits[Symbol.iterator]()
      const work = async () => {
        for (;;) {
          const piece: StoredHit[] = []
          while (piece.length < PIECE) {
            const { done, value } = rest.next()
            if (done) break
            piece.push(value)
          }
          if (piece.length === 0) return
          await events.insertMany(piece, { ordered: false })
        }
      }
      await Promise.all(Array.from({ length: IN_FLIGHT }, work))
      await client.close()
    }
  },

  async *take({ url }): AsyncGenerator<Hit> {
    const client = await new MongoClient(url).connect()
    try {
      const events = client.db().collection<StoredHit>('events')
      for await (const { data } of events.find()) yield data
      await client.db().dropDatabase()
    } finally {
      await client.close()
    }
  },
}

export default bench
