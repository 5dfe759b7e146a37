import type { DuckDBConnection, DuckDBType, Json } from '@duckdb/node-api'
import { EventstormError, type QueryAnswer, reason } from '../../lib/index.js'
import { COLUMNS } from './columns.js'
import { type Extract, extractColumn, extractName, extractValue, pointerTo } from './extract.js'
import { interruptible } from './interrupt.js'
import type { StoredSegment } from './layout.js'
import { parseExtract } from './parse-extract.js'
import { quote } from './sql.js'

const refuse = (message: string, cause?: unknown) =>
  new EventstormError('QUERY_INVALID', `sql: ${message}`, cause)

/**
 * Answers one SELECT of a user, who finds the events in the view `events`. Anything else is refused: within its folder
 * DuckDB may write, and this must not.
 *
 * @param connection used for this alone; it can reach nothing outside the store
 * @throws QUERY_INVALID
 */
export async function answerSql(
  connection: DuckDBConnection,
  files: readonly StoredSegment[],
  text: string,
  limit: number,
  signal: AbortSignal | undefined,
): Promise<QueryAnswer> {
  await connection.run(`CREATE TEMP VIEW events AS ${view(files)}`)
  const { StatementType } = await import('@duckdb/node-api')
  const run = async () => {
    const statements = await connection.extractStatements(text)
    if (statements.count !== 1) throw refuse(`expected one statement, got ${statements.count}`)
    const statement = await statements.prepare(0)
    if (statement.statementType !== StatementType.SELECT) {
      throw refuse(`expected a SELECT, got ${StatementType[statement.statementType]}; a store is only read`)
    }
    const result = await statement.streamAndReadUntil(limit)
    const types = result.columnTypes()
    return {
      columns: result.columnNames(),
      rows: result
        .getRowsJson()
        .slice(0, limit)
        .map((row) => row.map((value, i) => toJson(value, types[i]!))),
    }
  }
  try {
    return await interruptible(connection, signal, run)
  } catch (error) {
    if (signal?.aborted || error instanceof EventstormError || isGone(error)) throw error
    throw refuse(reason(error), error)
  }
}

/** Whether a file was removed meanwhile, since its hour was too old. */
export const isGone = (error: unknown) => /No (such )?files?/i.test(reason(error))

/** Every file, with the columns of all extracts. */
function view(files: readonly StoredSegment[]): string {
  const names = COLUMNS.map(({ name }) => name)
  if (files.length === 0) {
    const types = [
      'TIMESTAMP_MS',
      'TIMESTAMP_MS',
      'VARCHAR',
      'VARCHAR',
      'BIGINT',
      'BIGINT',
      'VARCHAR',
      'VARCHAR',
    ]
    return `SELECT ${names.map((name, i) => `NULL::${types[i]} AS ${name}`).join(', ')} WHERE false`
  }
  const extracts = new Map<string, Extract>()
  const alike = new Map<string, StoredSegment[]>()
  for (const file of files) {
    const has = file.extracts ?? []
    alike.set(has.join(), [...(alike.get(has.join()) ?? []), file])
    for (const each of has.map(parseExtract)) {
      if (!extracts.has(extractColumn(each))) extracts.set(extractColumn(each), each)
    }
  }
  const parts = [...alike.values()].map((group) => {
    const values = [...extracts].map(([column, extract]) =>
      group[0]!.extracts?.includes(extractName(extract))
        ? column
        : `${extractValue(extract.kind, quote(pointerTo(extract.path)))} AS ${column}`,
    )
    const paths = group.map(({ path }) => quote(path)).join(', ')
    return `SELECT ${[...names, ...values].join(', ')} FROM read_parquet([${paths}])`
  })
  return parts.join(' UNION ALL ')
}

const WHOLE = /^(U?BIGINT|U?HUGEINT)$/

function toJson(value: Json, type: DuckDBType): unknown {
  if (typeof value !== 'string') return value
  const name = String(type)
  if (WHOLE.test(name) && Number.isSafeInteger(Number(value))) return Number(value)
  if (name.startsWith('DECIMAL')) return Number(value)
  return /^TIMESTAMP(_\w+)?$/.test(name) ? `${value.replace(' ', 'T')}Z` : value
}
