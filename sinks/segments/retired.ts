import { rmSync, utimesSync } from 'node:fs'

/** Files that have become part of another one: whoever listed them before has the time to read them. */
export class Retired {
  #files: { path: string; seen: number | undefined }[] = []
  #grace: number

  /** @param grace milliseconds */
  constructor(grace: number) {
    this.#grace = grace
  }

  add(paths: readonly string[]): void {
    this.#files.push(...paths.map((path) => ({ path, seen: undefined })))
  }

  /** Removes those that were there at a look at least as long ago as the grace is. */
  remove(now: number): void {
    this.#files = this.#files.filter((file) => {
      if (file.seen !== undefined) {
        if (file.seen > now - this.#grace) return true
        rmSync(file.path, { force: true })
        return false
      }
      file.seen = now
      try {
        // Also for other writers, to whom they are leftovers from now on.
        utimesSync(file.path, now / 1000, now / 1000)
        return true
      } catch {
        // Its hour was removed.
        return false
      }
    })
  }
}
