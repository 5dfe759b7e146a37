import assert from 'node:assert/strict'
import { execFile, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, readdirSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs'
import { cp, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, join, relative } from 'node:path'
import { type TestContext, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import {
  attach,
  dataFromJson,
  EventBatch,
  EventSource,
  parseQuery,
  queryOptions,
  silent,
} from '../../lib/index.js'
import { ControlledClock, conformsAsSink, freeEndpoint, seeded, until } from '../../testing/index.js'
import { files, readBack } from './fixtures/read-back.js'
import { hourFolder, hourFolders, hourOf } from './layout.js'
import { SegmentReader } from './read.js'
import segments, { SegmentsSink } from './segments.js'

const run = promisify(execFile)
const ROOT = fileURLToPath(new URL('../../../', import.meta.url))

async function folderFor(t: TestContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'eventstorm-segments-'))
  t.after(() => rm(folder, { recursive: true, force: true }))
  return join(folder, "the user's store")
}

async function start(t: TestContext, path: string, own: object = {}, framework: object = {}) {
  const clock = new ControlledClock()
  const sink = await attach(segments.create(segments.options.parse({ path, ...own })), {
    bind: [freeEndpoint()],
    clock,
    ...framework,
  })
  const source = new EventSource({ source: 'shop', connect: [...sink.endpoints] })
  t.after(async () => {
    await source.close()
    await sink.close()
  })
  await source.subscribed('**', { timeout: 15_000 })
  return { sink, source, clock }
}

test('events come back as they went in, from a file of their hour of arrival', async (t) => {
  const path = await folderFor(t)
  const { sink, source, clock } = await start(t, path)
  const datas = [
    { text: 'ä\u0000"', half: 0.5, at: new Date(-5), list: [1, [null, true]], deep: { n: 2n ** 63n - 1n } },
    dataFromJson(
      '{"id":{"$oid":"0123456789abcdef01234567"},"price":{"$numberDecimal":"0.10"},"b":{"$binary":{"base64":"AQI=","subType":"00"}}}',
    ),
    null,
    'text',
  ]
  const time = new Date('2020-02-29T23:59:59.999Z')
  for (const data of datas) source.emit('order.placed', data, { time })
  source.emit('order.paid', 1, { time: new Date(-1), extensions: { traceparent: '00-1' } })
  await until('they are taken', () => sink.counters().written === 5)
  assert.deepEqual(files(path), [], 'they are in no file before it is time')
  assert.equal(sink.counters().pending, 5)
  const arrived = clock.now()
  await clock.advance(1000)
  // The worker tells its counts after the file is there.
  await until('they are in a file', () => files(path).length === 1 && sink.counters().pending === 0)
  const [{ path: file, rows, from, to }] = files(path) as [ReturnType<typeof files>[0]]
  assert.deepEqual([rows, from, to], [5, -1, time.getTime()])
  const hour = new Date(arrived).toISOString()
  assert.match(
    relative(path, file),
    new RegExp(`^events/${hour.slice(0, 10)}/${hour.slice(11, 13)}/seg-[\\w-]+-1\\.parquet$`),
  )
  const [paid, ...placed] = await readBack(path)
  assert.deepEqual(
    placed.map(({ data }) => dataFromJson(data)),
    datas,
  )
  for (const [seq, row] of placed.entries()) {
    const { data: _, epoch, ...rest } = row
    assert.deepEqual(rest, {
      time,
      recv: new Date(arrived),
      type: 'order.placed',
      source: 'shop',
      seq: BigInt(seq),
      extensions: null,
    })
    assert.ok(epoch > 1_500_000_000_000_000n)
  }
  assert.deepEqual([paid!.time, paid!.data, paid!.extensions], [new Date(-1), '1', '{"traceparent":"00-1"}'])
  const { segments: count, rows: stored, rolls, pending } = sink.counters()
  assert.deepEqual([count, stored, pending], [1, 5, 0])
  assert.deepEqual(rolls, { rows: 0, bytes: 0, time: 1, hour: 0, close: 0 })
})

test('a file is written at so many rows, at so many bytes, at the end of the hour, and at the close', async (t) => {
  const path = await folderFor(t)
  const { sink, source, clock } = await start(t, path, { rollRows: 100, rollBytes: '10kB', roll: '2h' })
  const rolls = () => sink.counters().rolls as Record<string, number>
  for (let i = 0; i < 250; i++) source.emit('order.placed', { i })
  await until('a file for the rows', () => sink.counters().written === 250 && rolls().rows! >= 1)
  source.emit('order.placed', { text: 'x'.repeat(10_000) })
  await until('a file for the bytes', () => rolls().bytes === 1)
  source.emit('order.placed', { early: true })
  await until('one waits', () => sink.counters().pending === 1)
  await clock.advance(3_600_000)
  source.emit('order.placed', { late: true })
  await until('a file for the hour, and one waits', () => rolls().hour === 1 && sink.counters().pending === 1)
  await sink.drain()
  assert.equal(rolls().close, 1)
  assert.equal(hourFolders(path).length, 2)
  const rows = await readBack(path, 'seq, epoch, type')
  assert.deepEqual(
    rows.map(({ seq }) => Number(seq)),
    Array.from({ length: 253 }, (_, i) => i),
  )
  assert.equal(sink.counters().rows, 253)
})

test('two writers share a folder, and the next life begins where the last one ended', async (t) => {
  const path = await folderFor(t)
  const [a, b] = [await start(t, path), await start(t, path)]
  for (let i = 0; i < 500; i++) for (const { source } of [a, b]) source.emit('order.placed', { i })
  for (const { sink } of [a, b]) await until('all are taken', () => sink.counters().written === 500)
  await a.sink.drain()
  await b.sink.drain()
  const c = await start(t, path)
  c.source.emit('order.placed', { i: 500 })
  await until('it is taken', () => c.sink.counters().written === 1)
  await c.sink.drain()
  const rows = await readBack(path)
  assert.equal(rows.length, 1001)
  assert.equal(new Set(rows.map(({ epoch, seq }) => `${epoch}/${seq}`)).size, 1001)
})

for (const after of [1, 10, 37])
  test(`kill -9 after ${after} files: every file that counts is whole, and at most one roll is missing`, async (t) => {
    const path = await folderFor(t)
    const rollRows = 500
    const script = `
    import segments from '${new URL('segments.js', import.meta.url)}'
    import { attach } from '${new URL('../../lib/index.js', import.meta.url)}'
    const options = segments.options.parse({ path: process.argv[1], rollRows: ${rollRows}, roll: '1h' })
    const inner = segments.create(options)
    let taken = 0
    const write = async (batch) => {
      const written = await inner.write(batch)
      taken += batch.size
      process.send({ taken })
      return written
    }
    const sink = await attach({ open: (c) => inner.open(c), close: () => inner.close(), write }, { bind: ['tcp://127.0.0.1:0'], batchEvents: 100 })
    process.send({ endpoint: sink.endpoints[0] })`
    const args = ['--input-type=module', '--eval', script, path]
    const child = spawn(process.execPath, args, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] })
    const exited = once(child, 'exit')
    t.after(() => child.kill('SIGKILL'))
    const [{ endpoint }] = await once(child, 'message')
    let taken = 0
    child.on('message', (message: { taken: number }) => {
      taken = message.taken
    })
    const source = new EventSource({ source: 'shop', connect: [endpoint], batchEvents: 100 })
    t.after(() => source.close())
    await source.subscribed('**', { timeout: 15_000 })
    let sent = 0
    await until(
      'it has written so many files',
      () => {
        // Never so far ahead that anything would be dropped, should the process stand still for a while.
        if (sent < taken + 10_000) for (let i = 0; i < 100; i++) source.emit('order.placed', { i: sent++ })
        return files(path).reduce((sum, { rows }) => sum + rows, 0) >= after * rollRows
      },
      60_000,
    )
    child.kill('SIGKILL')
    await exited
    const rows = await readBack(path)
    // A batch is some messages, and a message may be larger than what was left of the roll.
    assert.ok(
      rows.length <= sent && taken - rows.length < rollRows + 200,
      `${taken} taken, ${rows.length} there`,
    )
    assert.deepEqual(
      rows.map(({ data }) => JSON.parse(data).i),
      Array.from({ length: rows.length }, (_, i) => i),
    )
    const next = await start(t, path)
    next.source.emit('order.placed', { again: true })
    await until('it is taken', () => next.sink.counters().written === 1)
    await next.sink.drain()
    assert.equal((await readBack(path)).length, rows.length + 1)
  })

test('what a bad end has left is removed when it is old enough, and nothing else', async (t) => {
  const path = await folderFor(t)
  const first = await start(t, path)
  first.source.emit('order.placed', {})
  await until('it is taken', () => first.sink.counters().written === 1)
  await first.sink.drain()
  const clock = new ControlledClock()
  const folder = hourFolder(path, hourOf(clock.now()))
  const good = readdirSync(folder)
  const old = ['seg-a-1.parquet.tmp', 'seg-a-2.parquet', 'manifest-a.json.tmp']
  for (const name of [...old, 'seg-b-1.parquet', 'notes.txt']) writeFileSync(join(folder, name), 'PAR1')
  const at = (ago: number) => new Date(clock.now() - ago)
  for (const name of [...old, 'notes.txt', ...good]) utimesSync(join(folder, name), at(61_000), at(61_000))
  utimesSync(join(folder, 'seg-b-1.parquet'), at(59_000), at(59_000))
  const { sink } = await start(t, path)
  assert.equal(sink.counters().leftovers, 3)
  assert.deepEqual(readdirSync(folder), [...good, 'notes.txt', 'seg-b-1.parquet'].sort())
})

test('what another version has written is neither misread nor removed', async (t) => {
  const path = await folderFor(t)
  const first = await start(t, path)
  first.source.emit('order.placed', {})
  await until('it is taken', () => first.sink.counters().written === 1)
  await first.sink.drain()
  const folder = hourFolder(path, hourOf(new ControlledClock().now()))
  const manifest = join(folder, readdirSync(folder).find((name) => name.startsWith('manifest'))!)
  const segment = join(folder, readdirSync(folder).find((name) => name.startsWith('seg'))!)
  const long = new Date(new ControlledClock().now() - 3_600_000)
  utimesSync(segment, long, long)
  for (const [text, message] of [
    ['{"version":2,"parts":[]}', /has version 2, and this Eventstorm knows version 1/],
    ['{"version":1,"seg', /is no manifest; move it away/],
  ] as const) {
    writeFileSync(manifest, text)
    await using reader = await SegmentReader.open(path)
    await assert.rejects(reader.query(parseQuery(queryOptions.parse({}), 0)), {
      code: 'STORE_FAILED',
      message,
    })
    await assert.rejects(
      attach(segments.create(segments.options.parse({ path })), { bind: [freeEndpoint()] }),
      {
        message,
      },
    )
    assert.ok(existsSync(segment), 'the segment is still there')
  }
})

test('hours that are too old are removed, and no others', async (t) => {
  const path = await folderFor(t)
  const { sink, source, clock } = await start(t, path, { keep: '2h', roll: 10 })
  for (let hour = 0; hour < 5; hour++) {
    source.emit('order.placed', { hour })
    await until('it is taken', () => sink.counters().written === hour + 1)
    await clock.advance(3_600_000)
  }
  await sink.drain()
  const hours = (await readBack(path)).map(({ data }) => JSON.parse(data).hour)
  // The last one was removed though nothing arrived any more.
  assert.deepEqual(hours, [3, 4])
  assert.deepEqual(sink.counters().hoursRemoved, { age: 3, size: 0 })
})

test('a clock that goes back to an hour before hides nothing', async (t) => {
  const path = await folderFor(t)
  const clock = new ControlledClock()
  const noon = clock.now()
  const sink = new SegmentsSink(segments.options.parse({ path, rollRows: 1 }))
  await sink.open({ name: 'store', clock, log: silent })
  const body = Buffer.from('1b0000000974696d650000000000000000001064617461000100000000', 'hex')
  body.writeInt32LE(body.length)
  for (const [seq, hour] of [0, 1, 0].entries()) {
    clock.now = () => noon + hour * 3_600_000
    await sink.write(new EventBatch([{ type: 'a.b', source: 's', epoch: 1, seq, count: 1, body, offset: 0 }]))
  }
  await sink.close()
  assert.deepEqual(
    (await readBack(path)).map(({ seq }) => seq),
    [0n, 1n, 2n],
  )
})

test('an event that is none is counted, and the others of its batch are stored', async (t) => {
  const path = await folderFor(t)
  const sink = new SegmentsSink(segments.options.parse({ path }))
  await sink.open({ name: 'store', clock: new ControlledClock(), log: silent })
  // { time: Date(0), data: 1 } as BSON, and the same with another name for its time.
  const good = Buffer.from('1b0000000974696d650000000000000000001064617461000100000000', 'hex')
  good.writeInt32LE(good.length)
  const bad = Buffer.from(good)
  bad.write('tome', 5)
  const body = Buffer.concat([good, bad, good])
  const batch = new EventBatch([{ type: 'a.b', source: 's', epoch: 1, seq: 0, count: 3, body, offset: 0 }])
  assert.deepEqual(await sink.write(batch), { rejected: 1 })
  assert.deepEqual(await sink.write(batch), { rejected: 1 }, 'the same batch again is taken once')
  await sink.close()
  assert.deepEqual(
    (await readBack(path)).map(({ seq, data }) => [seq, data]),
    [
      [0n, '1'],
      [2n, '1'],
    ],
  )
})

test('a full disk: all that was taken is kept, drops are counted, and it goes on by itself', async (t) => {
  const path = await mkdtemp(join(tmpdir(), 'eventstorm-small-'))
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', path], { stdio: 'pipe' })
  } catch (error) {
    await rm(path, { recursive: true })
    if (process.env.CI) throw error
    return t.skip('NOT RUN: mounting a small file system needs root')
  }
  // The usual number of retries: while the disk is full they are not counted.
  const framework = { queueEvents: 3000, batchEvents: 100, retryWait: 100, writeTimeout: '1d' }
  const { sink, source, clock } = await start(t, path, { rollRows: 1000 }, framework)
  t.after(async () => {
    execFileSync('umount', ['-l', path])
    await rm(path, { recursive: true })
  })
  const balanced = () => {
    const { received, written, alreadyStored, dropped, queued } = sink.counters()
    const lost = Object.values(dropped).reduce((a, b) => a + b)
    assert.equal(received, written + alreadyStored + lost + queued)
    return lost
  }
  const filler = join(path, 'filler')
  writeFileSync(filler, Buffer.alloc(960 * 1024))
  const random = seeded(1)
  let sent = 0
  const emit = async () => {
    for (let i = 0; i < 100; i++) source.emit('order.placed', { i: sent++, noise: random() })
    await until('they are received', () => sink.counters().received === sent)
    balanced()
  }
  await until('no file can be written any more', async () => {
    await emit()
    await clock.advance(10)
    return sink.state === 'down'
  })
  const stored = sink.counters().rows as number
  await until('the queue is full', async () => {
    await emit()
    await clock.advance(1000)
    return sink.counters().dropped.overflow > 0
  })
  // Long enough for many more attempts than `retries` are.
  for (let i = 0; i < 100; i++) await clock.advance(10_000)
  assert.equal((await readBack(path)).length, stored)
  await rm(filler)
  await until('what was not dropped is taken', async () => {
    await clock.advance(1000)
    return sink.counters().queued === 0
  })
  await sink.drain()
  const { received, written, dropped, lostRows } = sink.counters()
  assert.equal(received, sent)
  assert.deepEqual([dropped, lostRows], [{ ...dropped, overflow: balanced(), failed: 0, shutdown: 0 }, 0])
  assert.equal((await readBack(path)).length, written)
  t.diagnostic(
    `${stored} of ${sent} events were in files when the disk was full; ${dropped.overflow} were dropped, the others are there`,
  )
})

test('without DuckDB it says what to install', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'eventstorm-bare-'))
  t.after(() => rm(folder, { recursive: true, force: true }))
  for (const room of ['lib', 'sinks/segments']) {
    await cp(join(ROOT, 'dist', room), join(folder, room), { recursive: true })
  }
  writeFileSync(join(folder, 'package.json'), '{ "type": "module" }')
  mkdirSync(join(folder, 'node_modules'))
  for (const name of ['zeromq', 'bson', 'zod']) {
    symlinkSync(join(ROOT, 'node_modules', name), join(folder, 'node_modules', name))
  }
  const script = `
    import { attach } from './lib/index.js'
    import segments from './sinks/segments/segments.js'
    const sink = segments.create(segments.options.parse({ path: 'store' }))
    await attach(sink, { bind: ['tcp://127.0.0.1:0'] }).catch((error) => console.log(error.code, error.message))`
  const { stdout } = await run(process.execPath, ['--input-type=module', '--eval', script], {
    cwd: folder,
    timeout: 60_000,
  })
  assert.match(stdout, /^SINK_FAILED .*npm install @duckdb\/node-api\n$/)
  assert.equal(existsSync(join(folder, 'store')), false)
})

test('the worker loads no sockets', async () => {
  const script = `
    import { createRequire } from 'node:module'
    await import('${new URL('writer.js', import.meta.url)}')
    const worker = Object.keys(createRequire('${import.meta.url}').cache).filter((path) => path.includes('zeromq'))
    await import('${new URL('segments.js', import.meta.url)}')
    const sink = Object.keys(createRequire('${import.meta.url}').cache).filter((path) => path.includes('zeromq'))
    console.log(worker.length, sink.length > 0)`
  const { stdout } = await run(process.execPath, ['--input-type=module', '--eval', script])
  assert.equal(stdout, '0 true\n')
})

test('the component is named segments, and its options are checked', () => {
  assert.equal(segments.name, basename(import.meta.filename, '.test.js'))
  assert.equal(segments.options.parse({}).path, './eventstorm-data')
  assert.throws(() => segments.options.parse({ roll: 0 }))
})

const checks = conformsAsSink({
  definition: segments,
  async begin() {
    const path = await mkdtemp(join(tmpdir(), 'eventstorm-segments-'))
    return { path, options: { path }, end: () => rm(path, { recursive: true, force: true }) }
  },
  stored: async ({ path }) =>
    (await readBack(path)).map((row) => ({ ...row, seq: Number(row.seq), data: JSON.parse(row.data) })),
  refused: [{ roll: 0 }, { extract: ['a', 'a'] }],
})
for (const { name, run } of checks) test(name, run)
