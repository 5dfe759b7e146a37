import assert from 'node:assert/strict'
import type { Check } from './check.js'
import type { RouterConformance, Scene } from './conformance.js'
import { describedChecks } from './described.js'
import { livesLeaveNothing } from './leaves-nothing.js'
import { RouterStage, SOURCES } from './router-stage.js'
import { checksOn } from './stage.js'
import { checkCounters } from './totals.js'

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
  const check = checksOn(definition, async () => new RouterStage(conformance, await begin()))
  return [
    ...describedChecks({ ...conformance, begin }),
    check('opens and closes, again and again, and leaves nothing behind', leavesNothing),
    check('decides by type and source alone, also of heartbeats', decidesByStream),
    check('passes on what it says, once and as it came', passesOn),
    check('passes each event once beside another one', passesOnceBesideAnother),
    check('is missed by number while it is away', isMissedByNumber),
  ]
}

async function leavesNothing(stage: RouterStage): Promise<void> {
  await livesLeaveNothing(stage.clock, async () => {
    const router = stage.router()
    await Promise.all([router.close(), router.close()])
    await router.restart()
    await router.close()
  })
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
  // Each source has its own connections, and those of one may be there before those of the other.
  await stage.clock.advanceUntil('both ways are open to both sources', () => {
    stage.emit(sources, emitted++)
    const streams = [...sink.streams()]
    return streams.length === stage.passing && streams.every(({ duplicate }) => duplicate > 0)
  })
  const before = sink.counters()
  for (let i = 0; i < 100; i++) stage.emit(sources, emitted++)
  await stage.clock.advanceUntil('everything has come, on both ways', () => {
    const passed = routers.reduce((sum, each) => sum + each.counters().eventsOut, 0)
    const { received, duplicate } = sink.counters()
    const again = duplicate - before.duplicate
    // What has passed so far may all be there while one of the routers still has some before it.
    return (
      received === emitted * stage.passing && received + duplicate === passed && again >= 100 * stage.passing
    )
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
    // What is kept back is sent all the same, as the sources do not know of it. They may notice at different times that
    // the router is away.
    const passing = sources.map((source) => {
      const types = stage.types.filter((type) => stage.passes(type, source.name))
      return (source.counters().sent * types.length) / stage.types.length
    })
    return received + lost === passing.reduce((sum, each) => sum + each, 0)
  })
  assert.equal(sink.counters().duplicate, 0)
}
