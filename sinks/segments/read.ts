import { accessSync, constants } from 'node:fs'
import { join, resolve } from 'node:path'
import type { DuckDBInstance, DuckDBValue } from '@duckdb/node-api'
import {
  columnsOf,
  compilePatterns,
  type EventQuery,
  EventstormError,
  type QueryAnswer,
  reason,
  type StoreReader,
} from '../../lib/index.js'
import { INSTALL, isMissing } from './driver.js'
import { interruptible } from './interrupt.js'
import { hourFolders, type StoredSegment, segmentsIn } from './layout.js'
import { answerSql, isGone } from './plain-sql.js'
import { quote, Sql } from './sql.js'

/**
 * Asks a store by the files that its manifests name at that moment, with a DuckDB of its own; sinks that write there
 * meanwhile are not touched. It can reach nothing outside the folder.
 */
export class SegmentReader implements StoreReader {
  #root: string
  #instance: DuckDBInstance

  private constructor(root: string, instance: DuckDBInstance) {
    this.#root = root
    this.#instance = instance
  }

  /** @throws STORE_FAILED */
  static async open(path: string): Promise<SegmentReader> {
    const root = resolve(path)
    expectStore(root)
    try {
      const { DuckDBInstance } = await import('@duckdb/node-api')
      const instance = await DuckDBInstance.create(':memory:', {
        memory_limit: '512MB',
        threads: '2',
        autoinstall_known_extensions: 'false',
        autoload_known_extensions: 'false',
        temp_directory: '',
      })
      const connection = await instance.connect()
      await connection.run(`SET allowed_directories = [${quote(root)}]`)
      await connection.run('SET enable_external_access = false')
      await connection.run('SET lock_configuration = true')
      connection.closeSync()
      return new SegmentReader(root, instance)
    } catch (error) {
      const why = isMissing(error) ? `it needs DuckDB, which is not installed: ${INSTALL}` : reason(error)
      throw new EventstormError('STORE_FAILED', `the store in ${root} cannot be read: ${why}`, error)
    }
  }

  query(query: EventQuery, signal?: AbortSignal): Promise<QueryAnswer> {
    return lookAgain(() => this.#answer(query, signal))
  }

  sql(text: string, limit: number, signal?: AbortSignal): Promise<QueryAnswer> {
    return lookAgain(async () => {
      const connection = await this.#instance.connect()
      try {
        return await answerSql(connection, this.#files({}), text, limit, signal)
      } finally {
        connection.closeSync()
      }
    })
  }

  async #answer(query: EventQuery, signal: AbortSignal | undefined): Promise<QueryAnswer> {
    const columns = columnsOf(query)
    const files = this.#files(query)
    if (files.length === 0) return { columns, rows: [] }
    const types = await this.#types(query, files, signal)
    if (types?.length === 0) return { columns, rows: [] }
    const sql = new Sql()
    const text =
      query.latest === undefined ? measured(sql, query, files, types) : latest(sql, query, files, types)
    const rows = (await this.#run(text, sql, signal)).map((row) => row.map(toJson))
    if (query.latest === undefined) return { columns, rows }
    return { columns, rows: rows.map((row) => [...row.slice(0, -1), JSON.parse(row.at(-1) as string)]) }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#instance.closeSync()
  }

  /** Those that can hold events of the time that is asked for. */
  #files({ from = -Infinity, to = Infinity }: Partial<EventQuery>): StoredSegment[] {
    try {
      return hourFolders(this.#root)
        .flatMap(segmentsIn)
        .filter((segment) => segment.to >= from && segment.from < to)
    } catch (error) {
      throw new EventstormError('STORE_FAILED', `the store in ${this.#root}: ${reason(error)}`, error)
    }
  }

  /** The types that are there and wanted, by the very patterns that subscriptions are made with; undefined for all. */
  async #types(
    query: EventQuery,
    files: StoredSegment[],
    signal: AbortSignal | undefined,
  ): Promise<string[] | undefined> {
    if (query.types.length === 0) return undefined
    if (!query.types.some((pattern) => pattern.includes('*'))) return query.types
    const { matches } = compilePatterns(query.types)
    const sql = new Sql()
    const rows = await this.#run(`SELECT DISTINCT type FROM ${sql.events(files)}`, sql, signal)
    return rows.map(([type]) => type as string).filter(matches)
  }

  async #run(text: string, sql: Sql, signal: AbortSignal | undefined): Promise<DuckDBValue[][]> {
    // One connection does one thing at a time, and is what can be interrupted.
    const connection = await this.#instance.connect()
    try {
      const run = () => connection.runAndReadAll(text, sql.values)
      return (await interruptible(connection, signal, run)).getRows()
    } catch (error) {
      signal?.throwIfAborted()
      throw new EventstormError('STORE_FAILED', `the store in ${this.#root}: ${reason(error)}`, error)
    } finally {
      connection.closeSync()
    }
  }
}

/** @throws STORE_FAILED when no sink has written there, or may not be read: an answer without events would hide it */
function expectStore(root: string): void {
  const has = (path: string, lacking: string) => {
    try {
      accessSync(path, constants.R_OK | constants.X_OK)
    } catch (error) {
      const missing = (error as NodeJS.ErrnoException).code === 'ENOENT'
      const why = missing ? lacking : `it cannot be read: ${reason(error)}`
      throw new EventstormError('STORE_FAILED', `expected a store in ${root}, but ${why}`, error)
    }
  }
  has(root, 'there is no such folder')
  has(join(root, 'events'), 'it has no folder "events"; give the path that a sink writes to')
}

/** Old hours are removed at once; the next look does not see them any more. */
async function lookAgain<T>(look: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await look()
    } catch (error) {
      if (attempt === 3 || !isGone(error)) throw error
    }
  }
}

function latest(sql: Sql, query: EventQuery, files: StoredSegment[], types: string[] | undefined): string {
  const where = conditions(sql, query, types)
  return `SELECT ${sql.isoTime('epoch_ms(time)')}, type, source, seq, data FROM ${sql.events(files)} ${where}
    ORDER BY time DESC, epoch DESC, seq DESC LIMIT ${sql.number(Math.min(query.latest!, query.limit))}`
}

function measured(sql: Sql, query: EventQuery, files: StoredSegment[], types: string[] | undefined): string {
  const { every, by, measures, limit } = query
  const keys = by.map((field) => sql.text(field))
  if (every !== undefined) keys.unshift(`floor(epoch_ms(time) / ${sql.number(every)})`)
  const shown = keys.map((_, i) =>
    i === 0 && every !== undefined ? sql.isoTime(`k0 * ${sql.number(every)}`) : `k${i}`,
  )
  const values = measures.map((measure) => {
    switch (measure.kind) {
      case 'count':
        return 'count(*)'
      case 'rate':
        return `count(*) / ${sql.number((every ?? query.span!) / 1000)}`
      case 'distinct':
        return `count(DISTINCT ${sql.text(measure.field)})`
      case 'percentile':
        return `quantile_cont(${sql.figure(measure.field)}, ${measure.at})`
      default:
        return `${measure.kind}(${sql.figure(measure.field)})`
    }
  })
  const named = [...keys.map((key, i) => `${key} AS k${i}`), ...values.map((value, i) => `${value} AS m${i}`)]
  const where = conditions(sql, query, types)
  const group = keys.map((_, i) => i + 1).join(', ')
  const order = keys.map((_, i) => `k${i} NULLS LAST`).join(', ')
  return `SELECT ${[...shown, ...values.map((_, i) => `m${i}`)].join(', ')} FROM (
      SELECT ${named.join(', ')} FROM ${sql.events(files)} ${where}
      ${group && `GROUP BY ${group}`}
    ) ${order && `ORDER BY ${order}`} LIMIT ${sql.number(limit)}`
}

function conditions(sql: Sql, { from, to, where }: EventQuery, types: string[] | undefined): string {
  const all = where.map(({ field, operator, value }) => {
    const left = typeof value === 'number' ? sql.figure(field) : sql.text(field)
    return `${left} ${operator} ${typeof value === 'number' ? sql.number(value) : sql.string(value)}`
  })
  if (from !== undefined) all.push(`time >= make_timestamp_ms(${sql.number(from)}::BIGINT)`)
  if (to !== undefined) all.push(`time < make_timestamp_ms(${sql.number(to)}::BIGINT)`)
  if (types) all.push(`type IN (${types.map((type) => sql.string(type)).join(', ')})`)
  return all.length > 0 ? `WHERE ${all.join(' AND ')}` : ''
}

const toJson = (value: DuckDBValue): unknown => (typeof value === 'bigint' ? Number(value) : value)
