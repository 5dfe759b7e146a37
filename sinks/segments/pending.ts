import type { DuckDBAppender, DuckDBConnection } from '@duckdb/node-api'
import { COLUMNS, Rows, type Value } from './columns.js'
import { quote } from './sql.js'

type DuckDB = typeof import('@duckdb/node-api')

/** Rows in a chunk at most: the size of DuckDB's vectors. */
const CHUNK_ROWS = 2048

/** Rows in a group of a file: what DuckDB has of it in memory at once. */
const GROUP_ROWS = 20_480

/**
 * Events on their way into one file: a table in memory of its own. DuckDB does not give back what a table had that was
 * only truncated, and two tables let one be written while the other is filled.
 */
export class PendingTable {
  /** The last rows here, those before in the table. */
  readonly rows: Rows
  /** Of arrival. */
  readonly hour: number
  #name: string
  #appender: DuckDBAppender

  private constructor(duckdb: DuckDB, name: string, hour: number, appender: DuckDBAppender) {
    const types = COLUMNS.map(({ type }) => duckdb[type])
    this.#name = name
    this.#appender = appender
    this.hour = hour
    this.rows = new Rows(CHUNK_ROWS, (columns: Value[][]) => {
      const chunk = duckdb.DuckDBDataChunk.create(types, columns[0]!.length)
      chunk.setColumns(columns)
      appender.appendDataChunk(chunk)
    })
  }

  static async create(
    duckdb: DuckDB,
    connection: DuckDBConnection,
    name: string,
    hour: number,
  ): Promise<PendingTable> {
    const columns = COLUMNS.map(({ name, type }) => `${name} ${type}`).join(', ')
    await connection.run(`CREATE TABLE ${name} (${columns})`)
    return new PendingTable(duckdb, name, hour, await connection.createAppender(name))
  }

  /** Nothing is added any more. */
  finish(): void {
    this.rows.flush()
    this.#appender.flushSync()
  }

  /**
   * Writes the rows to a Parquet file.
   * @param connection another than that of the appender, which goes on meanwhile
   * @param columns of the file, as SQL has them
   */
  async copyTo(path: string, columns: string, connection: DuckDBConnection): Promise<void> {
    await connection.run(
      `COPY (SELECT ${columns} FROM ${this.#name}) TO ${quote(path)} (FORMAT parquet, COMPRESSION zstd, COMPRESSION_LEVEL 1, ROW_GROUP_SIZE ${GROUP_ROWS})`,
    )
  }

  async drop(connection: DuckDBConnection): Promise<void> {
    this.#appender.closeSync()
    await connection.run(`DROP TABLE ${this.#name}`)
  }

  /** At the end, when nothing can be dropped any more. */
  close(): void {
    this.#appender.closeSync()
  }
}
