import assert from 'node:assert/strict'
import { test } from 'node:test'
import { attach, EventRouter, EventSource, type StormEvent } from '../lib/index.js'
import { freeEndpoint, TRANSPORTS, until } from '../testing/index.js'

for (const transport of TRANSPORTS) {
  test(`events travel from a source through a router to a sink over ${transport}`, async () => {
    await using router = new EventRouter({
      bindSources: [freeEndpoint(transport)],
      bindSinks: [freeEndpoint(transport)],
    })
    const events: StormEvent[] = []
    await using sink = await attach(
      { write: (batch) => void events.push(...batch) },
      { connect: [...router.sinkEndpoints], subscribe: ['http.**'] },
    )
    await using source = new EventSource({ source: 'shop', connect: [...router.sourceEndpoints] })
    await source.subscribed('http.hit', { timeout: 15_000 })
    const time = new Date('2026-01-02T03:04:05.678Z')
    for (let i = 0; i < 10_000; i++) source.emit('http.hit', { i }, { time })
    source.emit('ssh.login', {})
    await until('all have arrived', () => events.length === 10_000)

    assert.deepEqual(
      events.map((event) => event.seq),
      Array.from({ length: 10_000 }, (_, i) => i),
    )
    assert.deepEqual(events[7], {
      type: 'http.hit',
      source: 'shop',
      epoch: source.epoch,
      seq: 7,
      time,
      data: { i: 7 },
    })
    const { emitted, sent, unwanted } = source.counters()
    assert.deepEqual({ emitted, sent, unwanted }, { emitted: 10_001, sent: 10_000, unwanted: 1 })
    const { received, lost, duplicate, written } = sink.counters()
    assert.deepEqual(
      { received, lost, duplicate, written },
      { received: 10_000, lost: 0, duplicate: 0, written: 10_000 },
    )
  })
}
