import { createHash } from 'node:crypto'

/** How many bytes at the start of a file are looked at to know it again. */
export const HEAD_BYTES = 1024

/** Below this a head says too little to take two files of different inodes for copies of each other. */
const TELLING_HEAD_BYTES = 64

/** The first bytes of a file as a fingerprint: as many as there were, at most 1,024. */
export interface Head {
  length: number
  hash: string
}

export function headOf(bytes: Buffer): Head {
  return { length: bytes.length, hash: createHash('sha256').update(bytes).digest('base64url') }
}

/** Whether a file that begins with `bytes` may be the one that began with `head`. */
export function beginsWith(bytes: Buffer, head: Head): boolean {
  return bytes.length >= head.length && headOf(bytes.subarray(0, head.length)).hash === head.hash
}

/** How far a file has been read, with what is needed to know it again under another name. */
export interface Place {
  /** The name it was followed by; it may have another one by now. */
  path: string
  /** Device and inode, `2049:131`; or `gone` and the head's hash, when the file has other contents by now. */
  id: string
  head: Head
  /** Offset after the last complete line that was handed on. */
  offset: number
}

/** What is known of files that were read before, in this run or an earlier one. Bounded; the oldest is forgotten. */
export class Places {
  /** Goes up with everything that changes. */
  changes = 0
  #places = new Map<string, Place>()
  #limit: number
  #open = new Set<string>()

  constructor(places: Iterable<Place> = [], limit = 4096) {
    this.#limit = limit
    for (const place of places) this.put(place)
  }

  /** Remembers a place, in the stead of an earlier one of the same file. */
  put(place: Place): void {
    const before = this.#places.get(place.id)
    if (before !== undefined && place.offset < before.offset && place.head.hash !== before.head.hash) {
      // The file was written anew. What it held may live on in a copy, which is known by its head.
      this.#set({ ...before, id: `gone ${before.head.hash}` })
    }
    this.#set(place)
  }

  #set(place: Place): void {
    this.changes++
    this.#places.delete(place.id)
    this.#places.set(place.id, place)
    if (this.#places.size > this.#limit) this.#places.delete(this.#places.keys().next().value!)
  }

  /** Takes a file for reading, so that it is not read twice while it has two names. False when it is taken. */
  take(id: string): boolean {
    if (this.#open.has(id)) return false
    this.#open.add(id)
    return true
  }

  /** The file is not held open any more: beyond the limit its place may be forgotten. */
  release(id: string): void {
    this.#open.delete(id)
  }

  /** Whether anything is known of files of that name. */
  knows(path: string): boolean {
    return this.all().some((place) => place.path === path)
  }

  /** All that are remembered. */
  all(): Place[] {
    return [...this.#places.values()]
  }

  /**
   * The place of a file that has this inode, size and beginning: the one of the same inode, unless its head tells
   * that the inode was used again; or one whose name the file's name extends and whose head it shares, since
   * `copytruncate` moves what we have read into a file of another inode. The longest head is believed: an inode that
   * was seen empty says next to nothing.
   */
  find(file: { path: string; id: string; size: number; beginning: Buffer }): Place | undefined {
    let best: Place | undefined
    for (const place of this.#places.values()) {
      const copied =
        place.head.length >= TELLING_HEAD_BYTES &&
        file.path !== place.path &&
        file.path.startsWith(place.path)
      if (place.id !== file.id && !copied) continue
      if (place.offset > file.size || !beginsWith(file.beginning, place.head)) continue
      const more = place.head.length - (best?.head.length ?? -1)
      if (more > 0 || (more === 0 && place.id === file.id)) best = place
    }
    return best
  }
}
