import { statSync } from 'node:fs'
import { join } from 'node:path'
import type { DuckDBAppender, DuckDBConnection, DuckDBInstance, DuckDBType } from '@duckdb/node-api'
import { decodeEvents } from '../../lib/data/index.js'
import {
  CANNOT_ROLL,
  newCounts,
  type PackedBatch,
  type RollReason,
  unpack,
  type WorkerSettings,
} from './channel.js'
import { COLUMNS, type Rows, toRows } from './columns.js'
import { Compactor } from './compactor.js'
import { type Extract, extractColumn, extractName, extractValue, pointerTo } from './extract.js'
import {
  hourFolder,
  hourOf,
  makeFolder,
  publish,
  removeLeftovers,
  type Segment,
  segmentsOf,
  writeManifest,
} from './layout.js'
import { mergeable, mergeFiles } from './merge.js'
import { removeHours } from './retention.js'
import { Retired } from './retired.js'
import { quote } from './sql.js'

/** What sorting a whole hour may take of the disk. */
const SPILL = '4GiB'

/** Rows in a chunk at most: the size of DuckDB's vectors. */
const CHUNK_ROWS = 2048

/** How often it is looked whether the store is too large, while it is filled once. */
const LOOKS = 64

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
  #extracts: Extract[]
  #retired: Retired
  #compactor: Compactor
  /** Bytes written since it was last looked whether the store is too large. */
  #unchecked = 0

  private constructor(
    settings: WorkerSettings,
    duckdb: DuckDB,
    instance: DuckDBInstance,
    [connection, beside]: [DuckDBConnection, DuckDBConnection],
    appender: DuckDBAppender,
    grace: number,
  ) {
    this.#extracts = settings.extracts
    this.#retired = new Retired(grace)
    const place = {
      root: settings.path,
      writer: settings.writer,
      newFile: () => this.#newFile(),
      hour: () => this.#hour,
    }
    this.#compactor = new Compactor(place, beside, this.#retired, this.counts)
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
      max_temp_directory_size: SPILL,
    })
    const connection = await instance.connect()
    await connection.run(`SET allowed_directories = [${quote(settings.path)}]`)
    await connection.run('SET enable_external_access = false')
    await connection.run('SET lock_configuration = true')
    const columns = COLUMNS.map(({ name, type }) => `${name} ${type}`).join(', ')
    await connection.run(`CREATE TABLE pending (${columns})`)
    const appender = await connection.createAppender('pending')
    const connections: [DuckDBConnection, DuckDBConnection] = [connection, await instance.connect()]
    const writer = new SegmentWriter(settings, duckdb, instance, connections, appender, grace)
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
      if (due) await this.roll(due, now).catch(cannotRoll)
    }
    if (hour !== this.#hour) {
      const before = this.#hour
      this.#hour = hour
      // Not always none: a clock that is put right may go back.
      this.#segments = segmentsOf(hourFolder(this.#settings.path, hour), this.#settings.writer)
      if (!Number.isNaN(before)) this.#compactor.close(before)
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
    const file = this.#newFile()
    const path = join(folder, file)
    await this.#connection.run(
      `COPY (SELECT ${this.#columns()} FROM pending) TO ${quote(`${path}.tmp`)} (FORMAT parquet, COMPRESSION zstd)`,
    )
    publish(path)
    const { size } = statSync(path)
    const segment: Segment = { file, rows, bytes: size, from: this.#from, to: this.#to, level: 0 }
    if (this.#extracts.length > 0) segment.extracts = this.#extracts.map(extractName)
    const segments = [...this.#segments, segment]
    writeManifest(folder, writer, segments)
    this.#segments = segments
    await this.#connection.run('TRUNCATE pending')
    this.counts.pending = 0
    this.#bytes = 0
    this.#from = Infinity
    this.#to = -Infinity
    this.counts.segments++
    this.counts.rows += rows
    this.counts.fileBytes += size
    this.counts.rolls[reason]++
    this.#retired.remove(now)
    this.#unchecked += size
    const { keepBytes = Infinity } = this.#settings
    if (this.#unchecked > keepBytes / LOOKS) this.#removeOld(now)
    // Many small files are slow to read. Nothing is lost when it fails: they count until the new one does.
    await this.#merge(folder).catch(() => {
      this.counts.mergesFailed++
    })
  }

  /** @param now milliseconds since 1970 */
  tidy(now: number): void {
    this.#removeOld(now)
    this.#retired.remove(now)
    // Nothing has come since that hour was over.
    if (this.counts.pending > 0 || Number.isNaN(this.#hour) || this.#hour === hourOf(now)) return
    this.#compactor.close(this.#hour)
    this.#hour = Number.NaN
    this.#segments = []
  }

  async close(): Promise<void> {
    await this.#compactor.stop()
    this.#appender.closeSync()
    this.#connection.closeSync()
    this.#instance.closeSync()
  }

  #newFile(): string {
    return `seg-${this.#settings.writer}-${++this.#number}.parquet`
  }

  /** What a file has, from what the table has. */
  #columns(): string {
    const own = COLUMNS.map(({ name, stored }) => `${stored} AS ${name}`)
    const extracts = this.#extracts.map(
      (each) => `${extractValue(each.kind, quote(pointerTo(each.path)))} AS ${extractColumn(each)}`,
    )
    return [...own, ...extracts].join(', ')
  }

  /** Makes one file of several of one level. */
  async #merge(folder: string): Promise<void> {
    const parts = mergeable(this.#segments)
    if (parts.length === 0) return
    const merged = await mergeFiles(this.#connection, folder, this.#newFile(), parts)
    const segments = [...this.#segments.filter((each) => !parts.includes(each)), merged]
    writeManifest(folder, this.#settings.writer, segments)
    this.#segments = segments
    this.counts.merges++
    this.#retired.add(parts.map((part) => join(folder, part.file)))
  }

  #removeOld(now: number): void {
    const { byAge, bySize } = removeHours(this.#settings.path, this.#settings, now)
    this.counts.hoursRemoved.age += byAge
    this.counts.hoursRemoved.size += bySize
    this.#unchecked = 0
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

function cannotRoll(error: Error): never {
  throw Object.assign(error, { code: CANNOT_ROLL })
}
