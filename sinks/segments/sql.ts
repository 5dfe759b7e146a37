import type { DuckDBValue } from '@duckdb/node-api'
import type { Field } from '../../lib/index.js'
import { COLUMNS } from './columns.js'
import { type Extract, extractColumn, extractName, extractValue, pointerTo } from './extract.js'
import type { StoredSegment } from './layout.js'

/** Pieces of SQL whose values are all bound: nothing that a user wrote becomes part of the text. */
export class Sql {
  readonly values: Record<string, DuckDBValue> = {}
  /** Fields of the data, by the names of their extracts, and what they are called in `events`. */
  #needed = new Map<string, { extract: Extract; column: string }>()

  number(value: number): string {
    return `${this.#bind(value)}::DOUBLE`
  }

  string(value: string): string {
    return this.#bind(value)
  }

  /** The value of a field as text, null when there is none. */
  text(field: Field): string {
    return 'column' in field ? field.column : this.#need({ path: field.path, kind: 'text' })
  }

  /** The value of a field as a number, null when it is none. */
  figure(field: Field): string {
    if ('column' in field) return `TRY_CAST(${field.column} AS DOUBLE)`
    return this.#need({ path: field.path, kind: 'number' })
  }

  /**
   * The files as a table that has the fields asked for until now: from their own columns in the files that have them,
   * else from the JSON.
   */
  events(files: readonly StoredSegment[]): string {
    const alike = new Map<string, StoredSegment[]>()
    for (const file of files) {
      const has = [...this.#needed.keys()].filter((name) => file.extracts?.includes(name)).join()
      alike.set(has, [...(alike.get(has) ?? []), file])
    }
    const parts = [...alike.values()].map((group) => {
      const values = [...this.#needed].map(([name, { extract, column }]) => {
        const stored = group[0]!.extracts?.includes(name)
        const value = stored
          ? extractColumn(extract)
          : extractValue(extract.kind, this.#bind(pointerTo(extract.path)))
        return `${value} AS ${column}`
      })
      const paths = group.map(({ path }) => this.#bind(path)).join(', ')
      return `SELECT ${[...COLUMNS.map(({ name }) => name), ...values].join(', ')} FROM read_parquet([${paths}])`
    })
    return `(${parts.join(' UNION ALL ')})`
  }

  /** Milliseconds since 1970 as ISO 8601. */
  isoTime(milliseconds: string): string {
    return `strftime(make_timestamp_ms((${milliseconds})::BIGINT), '%Y-%m-%dT%H:%M:%S.%gZ')`
  }

  #need(extract: Extract): string {
    const name = extractName(extract)
    const known = this.#needed.get(name) ?? { extract, column: `f${this.#needed.size}` }
    this.#needed.set(name, known)
    return known.column
  }

  #bind(value: DuckDBValue): string {
    const name = `v${Object.keys(this.values).length}`
    this.values[name] = value
    return `$${name}`
  }
}

/** A text of SQL, where nothing can be bound. */
export const quote = (text: string) => `'${text.replaceAll("'", "''")}'`
