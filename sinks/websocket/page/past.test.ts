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
  const [question, growth, words, ...more] = questionsFor(info, panelsFor(info, entries, 1), MINUTE)
  assert.equal(more.length, 0)
  assert.deepEqual(
    [growth, words].map((each) => each!.parameters.slice(2)),
    [
      [
        ['by', 'source'],
        ['measure', 'min(data.ups)'],
        ['measure', 'max(data.ups)'],
      ],
      [['by', 'data.health']],
    ],
  )
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

test('what a counter has grown by is told from the totals of each source; a fall means that it began anew', () => {
  const entries = [entry({ type: 'nic', field: 'rx', kind: 'counter' })]
  const info = { type: 'nic', rate: 50, seen: 0 }
  const [question] = questionsFor(info, panelsFor(info, entries, 50), MINUTE)
  const rows = [
    [iso(-1), 'a', 80, 90],
    [iso(0), 'a', 100, 160],
    [iso(0), 'b', 5, 9],
    [iso(1), 'a', 170, 200],
    // Nothing of b in this minute: what it grew by is told in the next one.
    [iso(2), 'a', 3, 30],
    [iso(2), 'b', 20, 29],
    [iso(3), 'a', 10, 50],
    [iso(3), 'b', null, null],
  ]
  const { series } = historyOf(question!, { rows, truncated: false }, AT, AT + 5 * MINUTE, MINUTE)
  assert.deepEqual(
    series.map(({ field, at, sum }) => [field, at, sum]),
    [['rx', [0, 1, 2, 3], [70 + 4, 40, 30 + 20, 20 + 10]]],
  )
})

test('of a state the word that was said most stands for a bucket', () => {
  const entries = [entry({ type: 'db', field: 'health', kind: 'state', states: ['ok', 'down'] })]
  const info = { type: 'db', rate: 1, seen: 0 }
  const [question] = questionsFor(info, panelsFor(info, entries, 1), MINUTE)
  const rows = [
    [iso(0), 'down', 2],
    [iso(0), 'ok', 58],
    [iso(1), 'down', 60],
    [iso(2), 'unheard of', 5],
    [iso(2), 'ok', 4],
  ]
  const { series } = historyOf(question!, { rows, truncated: false }, AT, AT + 5 * MINUTE, MINUTE)
  assert.deepEqual(
    [series[0]!.at, series[0]!.last],
    [
      [0, 1, 2],
      [0, 1, 2],
    ],
  )
})
