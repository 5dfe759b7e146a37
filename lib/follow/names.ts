import { readdir, stat } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'

const COMPRESSED = /\.(gz|bz2|xz|zst|lz4|Z)$/

/** What log rotation appends to a name: `.1`, `-20260131`, `.2026-01-31T06`. */
const ROTATED_SUFFIX = /^[.-]\d[\dT._-]*$/

/** Whether a path names several files: it holds `*` or `?`. */
export function isGlob(path: string): boolean {
  return /[*?]/.test(path)
}

function isCompressed(path: string): boolean {
  return COMPRESSED.test(path)
}

/** `*` is any text without `/`, `?` one character without `/`; a leading dot must be written out, as in a shell. */
function compileSegment(segment: string): RegExp {
  const body = segment
    .replace(/[.+^${}()|[\]\\]/g, '\\$&')
    .replaceAll('*', '.*')
    .replaceAll('?', '.')
  return new RegExp(`^${/^[*?]/.test(segment) ? '(?!\\.)' : ''}${body}$`, 'su')
}

async function entries(directory: string): Promise<string[]> {
  try {
    return await readdir(directory)
  } catch {
    // Not there, not a directory or not readable: nothing matches, for now.
    return []
  }
}

/** The paths that a pattern with `*` and `?` in any segment stands for, sorted; compressed files are left out. */
export async function expandGlob(pattern: string): Promise<string[]> {
  const [first = '', ...segments] = pattern.split('/')
  let found = isGlob(first) ? await matching('.', first) : [first]
  for (const [i, segment] of segments.entries()) {
    const last = i === segments.length - 1
    if (isGlob(segment)) {
      const deeper = await Promise.all(found.map((directory) => matching(directory || '/', segment)))
      found = deeper.flat().filter((path) => !(last && isCompressed(path)))
    } else {
      found = found.map((directory) => `${directory}/${segment}`)
    }
  }
  return found.sort()
}

async function matching(directory: string, segment: string): Promise<string[]> {
  const form = compileSegment(segment)
  return (await entries(directory)).filter((name) => form.test(name)).map((name) => join(directory, name))
}

/** The directories in which a path or pattern can come to match something: those of its fixed beginning. */
export function directoryOf(path: string): string {
  let directory = dirname(path)
  while (isGlob(directory)) directory = dirname(directory)
  return directory
}

export interface RotatedFile {
  file: string
  /** Differs when the file is another one or has changed. */
  version: string
  suffix: string
  mtimeNs: bigint
}

/**
 * Older first. The names are believed before the times, since a rotated file may still be written to: `.2` is older
 * than `.1`, `-20260130` older than `-20260131`.
 */
function byAge(a: RotatedFile, b: RotatedFile): number {
  const dated = [a, b].filter(({ suffix }) => suffix.length > 4).length
  if (dated === 0) return Number(b.suffix.slice(1)) - Number(a.suffix.slice(1)) || 0
  if (dated === 2) return a.suffix < b.suffix ? -1 : 1
  return Number(a.mtimeNs - b.mtimeNs)
}

/** The files beside `path` that rotation has made of it, oldest first; compressed ones are left out. */
export async function rotatedFiles(path: string): Promise<RotatedFile[]> {
  const base = basename(path)
  const suffixes = (await entries(dirname(path)))
    .filter((name) => name.startsWith(base))
    .map((name) => name.slice(base.length))
    .filter((suffix) => ROTATED_SUFFIX.test(suffix))
  const rotated = await Promise.all(
    suffixes.map(async (suffix): Promise<RotatedFile | undefined> => {
      const file = `${path}${suffix}`
      try {
        const { dev, ino, size, mtimeNs } = await stat(file, { bigint: true })
        return { file, version: `${file} ${dev} ${ino} ${size} ${mtimeNs}`, suffix, mtimeNs }
      } catch {
        // It has gone in the mean time.
        return undefined
      }
    }),
  )
  return rotated.filter((each) => each !== undefined).sort(byAge)
}
