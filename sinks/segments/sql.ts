import type { DuckDBValue } from '@duckdb/node-api'
import type { Field } from '../../lib/index.js'

/** Pieces of SQL whose values are all bound: nothing that a user wrote becomes part of the text. */
export class Sql {
  readonly values: Record<string, DuckDBValue> = {}

  number(value: number): string {
    return `${this.#bind(value)}::DOUBLE`
  }

  string(value: string): string {
    return this.#bind(value)
  }

  /** The files as a table. */
  files(paths: string[]): string {
    return `read_parquet([${paths.map((path) => this.#bind(path)).join(', ')}])`
  }

  /** The value of a field as text, null when there is none. */
  text(field: Field): string {
    if ('column' in field) return field.column
    const pointer = field.path.map((key) => `/${key.replaceAll('~', '~0').replaceAll('/', '~1')}`).join('')
    return `json_extract_string(data, ${this.#bind(pointer)})`
  }

  /** The value of a field as a number, null when it is none. */
  figure(field: Field): string {
    return `TRY_CAST(${this.text(field)} AS DOUBLE)`
  }

  /** Milliseconds since 1970 as ISO 8601. */
  isoTime(milliseconds: string): string {
    return `strftime(make_timestamp_ms((${milliseconds})::BIGINT), '%Y-%m-%dT%H:%M:%S.%gZ')`
  }

  #bind(value: DuckDBValue): string {
    const name = `v${Object.keys(this.values).length}`
    this.values[name] = value
    return `$${name}`
  }
}
