import type { Check } from './check.js'
import type { Scene, SinkConformance } from './conformance.js'
import { describedChecks } from './described.js'
import {
  whenAMessageIsBad,
  whenAnAnswerIsLost,
  whenItIsSlow,
  whenItsTargetIsAway,
  whenStoppedAtOnce,
  whenTheWayLosesAndDoubles,
} from './sink-faults.js'
import { flushes, leavesNothing, writesWhole } from './sink-life.js'
import { SinkStage } from './sink-stage.js'
import { checksOn } from './stage.js'

/**
 * What any sink has to hold, on real sockets: it is described and refuses bad options; opens and closes as often as one
 * likes and leaves nothing behind; writes every event, whole and once, also those that wait when it is closed; counts each
 * event that it does not write, by reason, so that its totals add up at any moment; survives messages that are malformed;
 * and what is lost or comes twice on the way is counted to the event.
 *
 *     const checks = conformsAsSink({
 *       definition: tally,
 *       begin: async () => ({ options: { path: await mkdtemp(join(tmpdir(), 'tally-')) } }),
 *       stored: ({ options }) => readEvents(options.path),
 *     })
 *     for (const { name, run } of checks) test(name, run)
 *
 * The sink runs on a `ControlledClock` that goes on by itself while something is waited for.
 */
export function conformsAsSink<S extends Scene>(conformance: SinkConformance<S>): Check[] {
  const { definition, away, back, idempotent = false } = conformance
  const check = checksOn(
    definition,
    async () => new SinkStage(conformance as unknown as SinkConformance, await conformance.begin()),
  )
  return [
    ...describedChecks(conformance),
    check('opens and closes, again and again, and leaves nothing behind', leavesNothing),
    check('writes every event, whole and once', writesWhole),
    check('writes what waits before it closes', flushes),
    check('counts what is lost on the way, and what comes twice', whenTheWayLosesAndDoubles),
    check('goes on after messages that are malformed, and counts them', whenAMessageIsBad),
    check('counts what its queue cannot hold, and its totals add up meanwhile', whenItIsSlow),
    check('counts what it did not write when it was stopped at once', whenStoppedAtOnce),
    ...(idempotent ? [check('has a batch once whose answer was lost', whenAnAnswerIsLost)] : []),
    ...(away && back ? [check('keeps events while its target is away', whenItsTargetIsAway)] : []),
  ]
}
