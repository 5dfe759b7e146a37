import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ControlledClock, freeEndpoint, until } from '../testing/index.js'
import { silent } from './component.js'
import { Stream } from './loss.js'
import { SINK_REPORT, type SinkReport } from './report.js'
import { SinkReporter } from './sink-report.js'
import { subscribe } from './subscribe.js'

test('a sink of very many streams reports more seldom, and says so', async () => {
  const none = { received: 0, lost: 0, duplicate: 0, late: 0 }
  const streams = Array.from({ length: 25_000 }, (_, n) => new Stream(`a.t${n}`, 's', 1, true, { ...none }))
  // Of reserved types nobody is told.
  streams.push(new Stream('_meta.a', 's', 1, true, { ...none }))
  const clock = new ControlledClock()
  const heard: SinkReport[] = []
  // Inproc holds back nothing of what was sent: over tcp the last report has half a second to leave.
  const events = subscribe({ bind: [freeEndpoint('inproc')], subscribe: [SINK_REPORT] })
  const reading = (async () => {
    for await (const batch of events) for (const { data } of batch) heard.push(data as SinkReport)
  })()
  let looks = 0
  const reporter = new SinkReporter(
    { to: events.endpoints, name: 'many', clock, log: silent, key: undefined, serverKey: [] },
    () => {
      looks++
      const facts = { state: 'up' as const, written: 0, alreadyStored: 0, dropped: {}, queued: 0 }
      return { ...none, ...facts, streams }
    },
  )
  const told = () => heard.reduce((sum, report) => sum + report.streams.length, 0)
  try {
    await until('somebody listens', async () => {
      await clock.advance(1000)
      return looks === 1
    })
    await clock.advance(2000)
    assert.equal(looks, 1, 'the next two are left out')
    await clock.advance(1000)
    assert.equal(looks, 2)
    await until('all is told twice', () => told() === 50_000)
    assert.ok(heard.every(({ every, ended }) => every === 3000 && !ended))
    reporter.close(true)
    await until('its end is told', () => told() === 75_000)
    assert.ok(heard.at(-1)!.ended)
  } finally {
    reporter.close(true)
    await events.close()
    await reading
  }
})
