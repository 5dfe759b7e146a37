import type { ControlledClock } from '../clock.js'
import { heldAtRest, nothingLeft } from '../held.js'
import { until } from '../until.js'

/** Lives a component's life again and again, and checks that nothing is held afterwards that was not held before. */
export async function livesLeaveNothing(clock: ControlledClock, life: () => Promise<void>): Promise<void> {
  // What is made once in a process is made in the first life.
  await life()
  const [before, timers] = [await heldAtRest(), clock.pending]
  for (let i = 0; i < 3; i++) await life()
  await nothingLeft(before)
  await until('no timer is left on the clock', () => clock.pending <= timers)
}
