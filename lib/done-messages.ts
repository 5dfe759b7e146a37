import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

/*
 * A message that was received, or sent, lies outside of V8's heap until a collection finds the small object that holds it.
 * V8 looks for such objects when its young generation is full, which small as they are takes a hundred megabytes of messages;
 * by then it has begun a major collection because of them, and nearly all of what that costs is for nothing. A minor
 * collection costs a tenth of a millisecond where hardly anything has survived, gives the memory back while it is still in
 * the cache, and spares the major ones.
 */

/** So many bytes may have passed since the last minor collection. */
export const ENOUGH = 12 * 2 ** 20

let collect: (() => void) | undefined
let passed = 0

/** Has to be told of every message that comes in, or is made to go out. */
export function messagePassed(bytes: number): void {
  if (collect === undefined) return
  passed += bytes
  if (passed < ENOUGH) return
  passed = 0
  collect()
}

/** Has to be told of minor collections that V8 does by itself. */
export function wasCollected(): void {
  passed = 0
}

/** @returns ends it */
export function collectMessages(): () => void {
  collect = minorCollection()
  return () => {
    collect = undefined
  }
}

/** V8 hands out its collector to contexts that are made while a flag is set; nobody else gets to see it. */
function minorCollection(): () => void {
  setFlagsFromString('--expose-gc')
  const gc = runInNewContext('gc')
  if (globalThis.gc === undefined) setFlagsFromString('--no-expose-gc')
  return () => gc({ type: 'minor' })
}
