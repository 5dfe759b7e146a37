import { type Clock, systemClock } from '../clock.js'
import { parseOptions, type z } from '../options.js'
import { parseQuery, type QueryAnswer, queryOptions, type StoreReader } from './query.js'

/** An answer that says whether it is all there is. */
export interface Answer extends QueryAnswer {
  /** Whether there were more rows than the question's `limit`. */
  truncated: boolean
}

/**
 * Asks a store once. The question has the names and forms of the flags of `eventstorm query`:
 *
 *     await using reader = await segments.reader('segments:./eventstorm-data')
 *     const { rows } = await ask(reader, { type: 'http.hit', from: '1h', every: '1m', measure: ['count', 'p99(ms)'] })
 *
 * @throws OPTIONS_INVALID, QUERY_INVALID, PATTERN_INVALID, STORE_FAILED; the reason of `signal` when that aborts
 */
export async function ask(
  reader: StoreReader,
  question: z.input<typeof queryOptions>,
  { clock = systemClock, signal }: { clock?: Clock; signal?: AbortSignal } = {},
): Promise<Answer> {
  const query = parseQuery(parseOptions(queryOptions, question, 'the question'), clock.now())
  const { limit } = query
  // The row beyond the limit tells that there are more.
  const { columns, rows } = await reader.query({ ...query, limit: limit + 1 }, signal)
  return { columns, rows: rows.slice(0, limit), truncated: rows.length > limit }
}
