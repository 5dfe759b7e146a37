import type { Client, types } from 'cassandra-driver'
import { decodeEvents } from '../../lib/data/index.js'
import {
  columnsOf,
  compilePatterns,
  dataToJson,
  type EventQuery,
  EventstormError,
  type QueryAnswer,
  type StoreReader,
  type StormEvent,
} from '../../lib/index.js'
import { type Address, parseAddress } from './address.js'
import { newClient } from './client.js'
import { holds } from './fields.js'
import { Fold } from './fold.js'
import { explain } from './judge.js'
import type { Partition } from './rows.js'
import { DAY, tableNames } from './schema.js'

const PAGE = 2000
/** Partitions that are read at a time. */
const READERS = 4
/** More days than that are not asked for one by one. */
const MOST_DAYS = 31

interface Stretch extends Partition {
  /** When it ends, milliseconds since 1970. */
  end: number
}

/**
 * Answers by reading the events that a question is about, page by page: Cassandra itself can count and sum by little but
 * its keys. What would need too many of them is refused.
 */
export class CassandraReader implements StoreReader {
  #client: Client
  #address: Address

  private constructor(client: Client, address: Address) {
    this.#client = client
    this.#address = address
  }

  /** @throws OPTIONS_INVALID, FILE_UNREADABLE, STORE_FAILED */
  static async open(store: string): Promise<CassandraReader> {
    const address = parseAddress(store)
    const client = await newClient(address)
    try {
      await client.connect()
    } catch (error) {
      await client.shutdown().catch(() => {})
      throw failed(error)
    }
    return new CassandraReader(client, address)
  }

  /** @throws QUERY_INVALID, STORE_FAILED */
  async query(query: EventQuery, signal?: AbortSignal): Promise<QueryAnswer> {
    const late = AbortSignal.timeout(this.#address.parameters.readTime)
    try {
      return await this.#answer(query, signal ? AbortSignal.any([late, signal]) : late)
    } catch (error) {
      throw error instanceof EventstormError ? error : failed(error)
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#client.shutdown()
  }

  async #answer(query: EventQuery, signal: AbortSignal): Promise<QueryAnswer> {
    const stretches = await this.#stretches(query, signal)
    const reading = new Reading(this.#client, this.#address, query, signal)
    const columns = columnsOf(query)
    if (query.latest !== undefined) {
      const rows = await reading.latest(stretches, Math.min(query.latest, query.limit))
      return { columns, rows: rows.map(toRow) }
    }
    const fold = new Fold(query, this.#address.parameters.readMemory)
    await reading.each(stretches, (event) => fold.add(event))
    return { columns, rows: fold.rows() }
  }

  /** The partitions that can hold events which are asked for, the latest first. */
  async #stretches(query: EventQuery, signal: AbortSignal): Promise<Stretch[]> {
    const { from = -Infinity, to = Infinity } = query
    const matches = query.types.length === 0 ? () => true : compilePatterns(query.types).matches
    const { partitions } = tableNames(this.#address)
    const statement = `SELECT type, bucket, shard, span FROM ${partitions} WHERE day = ?`
    const found: Stretch[] = []
    for (const day of await this.#days(from, to)) {
      await this.#pages(statement, [new Date(day)], signal, (rows) => {
        for (const { type, bucket, shard, span } of rows) {
          const begin = (bucket as Date).getTime()
          const end = begin + span
          if (begin < to && end > from && matches(type)) found.push({ type, bucket: begin, shard, end })
        }
      })
    }
    return found.sort((a, b) => b.end - a.end)
  }

  /** A partition is listed under the day on which it begins, and is no longer than a day. */
  async #days(from: number, to: number): Promise<number[]> {
    const first = Math.floor((from - DAY) / DAY)
    const last = Math.ceil(to / DAY)
    if (last - first <= MOST_DAYS) {
      return Array.from({ length: last - first }, (_, i) => (first + i) * DAY)
    }
    const days: number[] = []
    const { partitions } = tableNames(this.#address)
    await this.#pages(`SELECT DISTINCT day FROM ${partitions}`, [], undefined, (rows) => {
      for (const { day } of rows) days.push((day as Date).getTime())
    })
    return days.filter((day) => day >= first * DAY && day < last * DAY)
  }

  async #pages(
    statement: string,
    params: unknown[],
    signal: AbortSignal | undefined,
    take: (rows: types.Row[]) => void,
  ): Promise<void> {
    await pages(this.#client, statement, params, PAGE, (rows) => {
      if (signal?.aborted) throw tooLong(this.#address)
      take(rows)
    })
  }
}

/** Calls for each page of an answer, until there are none or the call returns false. */
async function pages(
  client: Client,
  statement: string,
  params: unknown[],
  fetchSize: number,
  take: (rows: types.Row[]) => boolean | undefined,
): Promise<void> {
  let pageState: string | undefined
  do {
    const result = await client.execute(statement, params, {
      prepare: true,
      fetchSize,
      ...(pageState && { pageState }),
    })
    if (take(result.rows) === false) return
    pageState = result.pageState
  } while (pageState)
}

/** The reading for one answer, within its bounds. */
class Reading {
  #client: Client
  #address: Address
  #query: EventQuery
  #signal: AbortSignal
  #statement: string
  #params: unknown[]
  #wantsData: boolean
  #read = 0

  constructor(client: Client, address: Address, query: EventQuery, signal: AbortSignal) {
    this.#client = client
    this.#address = address
    this.#query = query
    this.#signal = signal
    const { from, to } = query
    // What is in the key alone is far cheaper to read.
    this.#wantsData =
      query.latest !== undefined ||
      [...query.by, ...query.where.map(({ field }) => field)].some((field) => 'path' in field) ||
      query.measures.some((measure) => 'field' in measure && 'path' in measure.field)
    // Times of events are whole milliseconds.
    this.#params = [from, to].filter((time) => time !== undefined).map((time) => new Date(Math.ceil(time)))
    this.#statement = `SELECT time, epoch, seq, source${this.#wantsData ? ', event' : ''} FROM ${tableNames(address).events}
      WHERE type = ? AND bucket = ? AND shard = ?${from === undefined ? '' : ' AND time >= ?'}${to === undefined ? '' : ' AND time < ?'}`
  }

  /** Calls for each event that is asked for, in any order. */
  async each(stretches: Stretch[], take: (event: StormEvent) => void): Promise<void> {
    const left = [...stretches]
    let failed = false
    const readOn = async () => {
      for (let next = left.pop(); next !== undefined && !failed; next = left.pop()) {
        try {
          await this.#stretch(next, PAGE, (events) => {
            for (const event of events) take(event)
            return !failed
          })
        } catch (error) {
          failed = true
          throw error
        }
      }
    }
    await Promise.all(Array.from({ length: READERS }, readOn))
  }

  /** The newest `count` events, newest first. */
  async latest(stretches: Stretch[], count: number): Promise<StormEvent[]> {
    let found: StormEvent[] = []
    for (const stretch of stretches) {
      if (found.length >= count && found[count - 1]!.time.getTime() >= stretch.end) break
      const here: StormEvent[] = []
      await this.#stretch(stretch, Math.min(PAGE, count), (events) => {
        here.push(...events)
        return here.length < count
      })
      found = [...found, ...here].sort(newestFirst).slice(0, count)
    }
    return found
  }

  async #stretch(
    { type, bucket, shard }: Stretch,
    fetchSize: number,
    take: (events: StormEvent[]) => boolean,
  ): Promise<void> {
    const { where } = this.#query
    const params = [type, new Date(bucket), shard, ...this.#params]
    await pages(this.#client, this.#statement, params, fetchSize, (rows) => {
      if (this.#signal.aborted) throw tooLong(this.#address)
      this.#read += rows.length
      const { readRows } = this.#address.parameters
      if (this.#read > readRows) {
        throw new EventstormError(
          'QUERY_INVALID',
          `the answer would need more than ${readRows} events to be read; ask for a shorter time or fewer types, or raise readRows in the address of the store`,
        )
      }
      const events = rows.flatMap((row) => toEvent(type, row, this.#wantsData) ?? [])
      return take(
        where.length === 0 ? events : events.filter((event) => where.every((each) => holds(event, each))),
      )
    })
  }
}

function toEvent(type: string, row: types.Row, wantsData: boolean): StormEvent | undefined {
  const { source, time } = row
  const epoch = Number(row.epoch)
  const seq = Number(row.seq)
  if (!wantsData) return { type, source, epoch, seq, time, data: undefined }
  const body = row.event as Buffer
  return decodeEvents({ type, source, epoch, seq, count: 1, body, offset: 0 })[0]
}

function newestFirst(a: StormEvent, b: StormEvent): number {
  return b.time.getTime() - a.time.getTime() || b.epoch - a.epoch || b.seq - a.seq
}

const toRow = ({ time, type, source, seq, data }: StormEvent) => [
  time.toISOString(),
  type,
  source,
  seq,
  JSON.parse(dataToJson(data)),
]

const tooLong = ({ parameters: { readTime } }: Address) =>
  new EventstormError(
    'QUERY_INVALID',
    `the answer would take longer than ${readTime} ms; ask for a shorter time or fewer types, or raise readTime in the address of the store`,
  )

function failed(error: unknown): EventstormError {
  return new EventstormError('STORE_FAILED', `Cassandra: ${explain(error).message}`)
}
