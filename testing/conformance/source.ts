import type { Check } from './check.js'
import type { Scene, SourceConformance } from './conformance.js'
import { describedChecks } from './described.js'
import {
  whenAListenerStandsStill,
  whenARouterRestarts,
  whenInputIsBad,
  whenItIsRestarted,
  whenNobodyListens,
  whenThereAreTwoWays,
  whenTheWayLoses,
} from './source-faults.js'
import { emitsWhatItSays, endsByItself, endsWell, leavesNothing } from './source-life.js'
import { SourceStage } from './source-stage.js'
import { checksOn } from './stage.js'

/**
 * What any source has to hold, on real sockets and on a clock that the checks own: it is described and refuses bad options;
 * opens and closes as often as one likes and leaves nothing behind; emits the types it says it does, numbered without a gap;
 * never waits for anybody; survives bad input and counts it; and what is lost or comes twice, through restarts and faults
 * on the way, adds up to the event.
 *
 *     const checks = conformsAsSource({
 *       definition: ticker,
 *       begin: () => ({ options: { interval: '1s' } }),
 *       feed: (amount, { clock }) => clock.advance(amount * 1000),
 *     })
 *     for (const { name, run } of checks) test(name, run)
 */
export function conformsAsSource<S extends Scene>(conformance: SourceConformance<S>): Check[] {
  const { definition } = conformance
  const check = checksOn(
    definition,
    async () => new SourceStage(conformance as unknown as SourceConformance, await conformance.begin()),
  )
  const { finite } = conformance
  return [
    ...describedChecks(conformance),
    check('opens and closes, again and again, and leaves nothing behind', leavesNothing),
    check('emits what it says, numbered without a gap', emitsWhatItSays),
    check('sends what it has emitted before it ends, and emits nothing after', endsWell),
    ...(finite ? [check('ends by itself when there will be no more', endsByItself)] : []),
    check('goes on when nobody listens, and counts that', whenNobodyListens),
    check('never waits for a listener who stands still', whenAListenerStandsStill),
    ...(conformance.spoil ? [check('counts what it cannot make sense of, and goes on', whenInputIsBad)] : []),
    check('and its sink count to the event what the way has lost', whenTheWayLoses),
    check('and its sink count to the event what a restarted router has lost', whenARouterRestarts),
    check('can be restarted, and nothing counts as lost by that', whenItIsRestarted),
    check('arrives once over two ways, and what comes twice is counted', whenThereAreTwoWays),
  ]
}
