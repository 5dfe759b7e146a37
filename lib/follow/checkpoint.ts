import { open, readFile, rename } from 'node:fs/promises'
import { dirname } from 'node:path'
import { type Clock, EventstormError, type Logger, reason, z } from '../index.js'
import type { SavedParser } from './followed-parsers.js'
import type { Place } from './place.js'

const form = z.object({
  version: z.literal(1),
  places: z.array(
    z.object({
      path: z.string(),
      id: z.string(),
      head: z.object({ length: z.int().min(0), hash: z.string() }),
      offset: z.int().min(0),
    }),
  ),
  parsers: z.array(z.object({ path: z.string(), state: z.string() })).default([]),
})

/** What a restart goes on with. Both are of the same moment: what the parsers know comes from the lines before. */
export interface Remembered {
  places: Place[]
  parsers: SavedParser[]
}

/** Where the checkpoint has it from. */
export interface Memory {
  /** A number that is another one when something has changed. */
  changes(): number
  recall(): Remembered
}

/**
 * Keeps places and what parsers know in a file, so that a restart goes on where reading stood. The file is replaced as a whole: written
 * beside, forced to disk, renamed. Whenever the process dies, the old or the new one is there.
 */
export class Checkpoint {
  #path: string
  #memory: Memory
  #log: Logger
  #cancel: (() => void) | undefined
  /** What `changes` was when that was saved. */
  #saved: number | undefined
  #saving: Promise<void> | undefined
  #failing = false

  constructor(path: string, memory: Memory, log: Logger) {
    this.#path = path
    this.#memory = memory
    this.#log = log
  }

  /**
   * What was saved; nothing when there is no such file. One that cannot be understood is set aside under
   * `<path>.corrupt`, since it would be overwritten otherwise.
   *
   * @throws FILE_UNREADABLE when it is there but cannot be read: going on would read everything again
   */
  static async read(path: string, log: Logger): Promise<Remembered> {
    const nothing = { places: [], parsers: [] }
    let text: string
    try {
      text = await readFile(path, 'utf8')
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return nothing
      throw new EventstormError(
        'FILE_UNREADABLE',
        `expected a readable checkpoint at ${path}, got: ${reason(error)}`,
      )
    }
    try {
      return form.parse(JSON.parse(text))
    } catch (error) {
      const aside = `${path}.corrupt`
      await rename(path, aside)
      log.error(
        { checkpoint: path, aside, error: reason(error) },
        'checkpoint is corrupt; set aside, starting without',
      )
      return nothing
    }
  }

  /** Saves every `interval` milliseconds, when something has changed. */
  every(interval: number, clock: Clock): void {
    this.#cancel = clock.every(interval, () => void this.save())
  }

  /** Saves what is known now. The first failure is logged; the next save tries again. */
  save(): Promise<void> {
    // Never two at once: both would write the same temporary file.
    this.#saving ??= this.#write().finally(() => {
      this.#saving = undefined
    })
    return this.#saving
  }

  /** Saves a last time. */
  async close(): Promise<void> {
    this.#cancel?.()
    await this.#saving
    await this.save()
  }

  async #write(): Promise<void> {
    const changes = this.#memory.changes()
    if (changes === this.#saved) return
    const text = `${JSON.stringify({ version: 1, ...this.#memory.recall() }, undefined, 1)}\n`
    try {
      const beside = `${this.#path}.new`
      await writeThrough(beside, 'w', text)
      await rename(beside, this.#path)
      // The rename itself is only safe once the directory is.
      await writeThrough(dirname(this.#path), 'r')
      this.#saved = changes
      if (this.#failing) this.#log.info({ checkpoint: this.#path }, 'checkpoint is saved again')
      this.#failing = false
    } catch (error) {
      // Told once, not at every attempt: the disk may be full of logs.
      const fields = { checkpoint: this.#path, error: reason(error) }
      if (!this.#failing) this.#log.error(fields, 'checkpoint cannot be saved; trying again')
      this.#failing = true
    }
  }
}

async function writeThrough(path: string, flags: 'r' | 'w', text?: string): Promise<void> {
  const handle = await open(path, flags)
  try {
    if (text !== undefined) await handle.writeFile(text)
    await handle.sync()
  } finally {
    await handle.close()
  }
}
