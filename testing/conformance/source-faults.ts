import assert from 'node:assert/strict'
import { freeEndpoint } from '../endpoints.js'
import { FaultyRouter } from '../faulty-router.js'
import { TcpProxy } from '../proxy.js'
import { count, type SourceStage } from './source-stage.js'
import { knownTo } from './totals.js'

/* What a source has to hold when things go wrong around it. */

export async function whenNobodyListens(stage: SourceStage): Promise<void> {
  const { sink } = await stage.listen({ bind: [freeEndpoint()], subscribe: ['nothing.of.it'] })
  const played = await stage.start(sink.endpoints, {}, 1000)
  await stage.feed(played, 100)
  const { source } = played
  assert.ok(count(source, 'emitted') > 0)
  assert.equal(count(source, 'unwanted'), count(source, 'emitted'))
  assert.equal(count(source, 'sent'), 0)
  assert.equal(source.status, 'running')
}

export async function whenAListenerStandsStill(stage: SourceStage): Promise<void> {
  const { sink } = await stage.listen()
  const way = stage.own(await TcpProxy.to(sink.endpoints[0]!))
  // One message may wait, beside what the buffers of the system hold.
  const played = await stage.startHeard([way.endpoint], { sendHighWaterMark: 1 })
  await stage.feed(played, 1)
  await stage.settle(played, sink)
  way.hang()
  for (let i = 0; i < 10; i++) await stage.feed(played, 100)
  const emitted = count(played.source, 'emitted')
  await stage.clock.advanceUntil('all of it was sent all the same', () => {
    return count(played.source, 'sent') >= emitted
  })
  way.mend()
  await stage.settle(played, sink)
}

export async function whenTheWayLoses(stage: SourceStage): Promise<void> {
  const router = stage.own(new FaultyRouter({ clock: stage.clock }))
  const { sink, heard } = await stage.listen({ connect: [...router.sinkEndpoints] })
  const played = await stage.startHeard(router.sourceEndpoints)
  await stage.feed(played, 50)
  await stage.settle(played, sink)
  router.losing = true
  await stage.feed(played, 50)
  await stage.clock.advanceUntil('all of it is lost', () => {
    return heard.events.length + router.lost === count(played.source, 'sent')
  })
  router.losing = false
  await stage.feed(played, 50)
  await stage.settle(played, sink)
  assert.ok(router.lost > 0)
  const { lost, duplicate } = sink.counters()
  assert.deepEqual({ lost, duplicate }, { lost: router.lost, duplicate: 0 })
}

export async function whenARouterRestarts(stage: SourceStage): Promise<void> {
  const router = stage.own(new FaultyRouter({ clock: stage.clock }))
  const { sink, heard } = await stage.listen({ connect: [...router.sinkEndpoints] })
  const played = await stage.startHeard(router.sourceEndpoints)
  await stage.feed(played, 50)
  await stage.settle(played, sink)
  await router.close()
  await stage.feed(played, 50)
  await router.reopen()
  const before = heard.events.length
  await stage.clock.advanceUntil('events pass again', async () => {
    await stage.feed(played, 1)
    return heard.events.length > before
  })
  await stage.settle(played, sink)
  assert.equal(sink.counters().duplicate, 0)
}

export async function whenItIsRestarted(stage: SourceStage): Promise<void> {
  const { sink, heard } = await stage.listen()
  let sent = 0
  for (let life = 0; life < 3; life++) {
    const played = await stage.startHeard(sink.endpoints)
    await stage.feed(played, 20)
    await played.source.drain()
    sent += count(played.source, 'sent')
    await stage.clock.advanceUntil('all of it has arrived', () => heard.events.length === sent)
  }
  const { lost, duplicate } = sink.counters()
  assert.deepEqual({ lost, duplicate }, { lost: 0, duplicate: 0 })
}

export async function whenThereAreTwoWays(stage: SourceStage): Promise<void> {
  const routers = [1, 2].map(() => stage.own(new FaultyRouter({ clock: stage.clock })))
  const { sink } = await stage.listen({ connect: routers.flatMap((each) => each.sinkEndpoints) })
  const played = await stage.startHeard(routers.flatMap((each) => each.sourceEndpoints))
  const { source } = played
  await stage.clock.advanceUntil('both ways are open', async () => {
    await stage.feed(played, 1)
    return routers.every((each) => each.counters().eventsOut > 0) && sink.counters().duplicate > 0
  })
  const passed = () => routers.reduce((sum, each) => sum + each.counters().eventsOut, 0)
  const before = sink.counters()
  await stage.feed(played, 50)
  await stage.clock.advanceUntil('both ways have brought all of it', () => {
    const { received, duplicate } = sink.counters()
    const sent = count(source, 'sent')
    return (
      received === sent &&
      routers.every((each) => knownTo(each) === sent) &&
      received + duplicate === passed()
    )
  })
  const { received, duplicate, lost } = sink.counters()
  assert.ok(duplicate - before.duplicate >= received - before.received, 'each comes twice by now')
  assert.equal(lost, 0)
}

export async function whenInputIsBad(stage: SourceStage): Promise<void> {
  const { sink } = await stage.listen()
  const played = await stage.startHeard(sink.endpoints)
  await stage.feed(played, 1)
  const { source } = played
  const before = source.counters()
  const expected = await stage.let(played, (at) => stage.conformance.spoil!(at))
  for (const [name, more] of Object.entries(expected)) {
    assert.ok(more > 0, `the scene says that bad input counts as ${name}`)
    await stage.clock.advanceUntil(`${name} has grown by ${more}`, () => {
      return count(source, name) === Number(before[name] ?? 0) + more
    })
  }
  await stage.feed(played, 50)
  await stage.settle(played, sink)
  assert.equal(source.status, 'running')
}
