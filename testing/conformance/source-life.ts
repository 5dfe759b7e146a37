import assert from 'node:assert/strict'
import { isStormEvent, type StormEvent } from '../../lib/index.js'
import { livesLeaveNothing } from './leaves-nothing.js'
import { count, type SourceStage } from './source-stage.js'
import { checkCounters } from './totals.js'

/* What a source has to hold when nothing goes wrong around it. */

export async function leavesNothing(stage: SourceStage): Promise<void> {
  const { sink } = await stage.listen()
  await livesLeaveNothing(stage.clock, async () => {
    const { source } = await stage.start(sink.endpoints)
    assert.equal(source.status, 'running')
    await Promise.all([source.close(), source.drain(), source.close()])
    await source.close()
    await source.ended
    assert.equal(source.status, 'stopped')
  })
}

export async function emitsWhatItSays(stage: SourceStage): Promise<void> {
  const { types } = stage.conformance.definition
  const { sink, heard } = await stage.listen()
  const played = await stage.startHeard(sink.endpoints)
  for (const amount of [1, 100, 1]) await stage.feed(played, amount)
  await stage.settle(played, sink)
  for (const event of heard.events) {
    assert.ok(types.includes(event.type), `${event.type} is none of the types it names: ${types.join(', ')}`)
    assert.ok(isStormEvent(event))
    assert.equal(event.source, 'conformance', 'the framework says who emits')
  }
  checkNumbers(heard.events)
  const { source } = played
  const { lost, duplicate, late } = sink.counters()
  assert.deepEqual({ lost, duplicate, late }, { lost: 0, duplicate: 0, late: 0 })
  assert.equal(heard.events.length, count(source, 'sent'))
  assert.equal(count(source, 'emitted'), count(source, 'sent') + count(source, 'unwanted'))
  checkCounters(source)
}

/** Each stream begins with 0 and has no gap. */
function checkNumbers(events: readonly StormEvent[]): void {
  const next = new Map<string, number>()
  for (const { type, source, epoch, seq } of events) {
    const stream = `${source} ${epoch} ${type}`
    assert.equal(seq, next.get(stream) ?? 0, `the number of the next event of ${stream}`)
    next.set(stream, seq + 1)
  }
}

export async function endsWell(stage: SourceStage): Promise<void> {
  const { sink, heard } = await stage.listen()
  const played = await stage.startHeard(sink.endpoints)
  await stage.feed(played, 100)
  const { source } = played
  await source.drain()
  await stage.settle(played, sink)
  assert.equal(heard.events.length, count(source, 'sent'))
  const { emitted } = source.counters()
  // By now there may be nobody to take it.
  await stage.let(played, (at) => stage.conformance.feed(10, at)).catch(() => {})
  await stage.clock.advance(10_000)
  assert.equal(source.counters().emitted, emitted, 'once close() has returned, emit is not called any more')
}

export async function endsByItself(stage: SourceStage): Promise<void> {
  const { sink, heard } = await stage.listen()
  const played = await stage.startFinite(sink.endpoints)
  await stage.clock.advanceUntil('it has ended by itself', () => played.source.status === 'stopped')
  await played.source.ended
  await stage.settle(played, sink)
  assert.ok(heard.events.length > 0, 'it has emitted something')
  assert.equal(count(played.source, 'unwanted'), 0, 'it has waited until somebody listened')
}
