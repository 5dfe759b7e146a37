import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { mkdir, mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import type { StoreReader } from '../../lib/index.js'
import { bigStore } from './fixtures/big-store.js'
import segments from './segments.js'

const run = promisify(execFile)
const PROGRAM = fileURLToPath(new URL('../../cli/eventstorm.js', import.meta.url))

let outside: string
let folder: string
let store: StoreReader
let listing: string[]
const sql = (text: string, limit = 100, signal?: AbortSignal) => store.sql!(text, limit, signal)

before(async () => {
  outside = await mkdtemp(join(tmpdir(), 'eventstorm-sql-'))
  folder = join(outside, "the user's store")
  await bigStore(folder, 1000)
  writeFileSync(join(outside, 'secret.csv'), 'a\nsecret\n')
  store = await segments.reader!(`segments:${folder}`)
  listing = await readdir(outside, { recursive: true })
})

after(async () => {
  await store[Symbol.asyncDispose]()
  await rm(outside, { recursive: true })
})

test('a SELECT over the events, with values as JSON has them', async () => {
  const text = `SELECT type, count(*) AS n, min(time) AS first, sum(seq) AS total, avg((data->>'status')::INTEGER) AS status
    FROM events WHERE type < 'test.type2' GROUP BY type ORDER BY type`
  assert.deepEqual(await sql(text), {
    columns: ['type', 'n', 'first', 'total', 'status'],
    rows: [
      ['test.type0', 200, '2026-01-01T00:00:00Z', 99_500, 200],
      ['test.type1', 200, '2026-01-01T00:00:00.001Z', 99_700, 200],
    ],
  })
  assert.equal((await sql('FROM events', 7)).rows.length, 7)
  assert.deepEqual((await sql('WITH x AS (SELECT 1.5::DECIMAL(5,2) AS a) FROM x')).rows, [[1.5]])
  await assert.rejects(sql('SELECT * FROM nothing'), {
    code: 'QUERY_INVALID',
    message: /nothing does not exist/,
  })
})

test('nothing but a SELECT, and nothing outside of the store', async () => {
  const refused = [
    `COPY (SELECT 1) TO '${folder.replaceAll("'", "''")}/x.csv'`,
    `COPY (SELECT 1) TO '${outside}/x.csv'`,
    `ATTACH '${outside}/x.db'`,
    "ATTACH ':memory:' AS other",
    `EXPORT DATABASE '${outside}/x'`,
    "SELECT * FROM read_csv('/etc/passwd')",
    `SELECT * FROM read_text('${outside}/secret.csv')`,
    `SELECT * FROM read_text('${folder.replaceAll("'", "''")}/../secret.csv')`,
    `SELECT * FROM '${outside}/secret.csv'`,
    "SELECT * FROM glob('/etc/*')",
    "SELECT * FROM read_parquet('http://127.0.0.1:1/x')",
    `SELECT * FROM query('COPY (SELECT 1) TO ''${outside}/x''')`,
    "SELECT * FROM sniff_csv('/etc/passwd')",
    'SET threads = 64',
    'SET enable_external_access = true',
    "PRAGMA memory_limit = '1TB'",
    'INSTALL httpfs',
    'LOAD httpfs',
    'CREATE TABLE mine AS FROM events',
    'DROP VIEW events',
    'SELECT 1; DROP VIEW events',
    'CHECKPOINT',
    'SELECT ?',
    '-- nothing',
  ]
  for (const text of refused) await assert.rejects(sql(text), { code: 'QUERY_INVALID' }, text)
  assert.deepEqual((await readdir(outside, { recursive: true })).sort(), listing.sort())
})

test('what takes too long or too much is ended', async () => {
  const end = new AbortController()
  const asked = sql('SELECT sum(a.seq * b.seq % c.seq) FROM events a, events b, events c', 1, end.signal)
  setImmediate(() => end.abort(new Error('too late')))
  await assert.rejects(asked, /too late/)
  await assert.rejects(sql('SELECT list(a.data || b.data) FROM events a, events b, range(20)'), {
    message: /Out of Memory/i,
  })
  assert.deepEqual((await sql('SELECT count(*) FROM events')).rows, [[1000]])
})

test('the program takes SQL, for stores that have it, and instead of a question', async () => {
  const query = (...flags: string[]) =>
    run(process.execPath, [PROGRAM, 'query', '--store', `segments:${folder}`, ...flags])
  const { stdout, stderr } = await query('--sql', 'SELECT seq FROM events ORDER BY seq', '--limit', '2')
  assert.equal(stdout, '{"seq":0}\n{"seq":1}\n')
  assert.match(stderr, /ends at 2 rows/)
  await assert.rejects(query('--sql', 'SELECT 1', '--by', 'type'), { code: 2 })
  await assert.rejects(query('--timeout', '1', '--sql', 'SELECT count(*) FROM range(1000000000000)'), {
    code: 1,
    stderr: /TIMEOUT/,
  })
})

test('a store without files has an empty view', async () => {
  const empty = join(outside, 'empty')
  await mkdir(join(empty, 'events'), { recursive: true })
  await using reader = await segments.reader!(`segments:${empty}`)
  assert.deepEqual(await reader.sql!('SELECT time, data FROM events', 10), {
    columns: ['time', 'data'],
    rows: [],
  })
})
