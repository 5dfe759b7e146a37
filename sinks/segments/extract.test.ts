import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { DuckDBInstance } from '@duckdb/node-api'
import { ask, attach, EventSource, type StoreReader } from '../../lib/index.js'
import { ControlledClock, freeEndpoint, until } from '../../testing/index.js'
import { files } from './fixtures/read-back.js'
import { parseExtract } from './parse-extract.js'
import segments from './segments.js'

/** What is no number, or is not there, beside what is. */
const DATAS: unknown[] = [
  { ms: 1.5, user: { name: 'ann' } },
  { ms: '2.5', user: { name: 7 } },
  { ms: 'slow', user: { name: null } },
  { ms: null, user: 'bob' },
  { ms: { $odd: 1 }, user: { name: { first: 'eve' } } },
  { user: {} },
  'text',
  4,
  null,
  { ms: true, user: { name: 'ann' }, 'a/"b': 1 },
  { ms: 2n ** 60n, user: { name: "o'bob" } },
  { ms: new Date(0) },
]

const EXTRACTS = ['ms', 'user.name:text', 'a/"b']
let folder: string
const readers: Record<string, StoreReader> = {}

async function write(path: string, extract: string[]): Promise<void> {
  const options = segments.options.parse({ path, extract })
  await using sink = await attach(segments.create(options), {
    bind: [freeEndpoint()],
    clock: new ControlledClock(),
  })
  await using source = new EventSource({ source: 'shop', connect: [...sink.endpoints] })
  await source.subscribed('**', { timeout: 15_000 })
  for (const [i, data] of DATAS.entries()) source.emit('order.placed', data, { time: new Date(i) })
  await until('they are taken', () => sink.counters().written === DATAS.length)
}

/** The same events twice: in files without columns of their own, with them, and one of each kind. */
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'eventstorm-extract-'))
  for (const [name, extracts] of Object.entries({
    json: [[], []],
    typed: [EXTRACTS, EXTRACTS],
    both: [[], EXTRACTS],
  })) {
    for (const extract of extracts) await write(join(folder, name), extract)
    readers[name] = await segments.reader!(`segments:${join(folder, name)}`)
  }
})

after(async () => {
  for (const reader of Object.values(readers)) await reader[Symbol.asyncDispose]()
  await rm(folder, { recursive: true })
})

test('a field has a column of its own in the file, null where it is something else', async () => {
  const [{ path, extracts }] = files(join(folder, 'typed')) as [ReturnType<typeof files>[0]]
  assert.deepEqual(extracts, ['ms:number', 'user.name:text', 'a/"b:number'])
  const instance = await DuckDBInstance.create(':memory:')
  const connection = await instance.connect()
  const result = await connection.runAndReadAll(
    `SELECT "data.ms", "data.user.name", "data.a/""b" FROM read_parquet('${path}') ORDER BY seq`,
  )
  assert.deepEqual(result.columnTypes().map(String), ['DOUBLE', 'VARCHAR', 'DOUBLE'])
  const none = [null, null, null]
  assert.deepEqual(result.getRows(), [
    [1.5, 'ann', null],
    [2.5, '7', null],
    none,
    none,
    [null, '{"first":"eve"}', null],
    none,
    none,
    none,
    none,
    [null, 'ann', 1],
    [null, "o'bob", null],
    none,
  ])
  connection.closeSync()
  instance.closeSync()
})

test('files with and without such columns answer alike, also in one query', async () => {
  const questions = [
    {
      measure: [
        'count',
        'sum(ms)',
        'avg(ms)',
        'min(ms)',
        'max(data.ms)',
        'p50(ms)',
        'distinct(user.name)',
        'distinct(ms)',
      ],
    },
    { by: 'user.name', measure: ['count', 'sum(ms)'] },
    { where: ['ms>=1.5'], measure: ['count', 'max(a/"b)'] },
    { where: ['user.name=ann', 'ms>0'], by: ['type', 'ms'] },
    { where: "user.name=o'bob" },
    { latest: 3, where: 'ms<2' },
  ]
  for (const question of questions) {
    const [json, typed, both] = await Promise.all(
      ['json', 'typed', 'both'].map(async (name) => {
        const { columns, rows } = await ask(readers[name]!, question)
        return { columns, rows }
      }),
    )
    assert.ok(json!.rows.length > 0, JSON.stringify(question))
    assert.deepEqual(typed, json)
    assert.deepEqual(both, json)
  }
  const sql = 'SELECT sum("data.ms"), count("data.user.name") FROM events'
  assert.deepEqual((await readers.both!.sql!(sql, 9)).rows, [[8, 10]])
})

test('an extract is a field and a kind', () => {
  assert.deepEqual(parseExtract('user.name:text'), { path: ['user', 'name'], kind: 'text' })
  assert.deepEqual(parseExtract('data.ms'), { path: ['ms'], kind: 'number' })
  for (const bad of ['type', 'ms:double', 'a..b', ':text', '']) {
    assert.throws(() => parseExtract(bad), { code: 'QUERY_INVALID' }, bad)
  }
  const twice = segments.options.parse({ extract: ['ms', 'data.ms:text'] })
  assert.throws(() => segments.create(twice), { code: 'OPTIONS_INVALID', message: /each field once/ })
})
