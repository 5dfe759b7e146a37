import { lstatSync, readdirSync, rmSync, utimesSync } from 'node:fs'
import { join } from 'node:path'
import type { WorkerSettings } from './channel.js'

/*
 * What DuckDB cannot keep in memory while it merges goes into a folder of the writer, `spill-<writer>`, or
 * `spill-<writer>-apart` for a process of its own. DuckDB removes it in the end; a process that is killed does not.
 */

/** Time after which a folder that nobody has touched is nobody's, milliseconds; a writer that lives touches its own each minute. */
const ABANDONED_AFTER = 5 * 60_000

const NAME = /^spill-[\w-]+$/

export const spillFolder = ({ path, writer }: Pick<WorkerSettings, 'path' | 'writer'>): string =>
  join(path, `spill-${writer}`)

/** Whoever merges in a process of its own is a writer of its own. */
export const apart = (writer: string): string => `${writer}-apart`

/**
 * Says that a writer lives, and removes the folders of those that do not.
 * @param now milliseconds since 1970
 * @returns how many there were
 */
export function tidySpills({ path, writer }: Pick<WorkerSettings, 'path' | 'writer'>, now: number): number {
  for (const own of [writer, apart(writer)]) touch(spillFolder({ path, writer: own }), now)
  const abandoned = readdirSync(path)
    .filter((name) => NAME.test(name))
    .map((name) => join(path, name))
    .filter((folder) => lastTouched(folder) < now - ABANDONED_AFTER)
  for (const folder of abandoned) rmSync(folder, { recursive: true, force: true })
  return abandoned.length
}

function touch(folder: string, now: number): void {
  try {
    utimesSync(folder, now / 1000, now / 1000)
  } catch {
    // Nothing has spilt.
  }
}

/** When a folder or a file in it was last written; Infinity when it is gone. */
function lastTouched(folder: string): number {
  try {
    const paths = [folder, ...readdirSync(folder).map((name) => join(folder, name))]
    return Math.max(...paths.map((each) => lstatSync(each).mtimeMs))
  } catch {
    return Infinity
  }
}
