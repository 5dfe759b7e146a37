import assert from 'node:assert/strict'
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { DuckDBInstance } from '@duckdb/node-api'
import { ask, attach, EventSource, silent } from '../../lib/index.js'
import { ControlledClock, freeEndpoint, seeded, until } from '../../testing/index.js'
import { files, readBack } from './fixtures/read-back.js'
import { hourFolders } from './layout.js'
import segments, { SegmentsSink } from './segments.js'

const HOUR = 3_600_000
const READER = fileURLToPath(new URL('fixtures/counting-reader.js', import.meta.url))
/** Milliseconds that the readers go on; 0 for as long as it takes to see enough. */
const SOAK = Number(process.env.EVENTSTORM_SOAK ?? 0)

async function start(t: TestContext, own: object) {
  const path = await mkdtemp(join(tmpdir(), 'eventstorm-compaction-'))
  const clock = new ControlledClock()
  const sink = await attach(segments.create(segments.options.parse({ path, ...own })), {
    bind: [freeEndpoint()],
    clock,
    batchEvents: 10,
  })
  const source = new EventSource({ source: 'shop', connect: [...sink.endpoints], batchEvents: 10 })
  t.after(async () => {
    await source.close()
    await sink.close()
    await rm(path, { recursive: true, force: true })
  })
  await source.subscribed('**', { timeout: 15_000 })
  return { path, clock, sink, source }
}

test('an hour that is over becomes one file, sorted by type and time', async (t) => {
  const { path, clock, sink, source } = await start(t, { rollRows: 10, extract: 'i' })
  const random = seeded(7)
  const types = ['order.placed', 'order.paid', 'cart.filled']
  let sent = 0
  const emit = (count: number) => {
    for (let i = 0; i < count; i++) {
      const time = new Date(clock.now() - Math.floor(random() * HOUR))
      source.emit(types[Math.floor(random() * 3)]!, { i: sent++ }, { time })
    }
  }
  emit(500)
  await until('they are taken', () => sink.counters().written === 500)
  await clock.advance(1000)
  await until('they are in files', () => sink.counters().rows === 500)
  const before = files(path).length
  assert.ok(before > 1, `${before} files`)
  // Nothing arrives any more; time alone does it.
  await until(
    'the hour is merged',
    async () => {
      await clock.advance(60_000)
      return sink.counters().hoursMerged === 1
    },
    60_000,
  )
  assert.deepEqual(
    files(path).map(({ rows, extracts }) => [rows, extracts]),
    [[500, ['i:number']]],
  )
  const instance = await DuckDBInstance.create(':memory:')
  const connection = await instance.connect()
  const result = await connection.runAndReadAll(
    `SELECT type, epoch_ms(time)::DOUBLE FROM read_parquet('${files(path)[0]!.path}')`,
  )
  const rows = result.getRows() as [string, number][]
  connection.closeSync()
  instance.closeSync()
  const sorted = rows.toSorted(([a, x], [b, y]) => (a < b ? -1 : a > b ? 1 : x - y))
  assert.deepEqual(rows, sorted)
  // The next hour is another one, and its end closes it as well.
  emit(50)
  await until('they are taken', () => sink.counters().written === sent)
  await clock.advance(HOUR)
  emit(1)
  // The clock stands still, or one more hour would end meanwhile.
  await until(
    'the next hour is merged',
    () => sink.counters().written === sent && sink.counters().hoursMerged === 2,
    60_000,
  )
  await sink.drain()
  assert.deepEqual(
    files(path).map(({ rows }) => rows),
    [500, 50, 1],
  )
  assert.equal(new Set((await readBack(path)).map(({ data }) => JSON.parse(data).i)).size, sent)
  assert.equal(sink.counters().mergesFailed, 0)
})

test('many small files become few, while somebody reads: no event is missing or there twice', async (t) => {
  const { path, sink, source, clock } = await start(t, { rollRows: 10 })
  const reader = await segments.reader!(`segments:${path}`)
  t.after(() => reader[Symbol.asyncDispose]())
  let sent = 0
  let looks = 0
  await until(
    'there were many merges',
    async () => {
      for (let i = 0; i < 10; i++) source.emit('order.placed', { i: sent++ })
      await clock.advance(2000)
      const [[count, distinct] = [0, 0]] = (await ask(reader, { measure: ['count', 'distinct(i)'] }))
        .rows as [number, number][]
      looks++
      assert.equal(count, distinct)
      // Some of them may be done in one go; on a busy machine they lag behind for a while.
      return Number(sink.counters().merges) >= 18 && files(path).length < 40
    },
    120_000,
  )
  await until('all are taken', () => sink.counters().written === sent)
  await sink.drain()
  assert.equal((await readBack(path)).length, sent)
  assert.ok(looks > 18 && files(path).length < 50, `${files(path).length} files`)
  assert.ok(files(path).some(({ level }) => level === 2))
  const folder = hourFolders(path)[0]!
  const unnamed = readdirSync(folder).length - 1 - files(path).length
  const { merges } = sink.counters()
  assert.ok(unnamed > 0 && unnamed < 17 * Number(merges), `${unnamed} parts wait for their readers`)
  await sink.close()
  // A part that became one of another file after the last look still has the time of the system.
  const later = new ControlledClock(Math.max(clock.now(), Date.now()) + HOUR)
  const again = new SegmentsSink(segments.options.parse({ path }))
  await again.open({ name: 'store', clock: later, log: silent })
  await again.close()
  assert.equal(readdirSync(folder).length - 1, files(path).length)
  assert.equal((await readBack(path)).length, sent)
})

test('processes that read while files are merged and hours end see no error and nothing twice', async (t) => {
  const { path, clock, sink, source } = await start(t, { rollRows: 10 })
  let sent = 0
  const emit = async () => {
    for (let i = 0; i < 10; i++) source.emit('order.placed', { i: sent++ })
    await until('it is taken', () => sink.counters().written === sent)
    await clock.advance(1000)
  }
  await emit()
  const answers = [0, 0]
  let least = [0, 0]
  const wrong: unknown[] = []
  const readers = answers.map((_, n) => {
    const child = fork(READER, [path], { execArgv: [] })
    t.after(() => child.kill('SIGKILL'))
    child.on('message', (answer: { count?: number; distinct?: number; error?: string }) => {
      answers[n]!++
      const { count = 0, distinct = 0, error } = answer
      // No error, nothing twice, nothing that was there before is missing, nothing that was not sent.
      if (error || count !== distinct || count < least[n]! || count > sent) wrong.push(answer)
      least[n] = count
    })
    return child
  })
  const begun = performance.now()
  let turns = 0
  let hours = 0
  let mergedAt: number | undefined
  while (
    performance.now() < begun + SOAK ||
    (sink.counters().merges as number) < 10 ||
    Math.min(...answers) < 50
  ) {
    assert.ok(turns++ < 100_000, 'the readers answer')
    await emit()
    // An hour ends every now and then; its files become one, and the parts go a minute later. Readers live in real time:
    // the clock may only go on by an hour when what was merged has been there for a while.
    if (sink.counters().hoursMerged === hours) mergedAt ??= turns
    if (mergedAt === undefined || turns < mergedAt + 40) continue
    await clock.advance(HOUR)
    hours++
    mergedAt = undefined
  }
  least = [0, 0]
  for (const child of readers) child.send('end')
  await Promise.all(readers.map((child) => once(child, 'exit')))
  await sink.drain()
  assert.deepEqual(wrong, [])
  const { merges, hoursMerged, mergesFailed } = sink.counters()
  assert.equal(mergesFailed, 0)
  assert.equal((await readBack(path)).length, sent)
  t.diagnostic(
    `${answers.join(' and ')} answers of two processes during ${merges} merges, ${hoursMerged} of them of hours, ${sent} events`,
  )
})
