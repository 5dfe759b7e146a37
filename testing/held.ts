import { readdirSync } from 'node:fs'
import { isDeepStrictEqual } from 'node:util'
import { until } from './until.js'

/**
 * What this process holds besides memory, by kind: what keeps its event loop alive (as `process.getActiveResourcesInfo`
 * names it), and on Linux, as `descriptors`, the open files and sockets.
 */
export function held(): Record<string, number> {
  const kinds: Record<string, number> = {}
  for (const kind of process.getActiveResourcesInfo()) kinds[kind] = (kinds[kind] ?? 0) + 1
  if (process.platform === 'linux') kinds.descriptors = readdirSync('/proc/self/fd').length
  return kinds
}

/** How many looks in a row have to see the same. */
const CALM = 20

/** What is held once everything that is being given back has been: a yardstick for `nothingLeft`. */
export async function heldAtRest(): Promise<Record<string, number>> {
  let last = held()
  let same = 0
  await until('what is held stays the same', () => {
    const now = held()
    same = isDeepStrictEqual(now, last) ? same + 1 : 0
    last = now
    return same >= CALM
  })
  return last
}

/** How much more is held than before, by kind; those of which there is no more are left out. */
export function moreThan(before: Record<string, number>): Record<string, number> {
  const more = Object.entries(held()).map(([kind, count]) => [kind, count - (before[kind] ?? 0)] as const)
  return Object.fromEntries(more.filter(([, count]) => count > 0))
}

/**
 * Waits until no more is held of any kind than before; things are given back some time after they were closed.
 * @throws naming what is left after `timeout` milliseconds. Default: 15 seconds.
 */
export async function nothingLeft(before: Record<string, number>, timeout?: number): Promise<void> {
  let left: Record<string, number> = {}
  const look = () => {
    left = moreThan(before)
    return isDeepStrictEqual(left, {})
  }
  await until('everything is given back', look, timeout).catch(() => {
    throw new Error(`expected everything to be given back, but there is more of ${JSON.stringify(left)}`)
  })
}
