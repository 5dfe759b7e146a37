import { statSync } from 'node:fs'
import { join } from 'node:path'
import type { DuckDBConnection, DuckDBInstance } from '@duckdb/node-api'
import { decodeEvents } from '../../lib/data/index.js'
import {
  CANNOT_ROLL,
  newCounts,
  type PackedBatch,
  type RollReason,
  type StoreCounts,
  unpack,
  type WorkerSettings,
} from './channel.js'
import { COLUMNS } from './columns.js'
import { Compactor, type Place } from './compactor.js'
import { openForWriting } from './duckdb.js'
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
import { mergeApart } from './merge-apart.js'
import { Merger } from './merger.js'
import { PendingTable } from './pending.js'
import { removeHours } from './retention.js'
import { Retired } from './retired.js'
import { tidySpills } from './spill.js'
import { quote } from './sql.js'

/** How often it is looked whether the store is too large, while it is filled once. */
const LOOKS = 64

type DuckDB = typeof import('@duckdb/node-api')

/**
 * Writes segments: events are kept in a table in memory until it is rolled, which means written to a file that counts
 * from then on. That goes on while the next table is filled, but one at a time. A roll that fails leaves the table as it
 * is, and nothing more is taken until one works.
 */
export class SegmentWriter {
  readonly counts = newCounts()
  #settings: WorkerSettings
  #duckdb: DuckDB
  #instance: DuckDBInstance
  /** Of the tables that are filled, and of the one that is written to a file. */
  #filling: DuckDBConnection
  #copying: DuckDBConnection
  #table: PendingTable | undefined
  /** The table that is on its way into a file, or could not be written to one, and why it is rolled. */
  #full: { table: PendingTable; reason: RollReason } | undefined
  /** Settles when that has ended; then it is undefined. */
  #rolling: Promise<void> | undefined
  #tables = 0
  /** The hour of arrival of the rows in the table, and of the segments below. */
  #hour = Number.NaN
  #segments: Segment[] = []
  #number = 0
  #extracts: Extract[]
  #retired: Retired
  #counted: (counts: StoreCounts) => void
  #compactor: Compactor
  /** Bytes written since it was last looked whether the store is too large. */
  #unchecked = 0

  private constructor(
    settings: WorkerSettings,
    duckdb: DuckDB,
    instance: DuckDBInstance,
    filling: DuckDBConnection,
    copying: DuckDBConnection,
    grace: number,
    counted: (counts: StoreCounts) => void,
  ) {
    this.#counted = counted
    this.#extracts = settings.extracts
    this.#retired = new Retired(grace)
    const place: Place = {
      root: settings.path,
      newFile: () => this.#newFile(),
      hour: () => this.#hour,
      segments: (hour) => this.#segmentsOf(hour),
      replace: (hour, parts, merged) => this.#replace(hour, parts, merged),
    }
    const ways = { near: new Merger(settings), apart: mergeApart(settings) }
    this.#compactor = new Compactor(place, ways, this.#retired, this.counts, () => counted(this.counts))
    this.#settings = settings
    this.#duckdb = duckdb
    this.#instance = instance
    this.#filling = filling
    this.#copying = copying
  }

  /**
   * @param now milliseconds since 1970
   * @param grace age from which on files that nobody names are removed, milliseconds
   * @param counted called when the counts have changed without anybody having asked for something
   */
  static async open(
    settings: WorkerSettings,
    now: number,
    grace: number,
    counted: (counts: StoreCounts) => void,
  ): Promise<SegmentWriter> {
    const duckdb = await import('@duckdb/node-api')
    makeFolder(join(settings.path, 'events'))
    const leftovers = removeLeftovers(settings.path, now, grace)
    const { instance, connection } = await openForWriting(settings)
    const copying = await instance.connect()
    const writer = new SegmentWriter(settings, duckdb, instance, connection, copying, grace, counted)
    writer.counts.leftovers = leftovers + tidySpills(settings, now)
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
    await this.#settle(now)
    if (hour !== this.#hour) {
      await this.roll('hour', now)
      const before = this.#hour
      this.#hour = hour
      // Not always none: a clock that is put right may go back.
      this.#segments = segmentsOf(hourFolder(this.#settings.path, hour), this.#settings.writer)
      if (!Number.isNaN(before)) this.#compactor.close(before)
      this.#removeOld(now)
    }
    this.#table ??= await PendingTable.create(this.#duckdb, this.#filling, `pending${++this.#tables}`, hour)
    const { rows } = this.#table
    const messages = unpack(batch)
    const size = messages.reduce((sum, { count }) => sum + count, 0)
    const before = rows.count
    for (const message of messages) rows.add(decodeEvents(message), now)
    const taken = rows.count - before
    this.counts.pending += taken
    const due = rows.count >= this.#settings.rollRows ? 'rows' : 'bytes'
    if (due === 'rows' || rows.bytes >= this.#settings.rollBytes) {
      // The batch is taken, whatever becomes of this; a failure is told by the next write, which tries again.
      await this.#rolling
      if (this.#full === undefined) this.#begin(due, now)
    }
    return { undecodable: size - taken }
  }

  /** Writes all that is in memory to files. @throws when that fails; it stays in memory then */
  async roll(reason: RollReason, now: number): Promise<void> {
    await this.#rolling
    await this.#settle(now)
    this.#begin(reason, now)
    await this.#rolling
    await this.#settle(now)
  }

  /** A table that could not be written is tried again. @throws when that fails again */
  async #settle(now: number): Promise<void> {
    if (this.#full === undefined || this.#rolling !== undefined) return
    await this.#copy(this.#full.table, this.#full.reason, now).catch(cannotRoll)
  }

  /** Begins to write the table to a file; what goes wrong is told by the next `#settle`. */
  #begin(reason: RollReason, now: number): void {
    const table = this.#table
    if (table === undefined || table.rows.count === 0) return
    this.#table = undefined
    this.#full = { table, reason }
    this.#rolling = this.#copy(table, reason, now)
      .catch(() => {})
      .finally(() => {
        this.#rolling = undefined
        this.#counted(this.counts)
      })
  }

  async #copy(table: PendingTable, reason: RollReason, now: number): Promise<void> {
    const { count: rows, from, to } = table.rows
    table.finish()
    const { path: root, writer } = this.#settings
    const folder = hourFolder(root, table.hour)
    makeFolder(folder)
    const file = this.#newFile()
    const path = join(folder, file)
    await table.copyTo(`${path}.tmp`, this.#columns(), this.#copying)
    publish(path)
    const { size } = statSync(path)
    const segment: Segment = { file, rows, bytes: size, from, to, level: 0 }
    if (this.#extracts.length > 0) segment.extracts = this.#extracts.map(extractName)
    const segments = [...this.#segments, segment]
    writeManifest(folder, writer, segments)
    this.#segments = segments
    this.#full = undefined
    this.counts.pending -= rows
    this.counts.segments++
    this.counts.rows += rows
    this.counts.fileBytes += size
    this.counts.rolls[reason]++
    await table.drop(this.#copying)
    this.#retired.remove(now)
    this.#unchecked += size
    const { keepBytes = Infinity } = this.#settings
    if (this.#unchecked > keepBytes / LOOKS) this.#removeOld(now)
    this.#compactor.look()
  }

  /** @param now milliseconds since 1970 */
  tidy(now: number): void {
    this.#removeOld(now)
    this.#retired.remove(now)
    this.counts.leftovers += tidySpills(this.#settings, now)
    // Nothing has come since that hour was over.
    if (this.counts.pending > 0 || Number.isNaN(this.#hour) || this.#hour === hourOf(now)) return
    this.#compactor.close(this.#hour)
    this.#hour = Number.NaN
    this.#segments = []
  }

  async close(): Promise<void> {
    await this.#compactor.stop()
    await this.#rolling
    this.#table?.close()
    this.#full?.table.close()
    this.#filling.closeSync()
    this.#copying.closeSync()
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

  #segmentsOf(hour: number): Segment[] {
    if (hour === this.#hour) return this.#segments
    return segmentsOf(hourFolder(this.#settings.path, hour), this.#settings.writer)
  }

  #replace(hour: number, parts: readonly Segment[], merged: Segment): boolean {
    const names = new Set(parts.map(({ file }) => file))
    const present = this.#segmentsOf(hour)
    const rest = present.filter(({ file }) => !names.has(file))
    if (rest.length !== present.length - parts.length) return false
    const segments = [...rest, merged]
    writeManifest(hourFolder(this.#settings.path, hour), this.#settings.writer, segments)
    if (hour === this.#hour) this.#segments = segments
    return true
  }

  #removeOld(now: number): void {
    const { byAge, bySize } = removeHours(this.#settings.path, this.#settings, now)
    this.counts.hoursRemoved.age += byAge
    this.counts.hoursRemoved.size += bySize
    this.#unchecked = 0
  }
}

function cannotRoll(error: Error): never {
  throw Object.assign(error, { code: CANNOT_ROLL })
}
