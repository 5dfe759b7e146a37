import { createReadStream } from 'node:fs'
import { open } from 'node:fs/promises'
import { createGunzip } from 'node:zlib'
import { EventstormError, reason } from '../index.js'
import { expandGlob, isGlob } from './names.js'

/** What a block costs by itself, a turn of the event loop among others, is little of so many. */
const BLOCK_BYTES = 1024 * 1024

/**
 * The bytes of a file from its start to its end, block by block; those of a `.gz` are unpacked. A block is good until
 * the next one is asked for.
 * @throws FILE_UNREADABLE
 */
export async function* readBlocks(path: string, signal?: AbortSignal): AsyncGenerator<Buffer> {
  try {
    for await (const block of path.endsWith('.gz') ? unpacked(path, signal) : plain(path, signal)) yield block
  } catch (error) {
    if (signal?.aborted) return
    throw unreadable(path, error)
  }
}

/** While one block is worked on, the next one is read. */
async function* plain(path: string, signal?: AbortSignal): AsyncGenerator<Buffer> {
  const file = await open(path, 'r')
  let block = Buffer.allocUnsafeSlow(BLOCK_BYTES)
  let next = Buffer.allocUnsafeSlow(BLOCK_BYTES)
  let reading = file.read(next, 0, BLOCK_BYTES, null)
  try {
    for (;;) {
      const { bytesRead } = await unlessAborted(reading, signal)
      if (bytesRead === 0) return
      ;[block, next] = [next, block]
      reading = file.read(next, 0, BLOCK_BYTES, null)
      yield block.subarray(0, bytesRead)
    }
  } finally {
    const closed = reading.catch(() => {}).then(() => file.close())
    // A pipe may keep its reader waiting for as long as it likes.
    if (!signal?.aborted) await closed
  }
}

async function* unpacked(path: string, signal?: AbortSignal): AsyncGenerator<Buffer> {
  const file = createReadStream(path, { highWaterMark: BLOCK_BYTES, ...(signal && { signal }) })
  const gunzip = createGunzip({ chunkSize: BLOCK_BYTES })
  file.on('error', (error) => gunzip.destroy(error)).pipe(gunzip)
  try {
    for await (const block of gunzip) yield block as Buffer
  } finally {
    file.destroy()
  }
}

/** Rejects when the signal comes before the promise has an answer. */
function unlessAborted<T>(promise: Promise<T>, signal?: AbortSignal): Promise<T> {
  if (signal === undefined) return promise
  return new Promise((resolve, reject) => {
    const stop = () => reject(signal.reason)
    if (signal.aborted) stop()
    signal.addEventListener('abort', stop, { once: true })
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', stop))
  })
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
