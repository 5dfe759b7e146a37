import { rmSync } from 'node:fs'
import { join } from 'node:path'
import type { StoreCounts } from './channel.js'
import { hourFolder, type Segment } from './layout.js'
import { mergeable, mergeableAtLast } from './merge.js'
import type { Merge, Merger } from './merger.js'
import type { Retired } from './retired.js'

export interface Place {
  root: string
  /** The name of a file that nobody has had. */
  newFile(): string
  /** The hour that is written at this moment. */
  hour(): number
  /** What counts in an hour. */
  segments(hour: number): Segment[]
  /** Makes `merged` count in place of its parts, synchronously; false when they do not all count any more. */
  replace(hour: number, parts: readonly Segment[], merged: Segment): boolean
}

/** How files are merged: small ones here, whole hours in a process of their own. */
export interface Ways {
  near: Pick<Merger, 'merge' | 'close'>
  apart: Merge
}

/**
 * Makes few files of many: of small ones while an hour is written, and of all when it is over. It goes on beside the
 * writing. What fails is not tried again: the many files go on to count.
 */
export class Compactor {
  #place: Place
  #ways: Ways
  #retired: Retired
  #counts: StoreCounts
  #counted: () => void
  #closed: number[] = []
  #failed = new Set<string>()
  #working: Promise<void> | undefined
  #halt = new AbortController()

  /** @param counted called when the counts have changed */
  constructor(place: Place, ways: Ways, retired: Retired, counts: StoreCounts, counted: () => void) {
    this.#counted = counted
    this.#place = place
    this.#ways = ways
    this.#retired = retired
    this.#counts = counts
  }

  /** There is a further file. */
  look(): void {
    this.#working ??= this.#work().finally(() => {
      this.#working = undefined
    })
  }

  /** An hour is over. */
  close(hour: number): void {
    this.#closed.push(hour)
    this.look()
  }

  /** Gives up what it is at. */
  async stop(): Promise<void> {
    this.#halt.abort()
    await this.#working
    this.#ways.near.close()
  }

  async #work(): Promise<void> {
    while (!this.#halt.signal.aborted) {
      const closed = this.#closed.shift()
      if (closed !== undefined) {
        const groups = mergeableAtLast(this.#place.segments(closed))
        let done = true
        for (const parts of groups) done = (await this.#merge(this.#ways.apart, closed, parts)) && done
        if (done) this.#counts.hoursMerged++
        this.#counted()
        this.#failed.clear()
        continue
      }
      const hour = this.#place.hour()
      if (Number.isNaN(hour)) return
      const parts = mergeable(this.#place.segments(hour).filter(({ file }) => !this.#failed.has(file)))
      if (parts.length === 0) return
      await this.#merge(this.#ways.near.merge, hour, parts)
    }
  }

  async #merge(merge: Merge, hour: number, parts: readonly Segment[]): Promise<boolean> {
    const folder = hourFolder(this.#place.root, hour)
    const file = this.#place.newFile()
    const paths = parts.map((part) => join(folder, part.file))
    try {
      const merged = await merge({ folder, file, parts }, this.#halt.signal)
      if (!this.#place.replace(hour, parts, merged)) throw new Error('the parts are gone')
    } catch {
      for (const part of parts) this.#failed.add(part.file)
      rmSync(join(folder, file), { force: true })
      rmSync(join(folder, `${file}.tmp`), { force: true })
      if (!this.#halt.signal.aborted) this.#counts.mergesFailed++
      this.#counted()
      return false
    }
    this.#counts.merges++
    this.#retired.add(paths)
    this.#counted()
    return true
  }
}
