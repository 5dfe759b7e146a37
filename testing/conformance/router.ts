import assert from 'node:assert/strict'
import {
  type AttachedSink,
  attach,
  EventSource,
  parseOptions,
  type RouterComponent,
  type RouterDefinition,
} from '../../lib/index.js'
import { ControlledClock } from '../clock.js'
import { CollectingSink } from '../components.js'
import { FaultyRouter } from '../faulty-router.js'
import { heldAtRest, nothingLeft } from '../held.js'
import type { Check } from './check.js'
import { describedChecks, type Scene } from './described.js'
import { checkCounters } from './totals.js'

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

const TYPES = ['order.placed', 'http.hit', 'cpu.usage', 'debug.note', 'a']
const SOURCES = ['shop 1', 'shop 2']

/**
 * What any router has to hold, on real sockets: it is described and refuses bad options; opens and closes as often as one
 * likes and leaves nothing behind; passes on what it says, as it came, and counts the rest; decides for a heartbeat as for
 * the events of its stream; and passes each event once, also beside another one and after a restart.
 *
 *     const checks = conformsAsRouter({
 *       definition: sift,
 *       begin: () => ({ options: { drop: ['debug.**'] } }),
 *       passes: (type) => !type.startsWith('debug.'),
 *     })
 *     for (const { name, run } of checks) test(name, run)
 */
export function conformsAsRouter(conformance: RouterConformance): Check[] {
  const { definition } = conformance
  const begin = conformance.begin ?? ((): Scene => ({ options: {} }))
  const check = (what: string, body: (stage: RouterStage) => Promise<void>): Check => ({
    name: `router ${definition.name} ${what}`,
    async run() {
      const scene = await begin()
      const stage = new RouterStage(conformance, scene.options)
      try {
        await body(stage)
      } finally {
        await stage.end()
        await scene.end?.()
      }
    },
  })
  return [
    ...describedChecks({ ...conformance, begin }),
    check('opens and closes, again and again, and leaves nothing behind', leavesNothing),
    check('decides by type and source alone, also of heartbeats', decidesByStream),
    check('passes on what it says, once and as it came', passesOn),
    check('passes each event once beside another one', passesOnceBesideAnother),
    check('is missed by number while it is away', isMissedByNumber),
  ]
}

/** The stage for one check of a router: a clock, sources, a sink; all of it goes at the end. */
class RouterStage {
  readonly clock = new ControlledClock()
  readonly heard = new CollectingSink()
  readonly types: readonly string[]
  readonly passes: (type: string, source: string) => boolean
  #definition: RouterDefinition
  #options: Record<string, unknown>
  #owned: AsyncDisposable[] = []

  constructor({ definition, passes = () => true, types = TYPES }: RouterConformance, options: object) {
    this.#definition = definition
    this.#options = parseOptions(definition.options, options, definition.name)
    this.passes = passes
    this.types = types
  }

  component(): RouterComponent {
    return this.#definition.create(this.#options)
  }

  router(): FaultyRouter {
    return this.#own(new FaultyRouter({ clock: this.clock, component: this.component() }))
  }

  async sink(routers: readonly FaultyRouter[]): Promise<AttachedSink> {
    const connect = routers.flatMap((each) => [...each.sinkEndpoints])
    return this.#own(await attach(this.heard, { connect, clock: this.clock, reconnectInterval: '20ms' }))
  }

  /** Sources that somebody listens to. */
  async sources(routers: readonly FaultyRouter[]): Promise<EventSource[]> {
    const connect = routers.flatMap((each) => [...each.sourceEndpoints])
    const sources = SOURCES.map((source) =>
      this.#own(new EventSource({ source, connect, clock: this.clock, reconnectInterval: '20ms' })),
    )
    for (const source of sources) await source.subscribed()
    return sources
  }

  /** One event of each type by each source. */
  emit(sources: readonly EventSource[], i: number): void {
    for (const source of sources) for (const type of this.types) source.emit(type, { i, text: 'ä\u{1f600}' })
  }

  /** How many of the events that one `emit` emits are to pass. */
  get passing(): number {
    return SOURCES.flatMap((source) => this.types.filter((type) => this.passes(type, source))).length
  }

  #own<T extends AsyncDisposable>(made: T): T {
    this.#owned.push(made)
    return made
  }

  async end(): Promise<void> {
    for (const each of this.#owned.reverse()) await each[Symbol.asyncDispose]()
  }
}

async function leavesNothing(stage: RouterStage): Promise<void> {
  const life = async () => {
    const router = stage.router()
    await Promise.all([router.close(), router.close()])
    await router.restart()
    await router.close()
  }
  // What is made once in a process is made in the first life.
  await life()
  const [before, timers] = [await heldAtRest(), stage.clock.pending]
  for (let i = 0; i < 3; i++) await life()
  await nothingLeft(before)
  assert.equal(stage.clock.pending, timers, 'no timer is left on the clock')
}

/** A heartbeat of what was kept back would make it a loss at every sink behind. */
async function decidesByStream(stage: RouterStage): Promise<void> {
  const component = stage.component()
  for (const source of SOURCES) {
    for (const type of stage.types) {
      const decisions = [0, 1, 1000, 0].map((count) => component.route?.({ type, source, count }) ?? true)
      assert.deepEqual(new Set(decisions), new Set([stage.passes(type, source)]), `${type} of ${source}`)
    }
  }
}

async function passesOn(stage: RouterStage): Promise<void> {
  const router = stage.router()
  const sink = await stage.sink([router])
  const sources = await stage.sources([router])
  for (let i = 0; i < 100; i++) stage.emit(sources, i)
  const expected = 100 * stage.passing
  await stage.clock.advanceUntil('everything has come through', () => stage.heard.events.length >= expected)
  await stage.clock.advanceUntil('everything was decided', () => {
    const { eventsOut, filtered } = router.counters()
    return eventsOut + filtered === 100 * SOURCES.length * stage.types.length
  })
  assert.equal(stage.heard.events.length, expected)
  for (const { type, source, seq, data } of stage.heard.events) {
    assert.ok(stage.passes(type, source), `${type} of ${source} is to stay`)
    assert.deepEqual(data, { i: seq, text: 'ä\u{1f600}' })
  }
  const { lost, duplicate } = sink.counters()
  assert.deepEqual({ lost, duplicate }, { lost: 0, duplicate: 0 })
  checkCounters(router)
}

async function passesOnceBesideAnother(stage: RouterStage): Promise<void> {
  const routers = [stage.router(), stage.router()]
  const sink = await stage.sink(routers)
  const sources = await stage.sources(routers)
  let emitted = 0
  await stage.clock.advanceUntil('both ways are open', () => {
    stage.emit(sources, emitted++)
    return sink.counters().duplicate > 0
  })
  for (let i = 0; i < 100; i++) stage.emit(sources, emitted++)
  await stage.clock.advanceUntil('everything has come', () => {
    const passed = routers.reduce((sum, each) => sum + each.counters().eventsOut, 0)
    const { received, duplicate } = sink.counters()
    return received === emitted * stage.passing && received + duplicate === passed
  })
  assert.equal(sink.counters().lost, 0)
  assert.ok(sink.counters().duplicate >= 100 * stage.passing)
}

async function isMissedByNumber(stage: RouterStage): Promise<void> {
  const router = stage.router()
  const sink = await stage.sink([router])
  const sources = await stage.sources([router])
  let i = 0
  const flow = (what: string) => {
    const before = stage.heard.events.length
    return stage.clock.advanceUntil(what, () => {
      stage.emit(sources, i++)
      return stage.heard.events.length > before + 10 * stage.passing
    })
  }
  await flow('events pass')
  await router.close()
  for (const end = i + 10; i < end; ) stage.emit(sources, i++)
  await router.reopen()
  await flow('events pass again')
  await stage.clock.advanceUntil('every event has come, or is counted as lost', () => {
    const { received, lost } = sink.counters()
    const passing = sources.reduce((sum, each) => sum + each.counters().sent, 0)
    // What is kept back is sent all the same, as the sources do not know of it.
    return received + lost === (passing * stage.passing) / (SOURCES.length * stage.types.length)
  })
  assert.equal(sink.counters().duplicate, 0)
}
