import assert from 'node:assert/strict'
import { livesLeaveNothing } from './leaves-nothing.js'
import type { SinkStage } from './sink-stage.js'
import { checkCounters, droppedBy } from './totals.js'

/* What a sink has to hold when nothing goes wrong around it. */

export async function leavesNothing(stage: SinkStage): Promise<void> {
  await livesLeaveNothing(stage.clock, async () => {
    const sink = await stage.attach(stage.component())
    await stage.clock.advanceUntil('the sink is open', () => sink.status === 'running', 0)
    const closed = Promise.all([sink.close(), sink.drain(), sink.close()])
    await closed
    await sink.close()
    await sink.ended
    assert.equal(sink.status, 'stopped')
  })
}

export async function writesWhole(stage: SinkStage): Promise<void> {
  const sink = await stage.attach(stage.component())
  const sources = [await stage.source(sink.endpoints, 'shop 1'), await stage.source(sink.endpoints, 'shop 2')]
  for (const amount of [1, 2000, 100, 1]) {
    for (const source of sources) stage.emit(source, amount)
    await stage.received(sink, sources)
  }
  await stage.written(sink)
  await stage.drain(sink)
  const counters = sink.counters()
  const { received, written, lost, duplicate } = counters
  const all = stage.emitted.length
  assert.deepEqual(
    { received, written, lost, duplicate, dropped: droppedBy(counters) },
    { received: all, written: all, lost: 0, duplicate: 0, dropped: 0 },
  )
  checkCounters(sink)
  await stage.holds(stage.emitted)
}

export async function flushes(stage: SinkStage): Promise<void> {
  // What waits for its batch to fill would wait for an hour.
  const sink = await stage.attach(stage.component(), { batchWait: '1h', batchEvents: 100_000 })
  const source = await stage.source(sink.endpoints)
  stage.emit(source, 500)
  await stage.clock.advanceUntil('all has come', () => sink.counters().received === 500, 0)
  await stage.drain(sink)
  const { written, alreadyStored, queued } = sink.counters()
  assert.deepEqual({ stored: written + alreadyStored, queued }, { stored: 500, queued: 0 })
  await stage.holds(stage.emitted)
}
