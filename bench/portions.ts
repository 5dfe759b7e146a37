import { setImmediate as turn } from 'node:timers/promises'
import { say, told, Window } from './role.js'

/**
 * Ranges of numbers up to `count`, with a turn of the event loop after each, and no further than the window allows.
 * @param size events between two turns
 * @param pauseAt where to wait for a further word
 */
export async function* portions(
  count: number,
  { size = 500, pauseAt = Number.POSITIVE_INFINITY }: { size?: number; pauseAt?: number | undefined } = {},
): AsyncGenerator<[from: number, to: number]> {
  const window = new Window()
  let paused = false
  for (let from = 0; from < count; from += size) {
    await window.room(from)
    if (from >= pauseAt && !paused) {
      paused = true
      say({ paused: true })
      await told()
    }
    yield [from, Math.min(count, from + size)]
    await turn()
  }
}
