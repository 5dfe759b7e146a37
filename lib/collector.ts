import { constants, type PerformanceEntry, PerformanceObserver } from 'node:perf_hooks'
import { getHeapStatistics, setFlagsFromString } from 'node:v8'
import { type Clock, systemClock } from './clock.js'
import { collectMessages, wasCollected } from './done-messages.js'

/** Major collections closer together than this are too many, milliseconds. */
const OFTEN = 500
/** So long without one, and V8 has its own way again, milliseconds. */
const QUIET = 10_000
/** What may lie about between two of them, bytes. V8 starts one at 64 MiB outside of its heap whatever it is told. */
const ALLOWANCE = 64 * 2 ** 20
/** Minor collections in a second from which on the young generation may grow. */
const MANY = 20
const SECOND = 1000

/** Flags of V8 that can be set while it runs, and what they are if nobody sets them. */
const GROWTH = '--heap-growing-percent'
const YOUNG_GROWTH = '--semi-space-growth-factor'
const DEFAULTS = { [GROWTH]: 0, [YOUNG_GROWTH]: 2 }

/**
 * Tells V8 how to collect garbage in a process that is about events: seldom where much passes, and in little memory
 * where little does.
 *
 * Major collections: messages lie outside of V8's heap, but V8 counts them against the limit of that heap, which is near in a
 * process as small as ours: after some 16 MiB of messages it marks everything again, thirty times a second at full rate, and
 * that took a third of all CPU (`npm run bench -- throughput` has a row without this). Where collections come that often, the
 * heap may grow by 64 MiB between two of them; where they do not, or the heap is larger than that, nothing is changed.
 *
 * Minor collections free the messages that are done with, and come when the young generation is full. While messages come in
 * they are made more often, which leaves little for major ones to do (done-messages.ts). V8 lets the young generation grow to
 * 32 MiB as soon as something survives, and a process through which little passes would hold as much garbage, and up to as
 * much again in messages, for ever. So it may grow only where collections are many.
 *
 * All of this was measured with Node.js 20. V8 of Node.js 22 does not let the young generation grow beyond 16 MiB anyway, and that
 * of Node.js 24 hardly listens to the flag for major collections; there it is the minor ones that spare them (25 became 3).
 *
 * These are flags of V8 for the whole process, so a library may not set them by itself: the program `eventstorm` does, and a
 * program of your own that does nothing but handle events may.
 *
 * @param clock for tests
 * @returns leaves everything to V8 again
 */
export function relaxCollector(clock: Clock = systemClock): () => void {
  const flags: Record<string, number> = { ...DEFAULTS }
  const set = (flag: string, value: number) => {
    if (flags[flag] !== value) setFlagsFromString(`${flag}=${value}`)
    flags[flag] = value
  }
  let lastMajor = Number.NEGATIVE_INFINITY
  let minors = 0
  const observer = new PerformanceObserver((list) => {
    const now = clock.now()
    for (const entry of list.getEntries()) {
      const kind = kindOf(entry)
      if (kind === constants.NODE_PERFORMANCE_GC_MINOR) {
        minors++
        wasCollected()
      } else if (kind === constants.NODE_PERFORMANCE_GC_MAJOR) {
        if (flags[GROWTH] !== 0 || now - lastMajor < OFTEN) set(GROWTH, allowedGrowth())
        lastMajor = now
      }
    }
    if (minors >= MANY) set(YOUNG_GROWTH, DEFAULTS[YOUNG_GROWTH])
  })
  observer.observe({ entryTypes: ['gc'] })
  const endMessages = collectMessages()
  set(YOUNG_GROWTH, 1)
  const cancel = clock.every(SECOND, () => {
    if (minors < MANY) set(YOUNG_GROWTH, 1)
    minors = 0
    if (clock.now() - lastMajor >= QUIET) set(GROWTH, DEFAULTS[GROWTH])
  })
  return () => {
    cancel()
    endMessages()
    observer.disconnect()
    for (const [flag, value] of Object.entries(DEFAULTS)) set(flag, value)
  }
}

/** The entry of a collection has a detail that the types do not know. */
function kindOf(entry: PerformanceEntry): number | undefined {
  return (entry as { detail?: { kind?: number } }).detail?.kind
}

/** Percent of what is alive; 0 where V8 allows as much by itself. */
function allowedGrowth(): number {
  const growth = ALLOWANCE / getHeapStatistics().used_heap_size
  return growth < 1 ? 0 : Math.round(100 * growth)
}
