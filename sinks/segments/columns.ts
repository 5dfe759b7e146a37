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

type Value = number | string | null

/** Rows by columns, in the order of `COLUMNS`. */
export interface Rows {
  columns: Value[][]
  count: number
  /** Length of the texts, about. */
  bytes: number
  from: number
  to: number
}

/**
 * Those that no JSON can be made of are left out.
 * @param recv when they arrived, milliseconds since 1970
 */
export function toRows(events: readonly StormEvent[], recv: number): Rows {
  const columns: Value[][] = COLUMNS.map(() => [])
  const [times, recvs, types, sources, epochs, seqs, datas, extras] = columns as [
    Value[],
    Value[],
    Value[],
    Value[],
    Value[],
    Value[],
    Value[],
    Value[],
  ]
  const rows: Rows = { columns, count: 0, bytes: 0, from: Infinity, to: -Infinity }
  for (const { time, type, source, epoch, seq, data, extensions } of events) {
    const at = time.getTime()
    let text: string
    let extra: string | null
    try {
      text = dataToJson(data)
      extra = extensions === undefined ? null : dataToJson(extensions)
    } catch {
      continue
    }
    times.push(at)
    recvs.push(recv)
    types.push(type)
    sources.push(source)
    epochs.push(epoch)
    seqs.push(seq)
    datas.push(text)
    extras.push(extra)
    rows.count++
    rows.bytes += text.length + (extra?.length ?? 0)
    if (at < rows.from) rows.from = at
    if (at > rows.to) rows.to = at
  }
  return rows
}
