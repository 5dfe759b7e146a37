import { stat } from 'node:fs/promises'
import { type Clock, type Logger, reason } from '../index.js'
import { Descriptor } from './descriptor.js'
import { type LineCounters, newLineCounters, type OnLine } from './lines.js'
import { rotatedFiles } from './names.js'
import { headOf, type Place, type Places } from './place.js'

/** How one file is followed. */
export interface FileSettings {
  /** Where reading begins in a file that is there at the first look and that nothing is known of. */
  start: 'beginning' | 'end'
  /** Longer lines are cut. */
  maxLineBytes: number
  /** How long a renamed or removed file is still read after its last growth, in milliseconds. */
  rotateWait: number
  clock: Clock
  log: Logger
  /** What earlier reading has left behind; kept up to date by this one. */
  places: Places
  /**
   * Called before the first line of each file that the name stands for, with the time it was last written,
   * milliseconds since 1970. While a rotated file and its successor both grow, called at each change between them.
   */
  onBegin?: (path: string, modified: number) => void
}

/** What is counted of files, lines included. */
export interface FileCounters extends LineCounters {
  bytesRead: number
  /** Times the name came to stand for another file, or for none. */
  rotations: number
  /** Times the file was truncated or written anew under its name. */
  truncations: number
  /** Files that could not be opened or read, each time it was tried. */
  failures: number
}

/** All of them 0. */
export function newFileCounters(): FileCounters {
  return { ...newLineCounters(), bytesRead: 0, rotations: 0, truncations: 0, failures: 0 }
}

/**
 * Follows the file of one name through rotation, truncation and absence. It holds descriptors, not names: what was
 * renamed is read to its end, lines that are still written to it included, before it is let go. Does nothing by
 * itself; whoever owns it calls `look` when something may have happened, then `read` until that returns 0.
 */
export class FollowedFile {
  readonly path: string
  /** Whether there was more to read than the last read took. */
  behind = true
  #settings: FileSettings
  #onLine: OnLine
  #counters: FileCounters
  #current: Descriptor | undefined
  /** What the name stood for before, oldest first. */
  #leaving: Descriptor[] = []
  /** Whose lines were given last. */
  #giving: Descriptor | undefined
  #lookedBefore = false
  #complaint: string | undefined
  /** What the rotated files were when they were last looked through. */
  #rotatedVersions = ''

  constructor(path: string, settings: FileSettings, onLine: OnLine, counters = newFileCounters()) {
    this.path = path
    this.#settings = settings
    this.#onLine = onLine
    this.#counters = counters
  }

  /** What was counted so far; shared, where it was handed over. */
  get counters(): FileCounters {
    return this.#counters
  }

  /** How many files are open for this name. */
  get open(): number {
    return this.#leaving.length + (this.#current ? 1 : 0)
  }

  /** Finds out what the name stands for now, and whether that was truncated. */
  async look(): Promise<void> {
    const first = !this.#lookedBefore
    this.#lookedBefore = true
    const seen = await this.#identify()
    const known = first && this.#settings.places.knows(this.path)
    const found = known && (await this.#openRotated()).reached
    // Nothing was read of it that could tell whether it still is what it was.
    if (this.#current?.head.length === 0) await this.#openRotated('unread only')
    // It may have been truncated first and renamed then.
    if (this.#current !== undefined && (await this.#current.wasRewritten()))
      await this.#restart(this.#current)
    if (this.#current !== undefined && this.#current.id !== seen?.id) {
      this.#leave(this.#current)
      this.#current = undefined
      this.#counters.rotations++
      // More than one rotation may have happened since the last look.
      await this.#openRotated()
    }
    if (this.#current !== undefined) return
    // A file may have come, grown and been rotated away unseen, while there was none to read.
    if (!first) await this.#openRotated('unread only')
    if (seen?.size === 0) {
      // It is opened once it has something to tell: its beginning says whether it is known already.
      this.#settings.places.put({ path: this.path, id: seen.id, head: headOf(Buffer.alloc(0)), offset: 0 })
    } else if (seen !== undefined) {
      const atEnd = first && !known && this.#settings.start === 'end'
      this.#current = await this.#open(this.path, atEnd ? 'last line' : 0)
      if (known && !found && this.#current?.place(this.path).offset === 0) {
        this.#settings.log.warn(
          { file: this.path },
          'what was read in the last run is gone, or compressed; what came after it may be lost',
        )
      }
    }
  }

  /**
   * Reads once, up to the size of `buffer`: first what was rotated away, then what the name stands for.
   * @returns how many bytes were read, 0 when there is nothing more for now
   */
  async read(buffer: Buffer): Promise<number> {
    const bytes = await this.#readNext(buffer)
    this.behind = bytes === buffer.length
    return bytes
  }

  async #readNext(buffer: Buffer): Promise<number> {
    for (const old of [...this.#leaving]) {
      const bytes = await this.#readFrom(old, buffer)
      const now = this.#settings.clock.now()
      if (bytes > 0) {
        old.deadline = now + this.#settings.rotateWait
        return bytes
      }
      if (now < old.deadline) continue
      old.giveLast()
      this.#settings.places.put(old.place(this.path))
      this.#leaving.splice(this.#leaving.indexOf(old), 1)
      await this.#release(old)
    }
    return this.#current === undefined ? 0 : this.#readFrom(this.#current, buffer)
  }

  /** Stops reading. When it resolves, no line is given any more. */
  async close(): Promise<void> {
    const open = this.#current ? [...this.#leaving, this.#current] : this.#leaving
    this.#leaving = []
    this.#current = undefined
    await Promise.all(open.map((descriptor) => this.#release(descriptor)))
  }

  async #readFrom(descriptor: Descriptor, buffer: Buffer): Promise<number> {
    const bytes = await descriptor.read(buffer, async () => {
      if (descriptor === this.#giving) return
      this.#giving = descriptor
      this.#settings.onBegin?.(this.path, await descriptor.modified())
    })
    if (bytes > 0) {
      this.#counters.bytesRead += bytes
      this.#settings.places.put(descriptor.place(this.path))
    }
    return bytes
  }

  #release(descriptor: Descriptor): Promise<void> {
    this.#settings.places.release(descriptor.id)
    return descriptor.close()
  }

  async #identify(): Promise<{ id: string; size: number } | undefined> {
    try {
      const found = await stat(this.path, { bigint: true })
      const { dev, ino, size } = found
      // Of no size, it would not even be opened.
      if (!found.isFile()) {
        this.#complain(this.#irregular(this.path))
        return undefined
      }
      return { id: `${dev}:${ino}`, size: Number(size) }
    } catch (error) {
      this.#complain(error)
      return undefined
    }
  }

  async #open(path: string, unknown: number | 'last line'): Promise<Descriptor | undefined> {
    try {
      const opened = await Descriptor.open(
        path,
        { maxLineBytes: this.#settings.maxLineBytes, onLine: this.#onLine, counters: this.#counters },
        (file) => this.#settings.places.find(file)?.offset ?? unknown,
      )
      if (opened === undefined) {
        this.#complain(this.#irregular(path))
        return undefined
      }
      const held = this.#leaving.find((old) => old.id === opened.id)
      if (held !== undefined) {
        // Renamed away and back again.
        await opened.close()
        this.#leaving.splice(this.#leaving.indexOf(held), 1)
        held.deadline = Number.POSITIVE_INFINITY
        return held
      }
      if (!this.#settings.places.take(opened.id)) {
        // It is being read under the name it had before.
        await opened.close()
        return undefined
      }
      this.#settings.places.put(opened.place(this.path))
      this.#complaint = undefined
      this.#settings.log.info({ file: path, offset: opened.place(path).offset }, 'following')
      return opened
    } catch (error) {
      this.#complain(error)
      return undefined
    }
  }

  #leave(descriptor: Descriptor): void {
    descriptor.deadline = this.#settings.clock.now() + this.#settings.rotateWait
    this.#leaving.push(descriptor)
  }

  /**
   * Opens the rotated files that may hold what was not read yet: the oldest one that is known, from where reading
   * stood, and all that are newer. Those that have been read to their end are among them, since a writer may not
   * have noticed the rotation. Those that are older than anything known were there before us and are let be.
   *
   * @returns whether one of them was known, and whether one holds something unread
   */
  async #openRotated(which: 'all' | 'unread only' = 'all'): Promise<{ reached: boolean; unread: boolean }> {
    const { places } = this.#settings
    const rotated = await rotatedFiles(this.path)
    const versions = rotated.map(({ version }) => version).join('\n')
    if (which === 'unread only' && versions === this.#rotatedVersions)
      return { reached: false, unread: false }
    this.#rotatedVersions = versions
    let reached = false
    let unread = false
    for (const { file: name } of rotated) {
      let known: Place | undefined
      let left = 0
      const opened = await Descriptor.open(
        name,
        { maxLineBytes: this.#settings.maxLineBytes, onLine: this.#onLine, counters: this.#counters },
        (file) => {
          known = places.find(file)
          left = file.size - (known?.offset ?? 0)
          return known?.offset ?? 0
        },
      ).catch((error: unknown) => this.#complain(error))
      reached ||= known !== undefined
      if (!opened) continue
      if (reached && (left > 0 || which === 'all') && places.take(opened.id)) {
        this.#leave(opened)
        places.put(opened.place(this.path))
        unread ||= left > 0
      } else {
        await opened.close()
      }
    }
    return { reached, unread }
  }

  /** The file was truncated. If that was done by copying it away first, the rest of it is in the copy. */
  async #restart(descriptor: Descriptor): Promise<void> {
    this.#counters.truncations++
    if (!(await this.#openRotated()).unread) descriptor.giveLast()
    await descriptor.restart()
    this.#giving = undefined
    this.#settings.places.put(descriptor.place(this.path))
    this.#settings.log.info({ file: this.path }, 'truncated; reading from the start')
  }

  #irregular(path: string): Error {
    return new Error(`expected a regular file, got something else at ${path}`)
  }

  /** Says what is wrong once, not at every look. */
  #complain(error: unknown): void {
    const missing = (error as NodeJS.ErrnoException).code === 'ENOENT'
    if (!missing) this.#counters.failures++
    const complaint = reason(error)
    if (complaint === this.#complaint) return
    this.#complaint = complaint
    if (missing) this.#settings.log.info({ file: this.path }, 'no such file yet; waiting for it')
    else this.#settings.log.warn({ file: this.path, error: complaint }, 'file cannot be read')
  }
}
