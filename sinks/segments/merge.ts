import { statSync } from 'node:fs'
import { join } from 'node:path'
import type { DuckDBConnection } from '@duckdb/node-api'
import { publish, type Segment } from './layout.js'
import { quote } from './sql.js'

/** Files of one level that become one of the next. */
const FAN_IN = 16

interface Size {
  rows: number
  bytes: number
}

/** Rows in a group of a merged file: what DuckDB has of it in memory at once, besides what it sorts. */
const GROUP_ROWS = 10_240

/** A merge of the hour that is written: of what is read often, and soon will be merged again. */
const SMALL: Size = { rows: 400_000, bytes: 64 * 1024 * 1024 }
/** What has so many rows is not small any more: reading it takes longer than opening it. */
const LARGE: Size = { rows: 25_000, bytes: 16 * 1024 * 1024 }

/** One of a closed hour goes on beside the writing; it is bounded by what sorting takes of memory and disk. */
const WHOLE: Size = { rows: 4_000_000, bytes: 256 * 1024 * 1024 }

/** The oldest segments of some level that are worth merging now; none as long as there are too few, or all are large. */
export function mergeable(segments: readonly Segment[]): Segment[] {
  const levels = new Map<number, Segment[]>()
  for (const segment of segments) {
    if (segment.rows > LARGE.rows || segment.bytes > LARGE.bytes) continue
    levels.set(segment.level, [...(levels.get(segment.level) ?? []), segment])
  }
  for (const [, small] of levels) {
    if (small.length >= FAN_IN) return groups(small.slice(0, FAN_IN), SMALL)[0]!
  }
  return []
}

/** The segments of an hour to which nothing comes any more, as they are to be merged: mostly all into one. */
export function mergeableAtLast(segments: readonly Segment[]): Segment[][] {
  return groups(segments, WHOLE).filter((group) => group.length > 1)
}

/** In order, each within the size. */
function groups(segments: readonly Segment[], most: Size): Segment[][] {
  const found: Segment[][] = []
  let [rows, bytes] = [Infinity, Infinity]
  for (const segment of segments) {
    rows += segment.rows
    bytes += segment.bytes
    if (rows > most.rows || bytes > most.bytes) {
      found.push([])
      rows = segment.rows
      bytes = segment.bytes
    }
    found.at(-1)!.push(segment)
  }
  return found
}

/** Makes one file, sorted for reading, of several in a folder. It counts when a manifest names it. */
export async function mergeFiles(
  connection: DuckDBConnection,
  folder: string,
  file: string,
  parts: readonly Segment[],
): Promise<Segment> {
  const path = join(folder, file)
  const paths = parts.map((part) => quote(join(folder, part.file)))
  await connection.run(
    `COPY (SELECT * FROM read_parquet([${paths.join(', ')}]) ORDER BY type, time)
      TO ${quote(`${path}.tmp`)} (FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE ${GROUP_ROWS})`,
  )
  publish(path)
  const { extracts } = parts[0]!
  return {
    file,
    rows: parts.reduce((sum, { rows }) => sum + rows, 0),
    bytes: statSync(path).size,
    from: Math.min(...parts.map(({ from }) => from)),
    to: Math.max(...parts.map(({ to }) => to)),
    level: Math.max(...parts.map(({ level }) => level)) + 1,
    ...(extracts ? { extracts } : {}),
  }
}
