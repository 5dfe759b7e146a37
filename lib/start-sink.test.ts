import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type EventSink, EventSource, type StormEvent, startSink } from '../lib/index.js'
import { ControlledClock, freeEndpoint, until } from '../testing/index.js'

test('startSink does not wait for the store: it is subscribed, and collects meanwhile', async () => {
  let open = () => {}
  const events: StormEvent[] = []
  const sink: EventSink = {
    open: () => new Promise((resolve) => (open = resolve)),
    write: (batch) => void events.push(...batch),
  }
  const endpoint = freeEndpoint()
  await using started = startSink(sink, { bind: [endpoint], subscribe: ['a'] })
  assert.deepEqual([started.status, started.state], ['starting', 'connecting'])
  await using source = new EventSource({ connect: [...started.endpoints] })
  await source.subscribed('a', { timeout: 30_000 })
  source.emit('a', 1)
  await until('it waits', () => started.counters().queued === 1)
  open()
  await started.opened
  await until('it was written', () => events.length === 1)
  assert.deepEqual([started.status, started.state], ['running', 'up'])
})

test('a sink whose store is away is drained at once when nothing waits for it; an open that works too late is closed', async () => {
  const clock = new ControlledClock()
  let open = () => {}
  let opens = 0
  let closed = 0
  const sink: EventSink = {
    open() {
      if (++opens === 1) throw new Error('away')
      return new Promise((resolve) => (open = resolve))
    },
    write() {},
    close: () => void closed++,
  }
  const started = startSink(sink, { bind: [freeEndpoint()], clock })
  await started.opened
  await clock.advanceUntil('it is tried again', () => opens === 2)
  await started.drain(60_000)
  assert.equal(started.status, 'stopped')
  assert.equal(closed, 0)
  open()
  await until('it was closed', () => closed === 1)
})
