import { setImmediate as turn } from 'node:timers/promises'
import { say, told, Window } from './role.js'

/** Events between two turns of the event loop. */
const PORTION = 500

/**
 * Ranges of numbers up to `count`, with a turn of the event loop after each, and no further than the window allows.
 * @param pauseAt where to wait for a further word
 */
export async function* portions(
  count: number,
  pauseAt = Number.POSITIVE_INFINITY,
): AsyncGenerator<[from: number, to: number]> {
  const window = new Window()
  let paused = false
  for (let from = 0; from < count; from += PORTION) {
    await window.room(from)
    if (from >= pauseAt && !paused) {
      paused = true
      say({ paused: true })
      await told()
    }
    yield [from, Math.min(count, from + PORTION)]
    await turn()
  }
}
