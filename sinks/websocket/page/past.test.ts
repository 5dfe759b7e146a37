import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Series } from '../protocol.js'
import { panelsFor } from './panels.js'
import { historyOf, questionsFor, stepFor } from './past.js'
import type { Entry } from './store.js'

const entry = (series: Omit<Series, 'i'>): Entry => ({ series: { i: 0, ...series }, columns: {}, written: 0 })
const AT = Date.UTC(2026, 0, 1)
const MINUTE = 60_000
const iso = (minute: number) => new Date(AT + minute * MINUTE).toISOString()

test('buckets are round, and no graph has more than 600', () => {
  const day = 86_400_000
  assert.deepEqual(
    [60_000, 3_600_000, day, 7 * day, 30 * day, 3000 * day].map((span) => stepFor(span) / 1000),
    [1, 10, 300, 1800, 7200, 432_000],
  )
})

test('a card asks for what its graphs show, and the answer is put where they look for it', () => {
  const entries = [
    entry({ type: 'disk' }),
    entry({ type: 'disk', field: 'took_ms', kind: 'duration' }),
    entry({ type: 'disk', field: 'free', kind: 'gauge' }),
    entry({ type: 'disk', field: 'bytes', kind: 'amount' }),
    entry({ type: 'disk', field: 'ups', kind: 'counter' }),
    entry({ type: 'disk', field: 'health', kind: 'state' }),
  ]
  const info = { type: 'disk', rate: 1, seen: 0 }
  const [question, ...more] = questionsFor(info, panelsFor(info, entries, 50), MINUTE)
  assert.equal(more.length, 0)
  assert.deepEqual(question!.parameters, [
    ['type', 'disk'],
    ['every', '60000ms'],
    ['measure', 'count'],
    ['measure', 'p50(data.took_ms)'],
    ['measure', 'p95(data.took_ms)'],
    ['measure', 'p99(data.took_ms)'],
    ['measure', 'avg(data.free)'],
    ['measure', 'sum(data.bytes)'],
  ])
  const rows = [
    [iso(0), 7, 1, 2, 3, 40, 600],
    [iso(2), 9, 4, 5, 6, null, 700],
  ]
  const { series, from, to } = historyOf(question!, { rows, truncated: false }, AT, AT + 3 * MINUTE, MINUTE)
  assert.deepEqual([from, to], [AT, AT + 3 * MINUTE])
  assert.deepEqual(
    series.map(({ field, at, n, sum, p95 }) => ({ field, at, n, sum, p95 })),
    [
      { field: undefined, at: [0, 2], n: [7, 9], sum: undefined, p95: undefined },
      { field: 'took_ms', at: [0, 2], n: undefined, sum: undefined, p95: [2, 5] },
      { field: 'free', at: [0], n: [1], sum: [40], p95: undefined },
      { field: 'bytes', at: [0, 2], n: undefined, sum: [600, 700], p95: undefined },
    ],
  )
})

test('split by key: keys without a line of their own are added up; a cut answer ends before its last bucket', () => {
  const entries = [
    entry({ type: 'hit' }),
    ...['GET · 200', 'POST · –'].map((key) => entry({ type: 'hit', key })),
    entry({ type: 'hit', key: 'other', other: true }),
  ]
  const info = { type: 'hit', rate: 1, seen: 0, hint: { key: ['method', 'source'] } }
  const [question] = questionsFor(info, panelsFor(info, entries, 50), MINUTE)
  assert.deepEqual(question!.parameters.slice(2), [
    ['by', 'data.method'],
    ['by', 'source'],
    ['measure', 'count'],
  ])
  const rows = [
    [iso(0), 'GET', '200', 5],
    [iso(0), 'POST', null, 1],
    [iso(0), 'PUT', 'x', 2],
    [iso(0), 'PUT', 'y', 3],
    [iso(1), 'GET', '200', 8],
  ]
  const { series, to } = historyOf(question!, { rows, truncated: true }, AT, AT + 9 * MINUTE, MINUTE)
  assert.equal(to, AT + MINUTE)
  assert.deepEqual(
    series.map(({ key, at, n }) => [key, at, n]),
    [
      ['GET · 200', [0], [5]],
      ['POST · –', [0], [1]],
      ['other', [0], [5]],
    ],
  )
})
