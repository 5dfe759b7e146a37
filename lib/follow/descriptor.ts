import { type FileHandle, open } from 'node:fs/promises'
import { type LineCounters, LineSplitter, type OnLine } from './lines.js'
import { beginsWith, HEAD_BYTES, type Head, headOf, type Place } from './place.js'

/** How far back from the end of a file the start of its last line is looked for. */
const TAIL_BYTES = 65536

/** One open file, whatever its name is by now, and how far it has been read. */
export class Descriptor {
  readonly id: string
  /** When it may be closed, once it was renamed or removed and read to its end. Milliseconds on the clock. */
  deadline = Number.POSITIVE_INFINITY
  head: Head
  #handle: FileHandle
  #offset: number
  #splitter: LineSplitter
  #newSplitter: () => LineSplitter
  /** Size and time of the last change, to tell that nothing has happened. */
  #version: string

  private constructor(
    handle: FileHandle,
    file: { id: string; version: string; beginning: Buffer; offset: number },
    newSplitter: () => LineSplitter,
  ) {
    this.#handle = handle
    this.id = file.id
    this.#version = file.version
    this.head = headOf(file.beginning)
    this.#offset = file.offset
    this.#newSplitter = newSplitter
    this.#splitter = newSplitter()
  }

  /**
   * Opens a file and lets `start` say where reading begins.
   * @returns undefined when it is no regular file
   * @throws the system's error when it cannot be opened
   */
  static async open(
    path: string,
    settings: { maxLineBytes: number; onLine: OnLine; counters: LineCounters },
    start: (file: { path: string; id: string; size: number; beginning: Buffer }) => number | 'last line',
  ): Promise<Descriptor | undefined> {
    const handle = await open(path, 'r')
    try {
      const stats = await handle.stat({ bigint: true })
      if (stats.isFile()) {
        const file = {
          path,
          id: `${stats.dev}:${stats.ino}`,
          size: Number(stats.size),
          beginning: await readBeginning(handle),
        }
        const from = start(file)
        const offset = from === 'last line' ? await lastLineStart(handle, file.size) : from
        const version = `${stats.size} ${stats.mtimeNs}`
        return new Descriptor(handle, { ...file, offset, version }, () => {
          return new LineSplitter(settings.maxLineBytes, settings.onLine, settings.counters)
        })
      }
    } catch (error) {
      await handle.close()
      throw error
    }
    await handle.close()
    return undefined
  }

  /** Where reading stands, as far as whole lines go. */
  place(path: string): Place {
    return { path, id: this.id, head: this.head, offset: this.#offset - this.#splitter.pending }
  }

  /**
   * Reads once, up to the size of `buffer`, and gives the lines that this completes.
   * @param before called when there is something, before any of it is given
   * @returns how many bytes were read, 0 at the end
   */
  async read(buffer: Buffer, before?: () => Promise<void>): Promise<number> {
    const { bytesRead } = await this.#handle.read(buffer, 0, buffer.length, this.#offset)
    this.#offset += bytesRead
    if (bytesRead === 0) return 0
    if (this.head.length < HEAD_BYTES) await this.#isSame()
    await before?.()
    this.#splitter.push(buffer.subarray(0, bytesRead))
    return bytesRead
  }

  /** When the file was last written, milliseconds since 1970. */
  async modified(): Promise<number> {
    return (await this.#handle.stat()).mtimeMs
  }

  /** Whether the file was truncated or written anew since the last look. */
  async wasRewritten(): Promise<boolean> {
    const { size, mtimeNs } = await this.#handle.stat({ bigint: true })
    const version = `${size} ${mtimeNs}`
    if (version === this.#version) return false
    this.#version = version
    // An empty file that has changed was written to and truncated.
    return size === 0n || size < this.#offset || !(await this.#isSame())
  }

  /** Whether the file still begins as it did; what has been added to its head by now is remembered. */
  async #isSame(): Promise<boolean> {
    const beginning = await readBeginning(this.#handle)
    if (!beginsWith(beginning, this.head)) return false
    if (beginning.length > this.head.length) this.head = headOf(beginning)
    return true
  }

  /** Begins at the start again, after what was there is gone. */
  async restart(): Promise<void> {
    this.#offset = 0
    this.#splitter = this.#newSplitter()
    this.head = headOf(await readBeginning(this.#handle))
  }

  /** Gives a last line that no line feed has ended and will not end any more. */
  giveLast(): void {
    this.#splitter.end()
  }

  close(): Promise<void> {
    return this.#handle.close()
  }
}

async function readBeginning(handle: FileHandle): Promise<Buffer> {
  const { buffer, bytesRead } = await handle.read(Buffer.alloc(HEAD_BYTES), 0, HEAD_BYTES, 0)
  return buffer.subarray(0, bytesRead)
}

/** The end of the file, or the start of its last line when the writer has not finished that yet. */
async function lastLineStart(handle: FileHandle, size: number): Promise<number> {
  const from = Math.max(0, size - TAIL_BYTES)
  const { buffer, bytesRead } = await handle.read(Buffer.alloc(TAIL_BYTES), 0, TAIL_BYTES, from)
  const feed = buffer.subarray(0, bytesRead).lastIndexOf(0x0a)
  if (feed >= 0) return from + feed + 1
  return from === 0 ? 0 : size
}
