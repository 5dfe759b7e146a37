import assert from 'node:assert/strict'
import type { EventSink } from '../../lib/index.js'
import { FaultyRouter } from '../faulty-router.js'
import { enter, frame } from '../zmtp.js'
import type { SinkStage } from './sink-stage.js'
import { checkBalance, droppedBy, knownTo } from './totals.js'

/* What a sink has to hold when things go wrong around it. */

export async function whenTheWayLosesAndDoubles(stage: SinkStage): Promise<void> {
  const routers = [1, 2].map(() => stage.own(new FaultyRouter({ clock: stage.clock })))
  const component = stage.component()
  const written = new Set<string>()
  const watched = watch(component, async (batch, signal) => {
    for (const { source, type, seq } of batch) written.add(`${source} ${type} ${seq}`)
    return component.write(batch, signal) as Promise<undefined>
  })
  const sink = await stage.attach(watched, { connect: routers.flatMap((each) => [...each.sinkEndpoints]) })
  const source = await stage.source(routers.flatMap((each) => each.sourceEndpoints))
  const passed = () => routers.reduce((sum, each) => sum + each.counters().eventsOut, 0)
  const bothKnowAll = () => routers.every((each) => knownTo(each) === source.counters().sent)
  await stage.clock.advanceUntil('both ways are open', async () => {
    stage.emit(source, 3)
    await stage.received(sink, [source])
    return sink.counters().duplicate > 0
  })
  stage.emit(source, 300)
  await stage.received(sink, [source])
  await stage.clock.advanceUntil('both ways have had all of it', bothKnowAll)
  for (const router of routers) router.losing = true
  stage.emit(source, 300)
  await stage.clock.advanceUntil('all of it is lost', () => routers.every((each) => each.lost === 300))
  for (const router of routers) router.losing = false
  stage.emit(source, 300)
  await stage.received(sink, [source])
  await stage.clock.advanceUntil('everything has come that passed', () => {
    const { received, duplicate } = sink.counters()
    return bothKnowAll() && received + duplicate === passed()
  })
  assert.equal(sink.counters().lost, 300)
  await stage.written(sink)
  await stage.drain(sink)
  await stage.holds(
    stage.emitted.filter((event) => written.has(`${event.source} ${event.type} ${event.seq}`)),
  )
}

export async function whenAMessageIsBad(stage: SinkStage): Promise<void> {
  const sink = await stage.attach(stage.component())
  const source = await stage.source(sink.endpoints)
  stage.emit(source, 100)
  await stage.received(sink, [source])
  const stranger = await enter(sink.endpoints[0]!, 'PUB')
  const malformed = () => Object.values(sink.counters().malformed).reduce((sum, count) => sum + count, 0)
  const bad = [
    frame('order.placed'),
    Buffer.concat([frame('order.placed', { more: true }), frame(Buffer.alloc(0))]),
    Buffer.concat([frame('order.placed', { more: true }), frame(Buffer.alloc(100, 0xff))]),
    Buffer.concat([frame('no type at all', { more: true }), frame(Buffer.from('\x05\0\0\0\0'))]),
  ]
  stranger.write(Buffer.concat(bad))
  await stage.clock.advanceUntil('it has counted them', () => malformed() === bad.length)
  stranger.destroy()
  stage.emit(source, 100)
  await stage.received(sink, [source])
  assert.equal(sink.status, 'running')
  await stage.written(sink)
  await stage.drain(sink)
  await stage.holds(stage.emitted)
}

export async function whenItIsSlow(stage: SinkStage): Promise<void> {
  const gate = gated(stage.component())
  const sink = await stage.attach(gate.sink, { queueEvents: 50, batchEvents: 10 })
  const source = await stage.source(sink.endpoints)
  for (let round = 1; round <= 20; round++) {
    stage.emit(source, 30)
    await stage.clock.advanceUntil('they have come', () => sink.counters().received === 30 * round, 0)
    checkBalance(sink.counters())
  }
  assert.ok(sink.counters().dropped.overflow > 0, 'the queue is bounded')
  gate.open()
  await stage.written(sink)
  await stage.drain(sink)
  const counters = sink.counters()
  assert.equal(droppedBy(counters), counters.dropped.overflow, 'nothing is dropped for another reason')
  await stage.holds(gate.passed())
}

export async function whenStoppedAtOnce(stage: SinkStage): Promise<void> {
  const gate = gated(stage.component())
  const sink = await stage.attach(gate.sink)
  const source = await stage.source(sink.endpoints)
  stage.emit(source, 200)
  await stage.clock.advanceUntil('they have come', () => sink.counters().received === 200, 0)
  await sink.close()
  const counters = sink.counters()
  checkBalance(counters)
  assert.equal(counters.queued, 0)
  assert.equal(counters.dropped.shutdown, 200)
}

export async function whenAnAnswerIsLost(stage: SinkStage): Promise<void> {
  const component = stage.component()
  let lost = 0
  const forgetful = watch(component, async (batch, signal) => {
    const written = (await component.write(batch, signal)) as undefined
    if (lost++ % 2 === 0) throw new Error('the answer was lost')
    return written
  })
  const sink = await stage.attach(forgetful)
  const source = await stage.source(sink.endpoints)
  for (let i = 0; i < 3; i++) {
    stage.emit(source, 200)
    await stage.received(sink, [source])
    await stage.written(sink)
  }
  await stage.drain(sink)
  assert.equal(droppedBy(sink.counters()), 0)
  assert.ok(sink.counters().retried >= 3)
  await stage.holds(stage.emitted)
}

export async function whenItsTargetIsAway(stage: SinkStage): Promise<void> {
  const { away, back } = stage.conformance
  const sink = await stage.attach(stage.component())
  const source = await stage.source(sink.endpoints)
  stage.emit(source, 100)
  await stage.received(sink, [source])
  await stage.written(sink)
  await away!(stage.scene)
  stage.emit(source, 100)
  await stage.clock.advanceUntil('it is noticed', () => sink.state === 'down', 100)
  checkBalance(sink.counters())
  await back!(stage.scene)
  stage.emit(source, 100)
  await stage.received(sink, [source])
  await stage.written(sink)
  await stage.drain(sink)
  assert.equal(droppedBy(sink.counters()), 0)
  await stage.holds(stage.emitted)
}

/** The component, with a `write` that goes another way. */
function watch(component: EventSink, write: EventSink['write']): EventSink {
  return {
    write,
    open: (context) => component.open?.(context),
    close: () => component.close?.(),
    counters: () => component.counters?.() ?? {},
    ...(component.subscribe && { subscribe: component.subscribe }),
  }
}

/** The component behind a gate: what is written waits until it is opened. */
function gated(component: EventSink) {
  let open = () => {}
  const opened = new Promise<void>((resolve) => {
    open = resolve
  })
  const passed: { type: string; source: string; seq: number; data: unknown }[] = []
  const sink = watch(component, async (batch, signal) => {
    await opened
    const written = (await component.write(batch, signal)) as undefined
    passed.push(...batch)
    return written
  })
  return { sink, open, passed: () => passed as never }
}
