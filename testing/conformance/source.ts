import type { SourceComponent, SourceContext, SourceDefinition } from '../../lib/index.js'
import type { ControlledClock } from '../clock.js'
import type { Check } from './check.js'
import { describedChecks, type Scene } from './described.js'
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

/** What runs in a scene. */
export interface SourceAt<S extends Scene = Scene> {
  scene: S
  /** As the definition has made it. */
  component: SourceComponent
  /** The clock that the source runs on; while something is waited for, it goes on by itself. */
  clock: ControlledClock
}

/** What is to be known of a source, to check it. */
export interface SourceConformance<S extends Scene = Scene> {
  /** The default export of the source's module. */
  definition: SourceDefinition
  /** Makes a world of its own for each check. Under its options the source must not end by itself. */
  begin(): S | Promise<S>
  /**
   * Lets happen what the source turns into about `amount` events (100 at most); called again and again.
   * @returns how many events exactly must come of it; nothing when that cannot be known
   */
  feed(amount: number, at: SourceAt<S>): void | number | Promise<void> | Promise<number>
  /**
   * Lets happen what the source cannot make sense of. Leave it out for a source that takes nothing from outside.
   * @returns which of the source's counters must have grown by how much: `{ unparsed: 3 }`
   */
  spoil?(at: SourceAt<S>): Record<string, number> | Promise<Record<string, number>>
  /**
   * Makes a world in which the source ends by itself, after some events. Leave it out for a source that never does.
   * @returns further options: `{ once: true }`
   */
  finite?(scene: S): Record<string, unknown> | Promise<Record<string, unknown>>
  /** Options, as a user would write them, that have to be refused. Default: an unknown one alone. */
  refused?: Record<string, unknown>[]
  /** Where it finds the parsers of other sources, when it needs one. */
  findParser?: SourceContext['findParser']
}

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
