import { existsSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import type { DuckDBConnection } from '@duckdb/node-api'
import type { StoreCounts } from './channel.js'
import { interruptible } from './interrupt.js'
import { hourFolder, segmentsOf, writeManifest } from './layout.js'
import { mergeableAtLast, mergeFiles } from './merge.js'
import type { Retired } from './retired.js'

export interface Place {
  root: string
  writer: string
  /** The name of a file that nobody has had. */
  newFile(): string
  /** The hour that is written at this moment, whose files are not for us. */
  hour(): number
}

/**
 * Makes one sorted file of all that a writer has written in an hour, once that hour is over. It goes on beside the
 * writing, on a connection of its own. What fails is not tried again: the many files go on to count.
 */
export class Compactor {
  #place: Place
  #connection: DuckDBConnection
  #retired: Retired
  #counts: StoreCounts
  #closed: number[] = []
  #working: Promise<void> | undefined
  #halt = new AbortController()

  constructor(place: Place, connection: DuckDBConnection, retired: Retired, counts: StoreCounts) {
    this.#place = place
    this.#connection = connection
    this.#retired = retired
    this.#counts = counts
  }

  /** An hour is over; its files are merged in the background. */
  close(hour: number): void {
    this.#closed.push(hour)
    this.#working ??= this.#work().finally(() => {
      this.#working = undefined
    })
  }

  /** Gives up what it is at. */
  async stop(): Promise<void> {
    this.#halt.abort()
    await this.#working
    this.#connection.closeSync()
  }

  async #work(): Promise<void> {
    for (let hour = this.#closed.shift(); hour !== undefined; hour = this.#closed.shift()) {
      if (this.#halt.signal.aborted) return
      try {
        await this.#mergeHour(hour)
        this.#counts.hoursMerged++
      } catch {
        if (!this.#halt.signal.aborted) this.#counts.mergesFailed++
      }
    }
  }

  async #mergeHour(hour: number): Promise<void> {
    const { root, writer, newFile } = this.#place
    const folder = hourFolder(root, hour)
    for (const parts of mergeableAtLast(segmentsOf(folder, writer))) {
      const file = newFile()
      const merge = () => mergeFiles(this.#connection, folder, file, parts)
      const merged = await interruptible(this.#connection, this.#halt.signal, merge)
      // From here on nothing else happens in between. A clock that goes back may have opened the hour again.
      const present = segmentsOf(folder, writer)
      const names = new Set(parts.map((part) => part.file))
      const rest = present.filter((segment) => !names.has(segment.file))
      if (
        this.#place.hour() === hour ||
        rest.length !== present.length - parts.length ||
        !existsSync(folder)
      ) {
        rmSync(join(folder, file), { force: true })
        return
      }
      writeManifest(folder, writer, [...rest, merged])
      this.#counts.merges++
      this.#retired.add(parts.map((part) => join(folder, part.file)))
    }
  }
}
