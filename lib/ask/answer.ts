import type { EventQuery } from './query.js'

/*
 * What answers to one question have in common, whichever store gives them; for readers that compute a part themselves.
 */

/** The columns of an answer, in their order. */
export function columnsOf({ latest, every, by, measures }: EventQuery): string[] {
  if (latest !== undefined) return ['time', 'type', 'source', 'seq', 'data']
  return [...(every === undefined ? [] : ['time']), ...[...by, ...measures].map(({ name }) => name)]
}

/** The order of rows: by their keys, one after the other; a key that is not there comes last. */
export function compareKeys(
  a: readonly (number | string | null)[],
  b: readonly (number | string | null)[],
): number {
  for (const [i, left] of a.entries()) {
    const right = b[i]!
    if (left === right) continue
    if (left === null || right === null) return left === null ? 1 : -1
    return left < right ? -1 : 1
  }
  return 0
}

/**
 * Exact, between the two values around it, as SQL's percentile_cont.
 * @param at 0.99 for p99
 * @returns null of no figures
 */
export function percentile(figures: readonly number[], at: number): number | null {
  if (figures.length === 0) return null
  const sorted = Float64Array.from(figures).sort()
  const place = at * (sorted.length - 1)
  const low = sorted[Math.floor(place)]!
  const high = sorted[Math.ceil(place)]!
  return low + (high - low) * (place - Math.floor(place))
}
