import { renameSync, rmdirSync, rmSync } from 'node:fs'
import { dirname } from 'node:path'
import { hourFolder, hourFolders, hourOf, segmentsIn } from './layout.js'

export interface Keep {
  /** Milliseconds; undefined for ever. */
  keep: number | undefined
  /** Bytes of all files that count; undefined without bound. */
  keepBytes: number | undefined
}

/** An hour may still be written to for a moment after its end. */
const STILL_WRITTEN = 60_000

/**
 * Removes whole hours: those that are too old, then the oldest as long as the store is too large; never one that
 * may still be written to, by whichever writer.
 *
 * @returns how many of each
 */
export function removeHours(
  root: string,
  { keep, keepBytes }: Keep,
  now: number,
): { byAge: number; bySize: number } {
  const gone = { byAge: 0, bySize: 0 }
  if (keep === undefined && keepBytes === undefined) return gone
  const written = hourFolder(root, hourOf(now - STILL_WRITTEN))
  const oldest = keep === undefined ? '' : hourFolder(root, hourOf(now - keep))
  const folders = hourFolders(root)
  for (const folder of folders) {
    if (folder >= written || folder >= oldest) break
    if (removeHour(folder)) gone.byAge++
  }
  if (keepBytes === undefined) return gone
  const left = folders.slice(gone.byAge).map((folder) => ({ folder, bytes: bytesIn(folder) }))
  let sum = left.reduce((before, { bytes }) => before + bytes, 0)
  for (const { folder, bytes } of left) {
    if (sum <= keepBytes || folder >= written) break
    sum -= bytes
    if (removeHour(folder)) gone.bySize++
  }
  return gone
}

const bytesIn = (folder: string) => segmentsIn(folder).reduce((sum, { bytes }) => sum + bytes, 0)

/** All at once by its name, so that nobody sees or writes half of it. Returns false when somebody else was faster. */
function removeHour(folder: string): boolean {
  const gone = `${folder}.gone`
  try {
    renameSync(folder, gone)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false
    throw error
  }
  rmSync(gone, { recursive: true, force: true })
  try {
    rmdirSync(dirname(folder))
  } catch {
    // The day has other hours.
  }
  return true
}
