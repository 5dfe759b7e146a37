import type { Db, Document, MongoClient } from 'mongodb'
import {
  columnsOf,
  compilePatterns,
  dataToJson,
  type EventQuery,
  EventstormError,
  type QueryAnswer,
  reason,
  type StoreReader,
} from '../../lib/index.js'
import { answerRows, MAX_GROUPS, pipelineFor } from './aggregate.js'
import { connect, INSTALL, isMissing } from './driver.js'
import { isUnsupported } from './faults.js'
import { matchFor } from './match.js'
import { type Place, readPlace, readUrlFile, withoutSecrets } from './place.js'

/** Values that are held at once, of all rows, for percentiles that the server does not know. */
const MAX_HELD = 1_000_000
/** The version of MongoDB that has $percentile. */
const PERCENTILES = 7

/** Asks one collection, by aggregation. */
export class MongoReader implements StoreReader {
  #place: Place
  #client: MongoClient
  #db: Db
  #collection: string
  #version: number

  private constructor(place: Place, client: MongoClient, collection: string, version: number) {
    this.#place = place
    this.#client = client
    this.#db = client.db(place.database)
    this.#collection = collection
    this.#version = version
  }

  /**
   * @param store `mongodb://host/database#collection`, or `mongodb:FILE#collection` with that URL in a file
   * @throws STORE_FAILED, OPTIONS_INVALID, FILE_UNREADABLE
   */
  static async open(store: string): Promise<MongoReader> {
    const [where = '', collection = 'events'] = store.split('#')
    const isUrl = /^[^:]+:\/\//.test(where)
    const place = readPlace(isUrl ? where : readUrlFile(where.replace(/^[^:]*:/, '')))
    try {
      const client = await connect(place, { socketTimeoutMS: 0 })
      const {
        versionArray = [0],
        ferretdbVersion,
        ferretdb,
      } = await client.db('admin').command({ buildInfo: 1 })
      const isOriginal = ferretdbVersion === undefined && ferretdb === undefined
      return new MongoReader(place, client, collection, isOriginal ? versionArray[0] : 0)
    } catch (error) {
      const why = isMissing(error)
        ? `it needs MongoDB's driver, which is not installed: ${INSTALL}`
        : withoutSecrets(reason(error), place)
      throw new EventstormError('STORE_FAILED', `the store at ${place.shown} cannot be read: ${why}`)
    }
  }

  async query(query: EventQuery, signal?: AbortSignal): Promise<QueryAnswer> {
    try {
      return await this.#answer(query, signal)
    } catch (error) {
      if (signal?.aborted) throw signal.reason
      if (error instanceof EventstormError) throw error
      const why = withoutSecrets(reason(error), this.#place).split('\n')[0]!.slice(0, 200)
      if (isUnsupported(error)) {
        throw new EventstormError(
          'QUERY_INVALID',
          `the server at ${this.#place.shown} cannot answer this: ${why}`,
        )
      }
      throw new EventstormError('STORE_FAILED', `the store at ${this.#place.shown}: ${why}`)
    }
  }

  async #answer(query: EventQuery, signal: AbortSignal | undefined): Promise<QueryAnswer> {
    const columns = columnsOf(query)
    const types = await this.#types(query, signal)
    if (types?.length === 0) return { columns, rows: [] }
    const match = matchFor(query, types)
    if (query.latest !== undefined) return { columns, rows: await this.#latest(query, match, signal) }
    const native = this.#version >= PERCENTILES
    const held = native ? 0 : query.measures.filter(({ kind }) => kind === 'percentile').length
    if (held > 0) await this.#checkHeld(match, held, signal)
    const pipeline = [{ $match: match }, ...pipelineFor(query, native)]
    const groups = await this.#aggregate(pipeline, signal)
    if (groups.length > MAX_GROUPS) {
      throw new EventstormError(
        'QUERY_INVALID',
        `expected an answer of at most ${MAX_GROUPS} rows before the limit; ask for less time, or by other fields`,
      )
    }
    return { columns, rows: answerRows(query, groups, native) }
  }

  #aggregate(pipeline: Document[], signal: AbortSignal | undefined): Promise<Document[]> {
    const options = { allowDiskUse: true, ...(signal && { signal }) }
    return this.#db.collection(this.#collection).aggregate(pipeline, options).toArray()
  }

  /** The types that are there and wanted, by the very patterns that subscriptions are made with; undefined for all. */
  async #types({ types }: EventQuery, signal: AbortSignal | undefined): Promise<string[] | undefined> {
    if (types.length === 0) return undefined
    if (!types.some((pattern) => pattern.includes('*'))) return types
    const groups = await this.#aggregate([{ $group: { _id: '$type' } }], signal)
    return groups.map(({ _id }) => _id as string).filter(compilePatterns(types).matches)
  }

  /** First the time from which on they are, then they themselves: both by the index of time. */
  async #latest(query: EventQuery, match: Document, signal: AbortSignal | undefined): Promise<unknown[][]> {
    const wanted = Math.min(query.latest!, query.limit)
    const events = this.#db.collection(this.#collection)
    const more = signal && { signal }
    const [oldest] = await events
      .find(match, { ...more, projection: { time: 1 }, sort: { time: -1 }, skip: wanted - 1, limit: 1 })
      .toArray()
    const filter = oldest ? { $and: [match, { time: { $gte: oldest.time } }] } : match
    const sort = { time: -1, epoch: -1, seq: -1 } as const
    const found = await events.find(filter, { ...more, sort, limit: wanted }).toArray()
    return found.map(({ time, type, source, seq, data }) => [
      time.toISOString(),
      type,
      source,
      seq,
      JSON.parse(dataToJson(data)),
    ])
  }

  async #checkHeld(match: Document, measures: number, signal: AbortSignal | undefined): Promise<void> {
    const pipeline = [{ $match: match }, { $limit: MAX_HELD + 1 }, { $group: { _id: null, n: { $sum: 1 } } }]
    const [{ n } = { n: 0 }] = await this.#aggregate(pipeline, signal)
    if (n * measures <= MAX_HELD) return
    throw new EventstormError(
      'QUERY_INVALID',
      `the server at ${this.#place.shown} knows no percentiles (MongoDB does since 7.0), and of more than ${MAX_HELD} values they are not computed here; ask for less time, or less types`,
    )
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#client.close()
  }
}
