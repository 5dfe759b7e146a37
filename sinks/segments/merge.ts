import type { Segment } from './layout.js'

/** Files of one level that become one of the next. */
const FAN_IN = 16

/** A merge holds up what is written, so it stays below about a quarter of a second. */
const MAX_ROWS = 400_000
const MAX_BYTES = 64 * 1024 * 1024

/** The oldest segments of some level that are worth merging now; none as long as there are too few, or all are large. */
export function mergeable(segments: readonly Segment[]): Segment[] {
  const levels = new Map<number, Segment[]>()
  for (const segment of segments) {
    if (segment.rows > MAX_ROWS / 2 || segment.bytes > MAX_BYTES / 2) continue
    levels.set(segment.level, [...(levels.get(segment.level) ?? []), segment])
  }
  for (const [, small] of levels) {
    if (small.length < FAN_IN) continue
    const parts: Segment[] = []
    let rows = 0
    let bytes = 0
    for (const segment of small.slice(0, FAN_IN)) {
      rows += segment.rows
      bytes += segment.bytes
      if (rows > MAX_ROWS || bytes > MAX_BYTES) break
      parts.push(segment)
    }
    return parts
  }
  return []
}
