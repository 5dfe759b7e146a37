import { createReadStream } from 'node:fs'
import { open } from 'node:fs/promises'
import { createGunzip } from 'node:zlib'
import { EventstormError, reason } from '../index.js'
import { expandGlob, isGlob } from './names.js'

/**
 * The bytes of a file from its start to its end, block by block; those of a `.gz` are unpacked.
 * @throws FILE_UNREADABLE
 */
export async function* readBlocks(path: string, signal?: AbortSignal): AsyncGenerator<Buffer> {
  const file = createReadStream(path, { highWaterMark: 128 * 1024, ...(signal && { signal }) })
  const gunzip = path.endsWith('.gz') ? createGunzip() : undefined
  if (gunzip !== undefined) file.on('error', (error) => gunzip.destroy(error)).pipe(gunzip)
  try {
    for await (const block of gunzip ?? file) yield block as Buffer
  } catch (error) {
    if (signal?.aborted) return
    throw unreadable(path, error)
  } finally {
    file.destroy()
  }
}

/**
 * The files that are to be read once.
 * @throws FILE_UNREADABLE when a pattern stands for none
 */
export async function namedFiles(paths: readonly string[]): Promise<string[]> {
  const found = new Set<string>()
  for (const path of paths) {
    const names = isGlob(path) ? await expandGlob(path) : [path]
    if (names.length === 0) throw unreadable(path, 'no file matches it')
    for (const name of names) found.add(name)
  }
  return [...found]
}

/** @throws FILE_UNREADABLE */
export async function checkReadable(path: string): Promise<void> {
  try {
    const handle = await open(path, 'r')
    const stats = await handle.stat().finally(() => handle.close())
    if (stats.isDirectory()) throw new Error('it is a directory')
  } catch (error) {
    throw unreadable(path, error)
  }
}

function unreadable(path: string, cause: unknown): EventstormError {
  return new EventstormError(
    'FILE_UNREADABLE',
    `expected a readable file at ${path}, got: ${reason(cause)}; check the path and the permissions`,
    cause,
  )
}
