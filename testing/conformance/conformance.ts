import type {
  EventSink,
  RouterDefinition,
  SinkDefinition,
  SourceComponent,
  SourceContext,
  SourceDefinition,
} from '../../lib/index.js'
import type { ControlledClock } from '../clock.js'

/** The world of one component: a folder with a log, the server of a store, or nothing but time. */
export interface Scene {
  /** The component's own options, as a user would write them. */
  options: Record<string, unknown>
  /** Takes the world down. */
  end?(): void | Promise<void>
}

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

/** What is to be known of a router, to check it. */
export interface RouterConformance {
  /** The default export of the router's module. */
  definition: RouterDefinition
  /** Makes the options, as a user would write them. Default: none. */
  begin?(): Scene | Promise<Scene>
  /** Whether events of that type and source pass under those options. Default: all do. */
  passes?(type: string, source: string): boolean
  /** Types that events are emitted with, some of which should pass. Default: some of three kinds. */
  types?: readonly string[]
  /** Options, as a user would write them, that have to be refused. Default: an unknown one alone. */
  refused?: Record<string, unknown>[]
}

/** An event as it was found in a sink's target. */
export interface StoredEvent {
  type: string
  source: string
  seq: number
  /** As JSON has it; the events of these checks have no data that it cannot hold. */
  data: unknown
}

/** What is to be known of a sink, to check it. */
export interface SinkConformance<S extends Scene = Scene> {
  /** The default export of the sink's module. */
  definition: SinkDefinition
  /** Makes a world of its own for each check: an empty folder, a database of its own. */
  begin(): S | Promise<S>
  /**
   * Makes the component. Default: what the definition makes of the scene's options.
   * @param options checked and complete
   */
  create?(scene: S, options: Record<string, unknown>): EventSink
  /**
   * Everything that is in the target, in any order, read by other means than the sink's own; asked for once the sink is
   * closed. Leave it out for a sink that keeps nothing.
   */
  stored?(scene: S): Iterable<StoredEvent> | Promise<Iterable<StoredEvent>>
  /** Whether a batch that is written twice, since the first answer was lost, is there once. Default: false, not checked. */
  idempotent?: boolean
  /** Takes the target away, and gives it back. Leave them out for a sink whose target is always there. */
  away?(scene: S): void | Promise<void>
  /** Gives the target back, see `away`. */
  back?(scene: S): void | Promise<void>
  /** Options, as a user would write them, that have to be refused. Default: an unknown one alone. */
  refused?: Record<string, unknown>[]
}
