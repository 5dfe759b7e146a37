import { dataToJson, type StormEvent } from '../../lib/data/index.js'

/**
 * The columns of a segment: as DuckDB's appender takes them and as the file has them. Numbers are handed over as
 * DOUBLE, which holds all of ours exactly (below 2^53) and needs no bigint for each value.
 */
export const COLUMNS = [
  { name: 'time', type: 'DOUBLE', stored: 'make_timestamp_ms(time::BIGINT)::TIMESTAMP_MS' },
  { name: 'recv', type: 'DOUBLE', stored: 'make_timestamp_ms(recv::BIGINT)::TIMESTAMP_MS' },
  { name: 'type', type: 'VARCHAR', stored: 'type' },
  { name: 'source', type: 'VARCHAR', stored: 'source' },
  { name: 'epoch', type: 'DOUBLE', stored: 'epoch::BIGINT' },
  { name: 'seq', type: 'DOUBLE', stored: 'seq::BIGINT' },
  { name: 'data', type: 'VARCHAR', stored: 'data' },
  { name: 'extensions', type: 'VARCHAR', stored: 'extensions' },
] as const

export type Value = number | string | null

/** Events as columns, in the order of `COLUMNS`; handed on whenever there are as many rows as a chunk has. */
export class Rows {
  /** Since `reset`: rows, the length of their texts, about, and their earliest and latest time. */
  count = 0
  bytes = 0
  from = Infinity
  to = -Infinity
  #size: number
  #full: (columns: Value[][]) => void
  #columns: Value[][] = COLUMNS.map(() => [])

  /** @param size rows in a chunk */
  constructor(size: number, full: (columns: Value[][]) => void) {
    this.#size = size
    this.#full = full
  }

  /**
   * Those that no JSON can be made of are left out.
   * @param recv when they arrived, milliseconds since 1970
   */
  add(events: readonly StormEvent[], recv: number): void {
    for (const event of events) {
      let text: string
      let extra: string | null
      try {
        text = dataToJson(event.data)
        extra = event.extensions === undefined ? null : dataToJson(event.extensions)
      } catch {
        continue
      }
      const at = event.time.getTime()
      const columns = this.#columns
      columns[0]!.push(at)
      columns[1]!.push(recv)
      columns[2]!.push(event.type)
      columns[3]!.push(event.source)
      columns[4]!.push(event.epoch)
      columns[5]!.push(event.seq)
      columns[6]!.push(text)
      const length = columns[7]!.push(extra)
      this.count++
      this.bytes += text.length + (extra?.length ?? 0)
      if (at < this.from) this.from = at
      if (at > this.to) this.to = at
      if (length === this.#size) this.flush()
    }
  }

  /** Hands on what is there, less than a chunk. */
  flush(): void {
    if (this.#columns[0]!.length === 0) return
    const columns = this.#columns
    this.#columns = COLUMNS.map(() => [])
    this.#full(columns)
  }

  reset(): void {
    this.count = 0
    this.bytes = 0
    this.from = Infinity
    this.to = -Infinity
  }
}
