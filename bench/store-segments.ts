import { closeSync, fsyncSync, mkdtempSync, openSync, renameSync } from 'node:fs'
import { mkdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DOUBLE, DuckDBDataChunk, DuckDBInstance, VARCHAR } from '@duckdb/node-api'
import type { Hit } from './event.js'
import type { StoreBench, StoredHit } from './store.js'

/** As the sink does by default. */
const FILE_ROWS = 20_000
const CHUNK_ROWS = 2048

const NAMES = ['time', 'type', 'source', 'epoch', 'seq', 'data'] as const
const TYPES = [DOUBLE, VARCHAR, VARCHAR, DOUBLE, DOUBLE, VARCHAR]

const bench: StoreBench<{ path: string }> = {
  loop: `DuckDB's appender in chunks of ${CHUNK_ROWS}, COPY to a Parquet file of ${FILE_ROWS} rows, fsync`,

  async start() {
    const path = mkdtempSync(join(tmpdir(), 'eventstorm-bench-segments-'))
    return { place: { path }, stop: () => rm(path, { recursive: true }) }
  },

  sink: ({ path }) => ({ path }),

  async open({ path }) {
    const instance = await DuckDBInstance.create(':memory:', { threads: '1', memory_limit: '256MB' })
    const connection = await instance.connect()
    await connection.run(`CREATE TABLE pending (${NAMES.map((name, i) => `${name} ${TYPES[i]}`).join(', ')})`)
    const appender = await connection.createAppender('pending')
    let files = 0
    const roll = async () => {
      const file = join(path, `bare-${files++}.parquet`)
      await connection.run(`COPY (
          SELECT make_timestamp_ms(time::BIGINT) AS time, type, source, epoch::BIGINT AS epoch, seq::BIGINT AS seq, data
          FROM pending
        ) TO '${file}.tmp' (FORMAT parquet, COMPRESSION zstd)`)
      const handle = openSync(`${file}.tmp`, 'r')
      fsyncSync(handle)
      closeSync(handle)
      renameSync(`${file}.tmp`, file)
      await connection.run('TRUNCATE pending')
    }
    return async (events: Iterable<StoredHit>) => {
      let columns: (number | string)[][] = NAMES.map(() => [])
      let rows = 0
      const append = () => {
        const chunk = DuckDBDataChunk.create(TYPES, columns[0]!.length)
        chunk.setColumns(columns)
        appender.appendDataChunk(chunk)
        rows += columns[0]!.length
        columns = NAMES.map(() => [])
      }
      for (const { time, type, source, epoch, seq, data } of events) {
        const row = [time.getTime(), type, source, epoch, seq, JSON.stringify(data)]
        for (let i = 0; i < row.length; i++) columns[i]!.push(row[i]!)
        if (columns[0]!.length === CHUNK_ROWS) {
          append()
          if (rows >= FILE_ROWS) {
            appender.flushSync()
            await roll()
            rows = 0
          }
        }
      }
      if (columns[0]!.length > 0) append()
      appender.flushSync()
      if (rows > 0) await roll()
      appender.closeSync()
      connection.closeSync()
      instance.closeSync()
    }
  },

  async *take({ path }): AsyncGenerator<Hit> {
    const instance = await DuckDBInstance.create(':memory:')
    const connection = await instance.connect()
    const glob = `${path}/**/*.parquet`
    // Merged files lie beside their parts for a minute: each event once.
    const result = await connection.stream(
      `SELECT any_value(data) FROM read_parquet('${glob}') GROUP BY type, source, epoch, seq`,
    )
    for (
      let chunk = await result.fetchChunk();
      chunk && chunk.rowCount > 0;
      chunk = await result.fetchChunk()
    ) {
      for (const [data] of chunk.getRows()) yield JSON.parse(data as string)
    }
    connection.closeSync()
    instance.closeSync()
    await rm(path, { recursive: true })
    await mkdir(path)
  },
}

export default bench
