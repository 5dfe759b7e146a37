import assert from 'node:assert/strict'
import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { get } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { attach, EventSource, parseQuery, queryOptions } from '../../lib/index.js'
import { ControlledClock, freeEndpoint, until } from '../../testing/index.js'
import { SegmentReader } from './read.js'
import segments from './segments.js'

const run = promisify(execFile)
const PROGRAM = fileURLToPath(new URL('../../cli/eventstorm.js', import.meta.url))
const NOON = Date.UTC(2026, 0, 31, 12)

let path: string
let reader: SegmentReader
let removeAll: () => Promise<void>

/** 120 hits, one a second from noon on, and a few others, in several files. */
before(async () => {
  const folder = await mkdtemp(join(tmpdir(), 'eventstorm-read-'))
  path = join(folder, "the user's store")
  const sink = await attach(segments.create(segments.options.parse({ path, rollRows: 50 })), {
    bind: [freeEndpoint()],
    clock: new ControlledClock(),
    batchEvents: 20,
  })
  const source = new EventSource({ source: 'web-1', connect: [...sink.endpoints], batchEvents: 20 })
  await source.subscribed('**', { timeout: 15_000 })
  for (let i = 0; i < 120; i++) {
    const data = {
      ms: i + 1,
      status: i % 10 === 0 ? 500 : 200,
      user: { name: i % 2 ? 'ann' : "o'bob" },
      'a/b': i,
    }
    source.emit('http.hit', data, { time: new Date(NOON + i * 1000) })
  }
  source.emit('http.error.tls', { ms: 'slow' }, { time: new Date(NOON) })
  source.emit('http', null, { time: new Date(NOON + 3_600_000) })
  source.emit('cpu.usage', { percent: 0.5 }, { time: new Date(-1) })
  await until('all are taken', () => sink.counters().written === 123)
  reader = await SegmentReader.open(path)
  removeAll = async () => {
    await reader[Symbol.asyncDispose]()
    await source.close()
    await sink.close()
    await rm(folder, { recursive: true, force: true })
  }
  // What is in files already can be asked for while the sink is at work.
  const [[early]] = (await ask({})).rows as [[number]]
  assert.ok(early > 0 && early < 123, `${early} events in files`)
  await sink.drain()
})

after(() => removeAll())

const ask = (question: object) => reader.query(parseQuery(queryOptions.parse(question), NOON + 120_000))

test('counts, of everything, by type and by pattern', async () => {
  assert.deepEqual(await ask({}), { columns: ['count'], rows: [[123]] })
  assert.deepEqual((await ask({ by: 'type' })).rows, [
    ['cpu.usage', 1],
    ['http', 1],
    ['http.error.tls', 1],
    ['http.hit', 120],
  ])
  const counts = async (type: string | string[]) => (await ask({ type })).rows[0]?.[0] ?? 0
  assert.deepEqual(
    [
      await counts('http.**'),
      await counts('http.*'),
      await counts('http'),
      await counts(['cpu.*', 'http.hit']),
    ],
    [122, 120, 1, 121],
  )
  assert.deepEqual((await ask({ type: 'no.*' })).rows, [])
})

test('a row for each minute and value, with measures', async () => {
  const question = {
    type: 'http.hit',
    every: '1m',
    by: ['user.name'],
    measure: [
      'count',
      'rate',
      'sum(ms)',
      'avg(data.ms)',
      'min(ms)',
      'max(ms)',
      'p50(ms)',
      'distinct(status)',
    ],
  }
  assert.deepEqual(await ask(question), {
    columns: ['time', 'user.name', ...question.measure],
    rows: [
      ['2026-01-31T12:00:00.000Z', 'ann', 30, 0.5, 930, 31, 2, 60, 31, 1],
      ['2026-01-31T12:00:00.000Z', "o'bob", 30, 0.5, 900, 30, 1, 59, 30, 2],
      ['2026-01-31T12:01:00.000Z', 'ann', 30, 0.5, 2730, 91, 62, 120, 91, 1],
      ['2026-01-31T12:01:00.000Z', "o'bob", 30, 0.5, 2700, 90, 61, 119, 90, 2],
    ],
  })
})

test('time is from and to, and conditions all hold', async () => {
  const count = async (question: object) => (await ask(question)).rows[0]![0]
  assert.equal(
    await count({ type: 'http.hit', from: '2026-01-31T12:00:10Z', to: '2026-01-31T12:00:20Z' }),
    10,
  )
  assert.equal(await count({ type: 'http.hit', from: '1m' }), 60)
  assert.equal(await count({ where: ['status>=500', "user.name=o'bob"] }), 12)
  assert.equal(await count({ where: ['status != 500'] }), 108)
  assert.equal(await count({ where: ['a/b<5', 'type=http.hit'] }), 5)
  assert.equal(await count({ where: "user.name=' OR 1=1 --" }), 0)
  assert.equal(await count({ where: "x') IS NULL OR (1=1" }), 0)
  assert.equal(await count({ where: 'ms=slow' }), 1)
  assert.deepEqual((await ask({ every: '1d', measure: 'count', to: '2000-01-01T00:00:00Z' })).rows, [
    ['1969-12-31T00:00:00.000Z', 1],
  ])
  assert.deepEqual((await ask({ type: 'http.hit', from: '2m', measure: 'rate' })).rows, [[1]])
})

test('the latest events themselves, newest first', async () => {
  assert.deepEqual(await ask({ type: 'http.hit', latest: 2, where: 'status=200' }), {
    columns: ['time', 'type', 'source', 'seq', 'data'],
    rows: [119, 118].map((i) => [
      new Date(NOON + i * 1000).toISOString(),
      'http.hit',
      'web-1',
      i,
      { ms: i + 1, status: 200, user: { name: i % 2 ? 'ann' : "o'bob" }, 'a/b': i },
    ]),
  })
  assert.equal((await ask({ latest: 100, limit: 3 })).rows.length, 3)
})

test('the program asks, as a table, as NDJSON and as CSV', async () => {
  const query = (...flags: string[]) =>
    run(process.execPath, [PROGRAM, 'query', '--store', `segments:${path}`, ...flags]).then(
      ({ stdout }) => stdout,
    )
  const question = ['--type', 'http.**', '--by', 'type', '--measure', 'count', '--measure', 'max(ms)']
  assert.equal(
    await query(...question, '--output', 'table'),
    'type            count  max(ms)\nhttp                1        -\nhttp.error.tls      1        -\nhttp.hit          120      120\n',
  )
  assert.equal(
    await query('--type', 'http', '--latest', '1'),
    '{"time":"2026-01-31T13:00:00.000Z","type":"http","source":"web-1","seq":0,"data":null}\n',
  )
  assert.equal(
    await query('--where', 'ms<=2', '--by', 'user', '--output', 'csv'),
    'user,count\n"{""name"":""ann""}",1\n"{""name"":""o\'bob""}",1\n',
  )
  const fails = (code: number, text: RegExp) => (error: Error & { code?: unknown; stderr?: string }) => {
    assert.equal(error.code, code)
    assert.match(error.stderr!, text)
    return true
  }
  await assert.rejects(
    query('--measure', 'median(ms)'),
    fails(2, /QUERY_INVALID: measure: .* got "median\(ms\)"/),
  )
  await assert.rejects(query('--store', 'stdout:'), fails(2, /QUERY_INVALID: the sink "stdout" is no store/))
  await assert.rejects(query('--store', 'segments:/nowhere/at/all'), fails(1, /STORE_FAILED/))
})

test('the program answers over HTTP, to this machine alone', async (t) => {
  const program = spawn(process.execPath, [PROGRAM, 'query', '--store', `segments:${path}`, '--listen', '0'])
  const exited = once(program, 'exit')
  t.after(() => program.kill('SIGKILL'))
  let said = ''
  program.stderr.on('data', (text) => {
    said += text
  })
  await until('it listens', () => /answers at \S+/.test(said))
  const [, url] = /answers at (\S+)/.exec(said) as unknown as [string, string]
  const answer = await (await fetch(`${url}?by=type&limit=2`)).json()
  assert.deepEqual(answer, {
    columns: ['type', 'count'],
    rows: [
      ['cpu.usage', 1],
      ['http', 1],
    ],
    truncated: true,
  })
  const { hostname, port } = new URL(url)
  const rebound = get({ hostname, port, path: '/api/query', headers: { host: 'evil.example' } })
  const [{ statusCode }] = await once(rebound, 'response')
  assert.equal(statusCode, 403)
  program.kill('SIGTERM')
  assert.deepEqual(await exited, [0, null])
})

test('a folder that no sink writes to is told, rather than answered for', async () => {
  const above = join(path, '..')
  await assert.rejects(SegmentReader.open(above), {
    code: 'STORE_FAILED',
    message: /it has no folder "events"/,
  })
  await assert.rejects(SegmentReader.open(join(path, 'none')), { message: /there is no such folder/ })
})
