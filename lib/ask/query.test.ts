import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseQuery, queryOptions } from './query.js'

const NOW = Date.UTC(2026, 0, 31, 12)
const parse = (question: object) => parseQuery(queryOptions.parse(question), NOW)

test('a question is read into its parts', () => {
  const query = parse({
    type: 'http.*',
    from: '1h',
    to: '2026-01-31T11:30:00Z',
    where: ['status >= 500', 'data.user.name=a=b', 'type!=x'],
    every: '5m',
    by: ['type', 'status'],
    measure: ['rate', 'p99.9(ms)', 'avg(user.age)'],
  })
  assert.deepEqual(query, {
    types: ['http.*'],
    from: NOW - 3_600_000,
    to: NOW - 1_800_000,
    where: [
      { field: { name: 'status', path: ['status'] }, operator: '>=', value: 500 },
      { field: { name: 'data.user.name', path: ['user', 'name'] }, operator: '=', value: 'a=b' },
      { field: { name: 'type', column: 'type' }, operator: '!=', value: 'x' },
    ],
    every: 300_000,
    by: [
      { name: 'type', column: 'type' },
      { name: 'status', path: ['status'] },
    ],
    measures: [
      { name: 'rate', kind: 'rate' },
      { name: 'p99.9(ms)', kind: 'percentile', at: 0.9990000000000001, field: { name: 'ms', path: ['ms'] } },
      { name: 'avg(user.age)', kind: 'avg', field: { name: 'user.age', path: ['user', 'age'] } },
    ],
    span: 1_800_000,
    latest: undefined,
    limit: 10_000,
  })
  assert.deepEqual(parse({}).measures, [{ name: 'count', kind: 'count' }])
})

test('what makes no sense is refused with what was expected', () => {
  const refused: [object, RegExp][] = [
    [{ from: 'yesterday' }, /from: expected a time/],
    [{ from: '1h', to: '2h' }, /before that of to/],
    [{ where: 'status' }, /where: expected a comparison/],
    [{ by: 'a..b' }, /expected type, source, or a field/],
    [{ measure: 'p100(ms)' }, /measure: expected/],
    [{ measure: 'sum' }, /measure: expected/],
    [{ measure: 'rate' }, /rate needs a length of time/],
    [{ latest: 5, by: 'type' }, /latest: /],
  ]
  for (const [question, message] of refused) {
    assert.throws(() => parse(question), { code: 'QUERY_INVALID', message }, JSON.stringify(question))
  }
  assert.throws(() => parse({ type: 'a..b' }), { code: 'PATTERN_INVALID' })
})
