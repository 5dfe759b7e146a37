import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Series, TypeInfo } from '../protocol.js'
import { apart, isApart, panelsFor, together, unitOf } from './panels.js'
import type { Entry } from './store.js'

const info = (type: string, hint: TypeInfo['hint'] = {}): TypeInfo => ({ type, rate: 1, seen: 0, hint })
const entries = (...series: Omit<Series, 'i'>[]): Entry[] =>
  series.map((each, i) => ({ series: { i, ...each }, columns: {}, written: 0 }))
const told = (type: TypeInfo, list: Entry[]) =>
  panelsFor(type, list, 1).map(({ title, unit, lines }) => [
    title,
    unit,
    lines.map(({ name }) => name).join(' '),
  ])

test('a type with a duration gets its rate and its percentiles', () => {
  const type = 'http.hit'
  const list = entries({ type }, { type, field: 'took_ms', kind: 'duration' })
  assert.deepEqual(told(info(type), list), [
    ['Events', '/s', 'events'],
    ['took_ms', 'ms', 'p50 p95 p99'],
  ])
})

test('keys are lines, in the order of their names, the rest last', () => {
  const type = 'http.hit'
  const keys = ['status 10', 'status 9'].map((key) => ({ type, key }))
  const [panel] = panelsFor(info(type), entries({ type }, { type, key: 'other', other: true }, ...keys), 1)
  assert.deepEqual(
    panel?.lines.map(({ name }) => name),
    ['status 9', 'status 10', 'other'],
  )
})

test('gauges of one unit share a graph, items of a list have one of their own, and reading them is no news', () => {
  const type = 'cpu.usage'
  const fields = ['userPercent', 'systemPercent', 'corePercents.0', 'corePercents.1', 'temperature']
  const list = entries({ type }, ...fields.map((field) => ({ type, field, kind: 'gauge' as const })))
  assert.deepEqual(told(info(type), list), [
    ['userPercent, systemPercent', '%', 'userPercent systemPercent'],
    ['corePercents', '%', '0 1'],
    ['temperature', '', 'temperature'],
  ])
})

test('hints decide: order, title, unit, what is hidden; a field with limits stands alone', () => {
  const type = 'cpu.usage'
  const fields = ['a', 'b', 'c'].map((field) => ({ type, field, kind: 'gauge' as const }))
  const hint = {
    fields: { c: { title: 'Load', warn: 4 }, b: { show: 'hide' as const } },
  }
  assert.deepEqual(told(info(type, hint), entries(...fields)), [
    ['Load', '', 'Load'],
    ['a', '', 'a'],
  ])
})

test('amounts and counters are told by the second, states are bands', () => {
  const type = 'x'
  const list = entries(
    { type },
    { type, field: 'bytes', kind: 'amount' },
    { type, field: 'errors', kind: 'counter' },
    { type, field: 'status', kind: 'state', states: ['ok'] },
  )
  const panels = panelsFor(info(type), list, 1)
  assert.deepEqual(
    panels.map(({ kind, unit }) => [kind, unit]),
    [
      ['lines', '/s'],
      ['lines', 'B/s'],
      ['lines', '/s'],
      ['states', ''],
    ],
  )
})

test('a graph has at most eight lines and says how many found no place', () => {
  const type = 'x'
  const keys = Array.from({ length: 30 }, (_, i) => ({ type, key: `k${i}` }))
  const [panel] = panelsFor(info(type), entries({ type }, ...keys), 1)
  const graph = together(panel!)
  assert.deepEqual([graph.lines.length, graph.more], [8, 22])
})

test('more peers than five have a graph each, unless it was said otherwise', () => {
  const type = 'x'
  const keys = (count: number) => Array.from({ length: count }, (_, i) => ({ type, key: `k${i}` }))
  const panelOf = (count: number) => panelsFor(info(type), entries({ type }, ...keys(count)), 1)[0]!
  const nothing = { apart: [], together: [] }
  assert.deepEqual(
    [1, 5, 6].map((count) => isApart(panelOf(count), nothing)),
    [false, false, true],
  )
  assert.equal(isApart(panelOf(6), { apart: [], together: ['x rate'] }), false)
  assert.equal(isApart(panelOf(2), { apart: ['x rate'], together: [] }), true)
  const members = apart(panelOf(30))
  assert.deepEqual(
    [members.length, members[1]!.title, members[1]!.id, members[1]!.lines.length],
    [24, 'k1', 'x rate k1', 1],
  )
  const took = entries({ type, field: 'took_ms', kind: 'duration' })
  const [percentiles] = panelsFor(info(type), took, 1)
  assert.equal(percentiles!.lines.length, 3)
  assert.equal(isApart(percentiles!, { apart: [percentiles!.id], together: [] }), false, 'these are no peers')
})

test('units that names give away', () => {
  const units = ['request_time', 'took_ms', 'receivedBytesPerSecond', 'bytes_sent', 'percent', 'status'].map(
    unitOf,
  )
  assert.deepEqual(units, ['s', 'ms', 'B/s', 'B', '%', ''])
})

test('words that tell events apart are no states', () => {
  const type = 'http.hit'
  const list = entries(
    { type },
    { type, field: 'method', kind: 'state', states: ['GET'] },
    { type, field: 'status', kind: 'state', states: ['ok'] },
  )
  const titles = (rate: number) => panelsFor(info(type), list, rate).map(({ title }) => title)
  assert.deepEqual(titles(0.5), ['status'], 'read by a timer')
  assert.deepEqual(titles(50), ['Events'])
  const hinted = info(type, { fields: { method: { show: 'state' } } })
  assert.ok(panelsFor(hinted, list, 50).some(({ title }) => title === 'method'))
})
