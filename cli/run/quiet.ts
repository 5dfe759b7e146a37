import { pause, type Running, systemClock } from '../../lib/index.js'

/** Time between two looks, milliseconds. */
const BETWEEN = 5
/** Looks in a row without a further message: a process that got no time has its timers due before what came meanwhile. */
const LOOKS = 8

/** Waits until no more messages come in: what was sent before is then through. Ends as well when that does not run any more. */
export async function quiet(running: Running, signal?: AbortSignal): Promise<void> {
  let before = -1
  for (let looks = 0; looks < LOOKS && !signal?.aborted && running.status === 'running'; ) {
    await pause(systemClock, BETWEEN, signal)
    const { messages, messagesIn } = running.counters()
    const now = Number(messages ?? messagesIn ?? 0)
    looks = now === before ? looks + 1 : 0
    before = now
  }
}
