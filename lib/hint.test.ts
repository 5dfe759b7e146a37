import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ControlledClock } from '../testing/clock.js'
import { freeEndpoint } from '../testing/endpoints.js'
import { until } from '../testing/until.js'
import type { EventSink } from './component.js'
import { hintType, readHint, type TypeHint, typeOfHint } from './hint.js'
import { attach } from './sink.js'
import { EventSource } from './source.js'
import { startSource } from './start-source.js'

test('a hint that is as it should be comes through whole', () => {
  const hint: TypeHint = {
    title: 'Requests',
    description: 'Every request.',
    group: 'Web',
    order: 3,
    show: 'stacked',
    color: 11,
    key: ['status'],
    columns: ['time', 'path'],
    stale: 5000,
    fields: { time: { kind: 'duration', unit: 'ms', warn: 500, critical: 2000, better: 'low', decimals: 0 } },
  }
  assert.deepEqual(readHint(structuredClone(hint)), hint)
})

test('what is unknown or wrong is left out, and harms nothing beside it', () => {
  const given = {
    title: 'good',
    onclick: 'alert(1)',
    color: 12,
    order: Number.NaN,
    key: ['a', 7],
    show: 'constructor',
    fields: { a: { kind: 'gauge', min: '0', max: Number.POSITIVE_INFINITY, decimals: 1.5 }, b: 'no', c: {} },
  }
  assert.deepEqual(readHint(given), { title: 'good', fields: { a: { kind: 'gauge' } } })
  for (const nothing of [undefined, null, 7, 'text', [], {}, { title: '' }])
    assert.equal(readHint(nothing), undefined)
})

test('texts are cut and lose what cannot be seen; fields have an end', () => {
  const many = Object.fromEntries(Array.from({ length: 1000 }, (_, i) => [`f${i}`, { unit: 'ms' }]))
  const hint = readHint({ title: `\u202e\0${'x'.repeat(1e6)}`, fields: many })!
  assert.equal(hint.title, `${'x'.repeat(119)}…`)
  assert.equal(Object.keys(hint.fields!).length, 64)
  assert.equal(readHint({ title: 'x'.repeat(120) })!.title, 'x'.repeat(120), 'as long as it may be')
})

test('no member reaches the prototype', () => {
  const hint = readHint(JSON.parse('{"title":"x","__proto__":{"a":1},"fields":{"__proto__":{"unit":"ms"}}}'))!
  assert.deepEqual(hint, { title: 'x' })
})

test('the type of a hint and the type it is about', () => {
  assert.equal(hintType('http.hit'), '_meta.http.hit')
  assert.equal(typeOfHint('_meta.http.hit'), 'http.hit')
  assert.equal(typeOfHint('http.hit'), undefined)
})

test('a source tells its hints to those who ask for them, also when they come late', async () => {
  const endpoint = freeEndpoint('inproc')
  const clock = new ControlledClock()
  await using source = new EventSource({ source: 's', bind: [endpoint], clock })
  source.describe('a.b', { title: 'First' })
  source.describe('a.b', { title: 'Second' })
  assert.throws(() => source.describe('_a', {}), { code: 'TYPE_INVALID' })

  const all: string[] = []
  await using everything = await attach(taking(all), { connect: [endpoint] })
  await source.subscribed('a.b')
  source.emit('a.b', 1)
  await until('an event came', () => all.length > 0)

  for (const round of [1, 2]) {
    const seen: string[] = []
    const sink = { ...taking(seen), subscribe: ['_meta.**'] }
    await using late = await attach(sink, { connect: [endpoint], subscribe: ['other'], clock })
    await until('a hint came', async () => {
      await clock.advance(round === 1 ? 1000 : 30_000)
      return seen.length > 0
    })
    assert.deepEqual(seen.slice(0, 1), ['_meta.a.b {"title":"Second"}'], `round ${round}`)
    assert.equal(late.status, 'running')
  }
  assert.deepEqual(all, ['a.b 1'])
  assert.equal(everything.counters().written, 1)
  assert.equal(source.counters().emitted, 1)
})

test('a hint that BSON cannot hold is refused where it is given, and no heartbeat breaks over it', async () => {
  const endpoint = freeEndpoint('inproc')
  const clock = new ControlledClock()
  const ring: Record<string, unknown> = {}
  ring.self = ring
  const hints = { 'a.b': ring as TypeHint }
  const silent = { open() {}, close() {} }
  const refused = { code: 'DATA_INVALID' }
  await assert.rejects(startSource(silent, { bind: [endpoint], hints }), refused)
  let again: EventSource | undefined
  await until('the endpoint is free again', () => {
    try {
      again = new EventSource({ bind: [endpoint], clock, maxEventBytes: 1000 })
    } catch {}
    return again !== undefined
  })
  await using source = again!
  assert.throws(() => source.describe('a.b', ring as TypeHint), refused)
  assert.throws(() => source.describe('a.b', { title: 'x'.repeat(2000) }), { code: 'EVENT_TOO_LARGE' })
  const hint = { title: 'Before' }
  source.describe('a.b', hint)
  Object.assign(hint, ring)
  const seen: string[] = []
  const times: number[] = []
  const sink: EventSink = {
    write(batch) {
      for (const event of batch) times.push(event.time.getTime())
      return taking(seen).write(batch, new AbortController().signal) as undefined
    },
  }
  await using _sink = await attach(sink, { connect: [endpoint], subscribe: ['_meta.**'] })
  await source.subscribed('_meta.a.b')
  await until('the hint came', async () => {
    await clock.advance(1000)
    return seen.length > 0
  })
  assert.equal(seen[0], '_meta.a.b {"title":"Before"}')
  assert.ok(times[0]! > 0 && times[0]! <= clock.now(), `${times[0]}`)
})

const taking = (seen: string[]): EventSink => ({
  write(batch) {
    for (const { type, data } of batch) seen.push(`${type} ${JSON.stringify(data)}`)
  },
})
