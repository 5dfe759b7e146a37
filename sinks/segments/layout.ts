import {
  closeSync,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs'
import { dirname, join } from 'node:path'

/*
 * Where things lie in a store:
 *
 *     events/2026-01-31/13/                      what arrived on that day from 13:00 to 14:00 UTC
 *       seg-<writer>-<n>.parquet                 a segment
 *       manifest-<writer>.json                   what counts: the segments of one writer, in this folder
 *       *.tmp                                    being written
 *
 * A writer is one life of one sink, so nobody else ever touches its files while it lives. What no manifest names
 * does not count, so that a segment appears, or is replaced by another one, with the rename of one manifest.
 */

/** One file of events, as its manifest tells of it. */
export interface Segment {
  /** Its name within the folder of the hour. */
  file: string
  rows: number
  bytes: number
  /** Earliest and latest event time in it, milliseconds since 1970. */
  from: number
  to: number
  /** 0 as it was rolled; 1 merged of several of those, and so on. */
  level: number
  /** Columns that it has beside those that all have, by name: fields of the data. */
  extracts?: string[]
}

/** With its full path. */
export type StoredSegment = Segment & { path: string }

/** Code of the error for a manifest that is not understood. */
export const FOREIGN = 'FOREIGN_MANIFEST'

/** Another number when a reader of this one would misunderstand the store. */
const VERSION = 1

interface Manifest {
  version: number
  segments: Segment[]
}

const MANIFEST = /^manifest-[\w-]+\.json$/
const OURS = /^(seg|manifest)-[\w-]+\.(parquet|json)(\.tmp)?$/
const HOUR = 3_600_000

/** The hour that a moment (milliseconds since 1970) lies in, as a number. */
export const hourOf = (time: number) => Math.floor(time / HOUR)

/** The folder of an hour: `events/2026-01-31/13`. */
export function hourFolder(root: string, hour: number): string {
  const [day, rest] = new Date(hour * HOUR).toISOString().split('T') as [string, string]
  return join(root, 'events', day, rest.slice(0, 2))
}

/** Every folder of an hour that is there, oldest first. */
export function hourFolders(root: string): string[] {
  const events = join(root, 'events')
  return list(events)
    .filter((day) => /^\d{4}-\d\d-\d\d$/.test(day))
    .flatMap((day) =>
      list(join(events, day))
        .filter((hour) => /^\d\d$/.test(hour))
        .map((hour) => join(events, day, hour)),
    )
}

/** The segments of a folder that count, by all writers. */
export function segmentsIn(folder: string): StoredSegment[] {
  return list(folder)
    .filter((name) => MANIFEST.test(name))
    .flatMap((name) => readManifest(join(folder, name)))
    .map((segment) => ({ ...segment, path: join(folder, segment.file) }))
}

/** Those of one writer; none when it has written nothing there. */
export const segmentsOf = (folder: string, writer: string): Segment[] =>
  readManifest(join(folder, `manifest-${writer}.json`))

/** @throws for what is not understood: its segments would be taken for files that nobody names. */
function readManifest(path: string): Segment[] {
  const text = unlessGone(() => readFileSync(path, 'utf8'))
  if (text === undefined) return []
  const { version, segments } = parseManifest(text)
  if (version === VERSION && Array.isArray(segments)) return segments
  const message =
    version === undefined
      ? `${path} is no manifest; move it away to go on without the segments that it names`
      : `${path} has version ${version}, and this Eventstorm knows version ${VERSION}: another one has written here; use that one, or another folder`
  throw Object.assign(new Error(message), { code: FOREIGN })
}

function parseManifest(text: string): Partial<Manifest> {
  try {
    return (JSON.parse(text) ?? {}) as Partial<Manifest>
  } catch {
    return {}
  }
}

/** Makes the segments of one writer count: all of this folder, those of before included. */
export function writeManifest(folder: string, writer: string, segments: readonly Segment[]): void {
  const path = join(folder, `manifest-${writer}.json`)
  const manifest: Manifest = { version: VERSION, segments: [...segments] }
  writeFileSync(`${path}.tmp`, `${JSON.stringify(manifest)}\n`)
  publish(path)
}

/** Gives `<path>.tmp` its name, and returns when that would survive a loss of power. */
export function publish(path: string): void {
  sync(`${path}.tmp`)
  renameSync(`${path}.tmp`, path)
  sync(dirname(path))
}

/** Makes a folder that survives a loss of power, with those above it. */
export function makeFolder(folder: string): void {
  if (existsSync(folder)) return
  makeFolder(dirname(folder))
  mkdirSync(folder, { recursive: true })
  sync(dirname(folder))
}

/**
 * Removes what lives that ended badly have left: files of ours that no manifest names. Those younger than `grace`
 * (milliseconds) may belong to another writer that is about to name them.
 *
 * @returns how many there were
 */
export function removeLeftovers(root: string, now: number, grace: number): number {
  let removed = 0
  const days = list(join(root, 'events')).map((day) => join(root, 'events', day))
  for (const gone of days.flatMap((day) =>
    list(day)
      .filter((name) => name.endsWith('.gone'))
      .map((name) => join(day, name)),
  )) {
    rmSync(gone, { recursive: true, force: true })
  }
  for (const folder of hourFolders(root)) {
    const named = new Set(segmentsIn(folder).map(({ file }) => file))
    for (const name of list(folder)) {
      if (!OURS.test(name) || MANIFEST.test(name) || named.has(name)) continue
      const path = join(folder, name)
      const modified = unlessGone(() => statSync(path).mtimeMs)
      if (modified === undefined || modified > now - grace) continue
      unlessGone(() => unlinkSync(path))
      removed++
    }
  }
  return removed
}

const list = (folder: string): string[] => (unlessGone(() => readdirSync(folder)) ?? []).sort()

function sync(path: string): void {
  const handle = openSync(path, 'r')
  try {
    fsyncSync(handle)
  } finally {
    closeSync(handle)
  }
}

/** Undefined for what somebody else has removed in the meantime. */
function unlessGone<T>(read: () => T): T | undefined {
  try {
    return read()
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}
