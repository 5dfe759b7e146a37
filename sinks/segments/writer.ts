import { rmSync, statSync, utimesSync } from 'node:fs'
import { join } from 'node:path'
import type { DuckDBAppender, DuckDBConnection, DuckDBInstance, DuckDBType } from '@duckdb/node-api'
import { decodeEvents } from '../../lib/data/index.js'
import { newCounts, type PackedBatch, type RollReason, unpack, type WorkerSettings } from './channel.js'
import { COLUMNS, type Rows, toRows } from './columns.js'
import {
  hourFolder,
  hourOf,
  makeFolder,
  publish,
  removeHoursBefore,
  removeLeftovers,
  type Segment,
  segmentsOf,
  writeManifest,
} from './layout.js'
import { mergeable } from './merge.js'

/** Rows in a chunk at most: the size of DuckDB's vectors. */
const CHUNK_ROWS = 2048

type DuckDB = typeof import('@duckdb/node-api')

/**
 * Writes segments: events are kept in a table in memory until it is rolled, which means written to a file that
 * counts from then on. A roll that fails leaves the table as it is, and nothing more is taken until one works.
 */
export class SegmentWriter {
  readonly counts = newCounts()
  #settings: WorkerSettings
  #duckdb: DuckDB
  #instance: DuckDBInstance
  #connection: DuckDBConnection
  #appender: DuckDBAppender
  #types: DuckDBType[]
  /** Of the rows in the table. */
  #bytes = 0
  #from = Infinity
  #to = -Infinity
  /** The hour of arrival of the rows in the table, and of the segments below. */
  #hour = Number.NaN
  #segments: Segment[] = []
  #number = 0
  /** Files that have become part of another one. */
  #retired: { path: string; at: number }[] = []
  #grace: number

  private constructor(
    settings: WorkerSettings,
    duckdb: DuckDB,
    instance: DuckDBInstance,
    connection: DuckDBConnection,
    appender: DuckDBAppender,
    grace: number,
  ) {
    this.#grace = grace
    this.#settings = settings
    this.#duckdb = duckdb
    this.#instance = instance
    this.#connection = connection
    this.#appender = appender
    this.#types = COLUMNS.map(({ type }) => duckdb[type])
  }

  /**
   * @param now milliseconds since 1970
   * @param grace age from which on files that nobody names are removed, milliseconds
   */
  static async open(settings: WorkerSettings, now: number, grace: number): Promise<SegmentWriter> {
    const duckdb = await import('@duckdb/node-api')
    makeFolder(settings.path)
    const leftovers = removeLeftovers(settings.path, now, grace)
    const instance = await duckdb.DuckDBInstance.create(':memory:', {
      memory_limit: settings.memory,
      threads: '1',
      preserve_insertion_order: 'false',
      autoinstall_known_extensions: 'false',
      autoload_known_extensions: 'false',
      temp_directory: join(settings.path, `spill-${settings.writer}`),
    })
    const connection = await instance.connect()
    await connection.run(`SET allowed_directories = [${quote(settings.path)}]`)
    await connection.run('SET enable_external_access = false')
    await connection.run('SET lock_configuration = true')
    const columns = COLUMNS.map(({ name, type }) => `${name} ${type}`).join(', ')
    await connection.run(`CREATE TABLE pending (${columns})`)
    const appender = await connection.createAppender('pending')
    const writer = new SegmentWriter(settings, duckdb, instance, connection, appender, grace)
    writer.counts.leftovers = leftovers
    writer.#removeOld(now)
    return writer
  }

  /**
   * Takes a batch; when that makes the table full, it is rolled.
   * @returns events that could not be decoded
   * @throws when what was there before could not be rolled; the batch is not taken then
   */
  async write(batch: PackedBatch, now: number): Promise<{ undecodable: number }> {
    const hour = hourOf(now)
    if (this.counts.pending > 0) {
      const due = hour === this.#hour ? this.#due() : 'hour'
      if (due) await this.roll(due, now)
    }
    if (hour !== this.#hour) {
      this.#hour = hour
      // Not always none: a clock that is put right may go back.
      this.#segments = segmentsOf(hourFolder(this.#settings.path, hour), this.#settings.writer)
      this.#removeOld(now)
    }
    const messages = unpack(batch)
    const size = messages.reduce((sum, { count }) => sum + count, 0)
    const rows = toRows(messages.flatMap(decodeEvents), now)
    this.#append(rows)
    const due = this.#due()
    // The batch is taken, whatever becomes of this; a failure is told by the next write, which tries again.
    if (due) await this.roll(due, now).catch(() => {})
    return { undecodable: size - rows.count }
  }

  /** Writes what is in the table to a file. */
  async roll(reason: RollReason, now: number): Promise<void> {
    const { pending: rows } = this.counts
    if (rows === 0) return
    const { path: root, writer } = this.#settings
    const folder = hourFolder(root, this.#hour)
    makeFolder(folder)
    const file = `seg-${writer}-${this.#number + 1}.parquet`
    const path = join(folder, file)
    const columns = COLUMNS.map(({ name, stored }) => `${stored} AS ${name}`).join(', ')
    await this.#connection.run(
      `COPY (SELECT ${columns} FROM pending) TO ${quote(`${path}.tmp`)} (FORMAT parquet, COMPRESSION zstd)`,
    )
    publish(path)
    const { size } = statSync(path)
    const segments = [
      ...this.#segments,
      { file, rows, bytes: size, from: this.#from, to: this.#to, level: 0 },
    ]
    writeManifest(folder, writer, segments)
    this.#segments = segments
    this.#number++
    await this.#connection.run('TRUNCATE pending')
    this.counts.pending = 0
    this.#bytes = 0
    this.#from = Infinity
    this.#to = -Infinity
    this.counts.segments++
    this.counts.rows += rows
    this.counts.fileBytes += size
    this.counts.rolls[reason]++
    this.#removeRetired(now)
    // Many small files are slow to read. Nothing is lost when it fails: they count until the new one does.
    await this.#merge(folder, now).catch(() => {
      this.counts.mergesFailed++
    })
  }

  close(): void {
    this.#appender.closeSync()
    this.#connection.closeSync()
    this.#instance.closeSync()
  }

  /** Makes one file, sorted for reading, of several of one level. */
  async #merge(folder: string, now: number): Promise<void> {
    const parts = mergeable(this.#segments)
    if (parts.length === 0) return
    const { writer } = this.#settings
    const file = `seg-${writer}-${this.#number + 1}.parquet`
    const path = join(folder, file)
    const paths = parts.map((part) => join(folder, part.file))
    await this.#connection.run(
      `COPY (SELECT * FROM read_parquet([${paths.map(quote).join(', ')}]) ORDER BY type, time)
        TO ${quote(`${path}.tmp`)} (FORMAT parquet, COMPRESSION zstd)`,
    )
    publish(path)
    const merged: Segment = {
      file,
      rows: parts.reduce((sum, { rows }) => sum + rows, 0),
      bytes: statSync(path).size,
      from: Math.min(...parts.map(({ from }) => from)),
      to: Math.max(...parts.map(({ to }) => to)),
      level: parts[0]!.level + 1,
    }
    const segments = [...this.#segments.filter((each) => !parts.includes(each)), merged]
    writeManifest(folder, writer, segments)
    this.#segments = segments
    this.#number++
    this.counts.merges++
    this.#retired.push(...paths.map((each) => ({ path: each, at: now })))
    // Also for other writers, to whom they are leftovers from now on.
    for (const each of paths) utimesSync(each, now / 1000, now / 1000)
  }

  /** Whoever has listed the files before a merge has had the time to read them. */
  #removeRetired(now: number): void {
    while (this.#retired[0] && this.#retired[0].at <= now - this.#grace) {
      rmSync(this.#retired.shift()!.path, { force: true })
    }
  }

  #removeOld(now: number): void {
    const { keep, path } = this.#settings
    if (keep !== undefined) this.counts.hoursRemoved += removeHoursBefore(path, now - keep)
  }

  #due(): RollReason | undefined {
    if (this.counts.pending >= this.#settings.rollRows) return 'rows'
    return this.#bytes >= this.#settings.rollBytes ? 'bytes' : undefined
  }

  #append({ columns, count, bytes, from, to }: Rows): void {
    for (let at = 0; at < count; at += CHUNK_ROWS) {
      const size = Math.min(CHUNK_ROWS, count - at)
      const chunk = this.#duckdb.DuckDBDataChunk.create(this.#types, size)
      chunk.setColumns(columns.map((values) => values.slice(at, at + size)))
      this.#appender.appendDataChunk(chunk)
    }
    this.#appender.flushSync()
    this.counts.pending += count
    this.#bytes += bytes
    this.#from = Math.min(this.#from, from)
    this.#to = Math.max(this.#to, to)
  }
}

/** A text of SQL. */
const quote = (text: string) => `'${text.replaceAll("'", "''")}'`
