import assert from 'node:assert/strict'
import { test } from 'node:test'
import { attach, EventRouter, EventSource, parseOptions, type StormEvent } from '../../lib/index.js'
import { conformsAsRouter, freeEndpoint, until } from '../../testing/index.js'
import forward from './forward.js'

test('passes on every event, of every type', async () => {
  await using router = new EventRouter({
    bindSources: [freeEndpoint()],
    bindSinks: [freeEndpoint()],
    component: forward.create(parseOptions(forward.options, {}, 'forward')),
  })
  const events: StormEvent[] = []
  await using _sink = await attach(
    { write: (batch) => void events.push(...batch) },
    { connect: [...router.sinkEndpoints] },
  )
  await using source = new EventSource({ connect: [...router.sourceEndpoints] })
  await source.subscribed('**', { timeout: 15_000 })
  for (let i = 0; i < 100; i++) source.emit(`kind.${i % 3}`, { i })
  await until('all have arrived', () => events.length === 100)

  const figures = events.map((event) => (event.data as { i: number }).i).sort((a, b) => a - b)
  assert.deepEqual(
    figures,
    Array.from({ length: 100 }, (_, i) => i),
  )
  const { eventsOut, filtered } = router.counters()
  assert.deepEqual({ eventsOut, filtered }, { eventsOut: 100, filtered: 0 })
})

for (const { name, run } of conformsAsRouter({ definition: forward })) test(name, run)
