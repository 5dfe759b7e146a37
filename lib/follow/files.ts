import { type FSWatcher, watch } from 'node:fs'
import { basename } from 'node:path'
import { pause, reason } from '../index.js'
import { type FileSettings, FollowedFile, newFileCounters } from './file.js'
import type { OnLine } from './lines.js'
import { directoryOf, expandGlob, isGlob } from './names.js'

/** Bytes read from one file before the next one has its turn. What a turn costs by itself is little of so many. */
const TURN_BYTES = 512 * 1024

/** A writer that flushes line by line wakes us for each; looking more often than this gains nobody anything. */
const MIN_PAUSE = 10

/** How files are followed, and how new ones are found. */
export interface FilesSettings extends FileSettings {
  /** Paths and patterns with `*` and `?`. */
  paths: readonly string[]
  /** Milliseconds between two looks at everything, for what the system's notifications have missed. */
  recheck: number
  /** Called once for each file that is followed: what shall have its lines. */
  lines: (path: string) => OnLine
  /** Nothing is read before this; looking begins at once. */
  ready?: Promise<void>
  /** Called when a file that patterns found is gone and read to its end. `lines` is called again should it come back. */
  onForget?: (path: string) => void
}

/**
 * Follows any number of files in one loop: one bounded read from one file after the other, so that a huge file
 * neither starves the others nor takes memory. Between two reads the event loop has its turn. When there is nothing
 * to read it sleeps until the system tells of a change, or until the next slow look.
 */
export class FollowedFiles {
  #settings: FilesSettings
  #files = new Map<string, FollowedFile>()
  #watchers = new Map<string, FSWatcher | undefined>()
  #counters = newFileCounters()
  #stop = new AbortController()
  #asleep: (() => void) | undefined
  #opened = false
  #rescan = true
  /** Files at which something may have happened. */
  #stirred = new Set<FollowedFile>()
  #finished: Promise<void> | undefined

  constructor(settings: FilesSettings) {
    this.#settings = settings
  }

  /** Looks once at everything, so that what is written from now on is seen; then follows until `close`. */
  async open(): Promise<void> {
    this.#watchAll()
    await this.#discover()
    await this.#look(this.#files.values())
    this.#opened = true
    const cancel = this.#settings.clock.every(this.#settings.recheck, () => this.#stirAll())
    this.#finished = this.#run().finally(async () => {
      cancel()
      for (const watcher of this.#watchers.values()) watcher?.close()
      for (const file of this.#files.values()) await file.close()
    })
  }

  /** What was counted of all files together. */
  counters(): Record<string, number> {
    let open = 0
    for (const file of this.#files.values()) open += file.open
    return { files: open, ...this.#counters }
  }

  /** Whether more lines of that file are known to lie there, unread. */
  behind(path: string): boolean {
    return this.#files.get(path)?.behind ?? false
  }

  /** When it returns, no line is given any more. */
  async close(): Promise<void> {
    this.#stop.abort()
    this.#asleep?.()
    await this.#finished
  }

  async #run(): Promise<void> {
    const { clock } = this.#settings
    const buffer = Buffer.allocUnsafeSlow(TURN_BYTES)
    let busy: Iterable<FollowedFile> = [...this.#files.values()]
    await this.#settings.ready
    while (!this.#stop.signal.aborted) {
      const unfinished: FollowedFile[] = []
      for (const file of busy) {
        if (this.#stop.signal.aborted) return
        if ((await this.#turn(file, buffer)) > 0) unfinished.push(file)
        // What was emitted in this turn goes out before more is read.
        await new Promise((resolve) => setImmediate(resolve))
      }
      if (unfinished.length === 0) {
        const since = clock.now()
        await this.#sleep()
        const early = since + MIN_PAUSE - clock.now()
        if (early > 0) await pause(clock, early, this.#stop.signal)
      }
      if (this.#rescan) await this.#discover()
      const stirred = this.#stirred
      this.#stirred = new Set()
      await this.#look(stirred)
      busy = new Set([...unfinished, ...stirred])
    }
  }

  async #look(files: Iterable<FollowedFile>): Promise<void> {
    for (const file of files) {
      try {
        await file.look()
      } catch (error) {
        await this.#fail(file, error)
      }
    }
  }

  async #turn(file: FollowedFile, buffer: Buffer): Promise<number> {
    try {
      return await file.read(buffer)
    } catch (error) {
      await this.#fail(file, error)
      return 0
    }
  }

  /** A file that fails is closed; the next slow look opens it again, where reading stood. */
  async #fail(file: FollowedFile, error: unknown): Promise<void> {
    this.#counters.failures++
    this.#settings.log.warn({ file: file.path, error: reason(error) }, 'reading failed')
    await file.close()
  }

  async #sleep(): Promise<void> {
    if (this.#stirred.size > 0 || this.#rescan || this.#stop.signal.aborted) return
    await new Promise<void>((resolve) => {
      this.#asleep = resolve
    })
    this.#asleep = undefined
  }

  #stirAll(): void {
    this.#rescan = true
    this.#watchAll()
    for (const file of this.#files.values()) this.#stirred.add(file)
    this.#asleep?.()
  }

  /** Finds what the patterns stand for by now, and forgets what is gone and read. */
  async #discover(): Promise<void> {
    this.#rescan = false
    const found = new Set<string>()
    for (const path of this.#settings.paths) {
      for (const name of isGlob(path) ? await expandGlob(path) : [path]) found.add(name)
    }
    for (const [path, file] of this.#files) {
      if (found.has(path) || file.open > 0) continue
      this.#files.delete(path)
      this.#settings.onForget?.(path)
    }
    for (const path of found) {
      if (this.#files.has(path)) continue
      const start = this.#opened ? 'beginning' : this.#settings.start
      const file = new FollowedFile(
        path,
        { ...this.#settings, start },
        this.#settings.lines(path),
        this.#counters,
      )
      this.#files.set(path, file)
      this.#stirred.add(file)
    }
  }

  #watchAll(): void {
    for (const directory of new Set(this.#settings.paths.map(directoryOf))) {
      if (this.#watchers.get(directory) !== undefined) continue
      this.#watchers.set(directory, this.#watch(directory))
    }
  }

  #watch(directory: string): FSWatcher | undefined {
    try {
      const watcher = watch(directory, { persistent: false }, (event, name) => {
        if (event === 'rename') this.#rescan = true
        for (const file of this.#files.values()) {
          if (name === null || basename(file.path) === name) this.#stirred.add(file)
        }
        if (this.#stirred.size > 0 || event === 'rename') this.#asleep?.()
      })
      watcher.on('error', () => {
        watcher.close()
        this.#watchers.delete(directory)
      })
      return watcher
    } catch (error) {
      // No such directory yet, or no watches left: the slow look has to do.
      if (!this.#watchers.has(directory)) {
        this.#settings.log.debug(
          { directory, error: reason(error) },
          'cannot be watched; looking from time to time',
        )
      }
      return undefined
    }
  }
}
