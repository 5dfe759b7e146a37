import assert from 'node:assert/strict'
import { execFile, spawn } from 'node:child_process'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { BSON, MongoClient } from 'mongodb'
import {
  attach,
  dataToJson,
  EventBatch,
  EventSource,
  type Message,
  parseOptions,
  silent,
} from '../../lib/index.js'
import { ferretdb, freePort, mongoJavaServer, type RunningServer } from '../../servers/index.js'
import { ControlledClock, conformsAsSink, TcpProxy, until } from '../../testing/index.js'
import { readBack, start } from './fixtures/harness.js'
import mongodb, { MongoSink } from './mongodb.js'

const run = promisify(execFile)
const PROGRAM = fileURLToPath(new URL('../../cli/eventstorm.js', import.meta.url))
const MIB = 1024 * 1024

/** What differs between the servers. */
const SERVERS = [
  { kind: ferretdb, expires: false, refuses: ['$key', 'a.b', 'nested', 'infinite', 'NaN', 'huge'] },
  { kind: mongoJavaServer, expires: true, refuses: ['huge'] },
]

for (const { kind, expires, refuses } of SERVERS) {
  const skip = kind.skip()
  let server: RunningServer
  before(async () => {
    if (!skip) server = await kind.start()
  })
  after(() => server?.[Symbol.asyncDispose]())

  let databases = 0
  const checks = conformsAsSink({
    definition: mongodb,
    async begin() {
      const way = await TcpProxy.to(server.url)
      const path = `conformance${++databases}?serverSelectionTimeoutMS=5000`
      const url = `mongodb://127.0.0.1:${way.port}/${path}`
      return { way, options: { url }, behind: `${server.url}/${path}`, end: () => way.close() }
    },
    stored: async ({ behind }) =>
      (await readBack(behind)).map((row) => ({
        ...row,
        seq: Number(row.seq),
        data: JSON.parse(dataToJson(row.data)),
      })),
    idempotent: true,
    away: ({ way }) => way.cut({ refuse: true }),
    back: ({ way }) => way.mend(),
    refused: [{ url: 'http://x' }, { url: 'mongodb://x/y', urlFile: 'z' }, { collection: 'system.x' }],
  })
  for (const { name, run } of checks) test(`${kind.name}: ${name}`, { skip }, run)

  test(`${kind.name}: events come back with their types`, { skip }, async (t) => {
    const url = `${server.url}/types`
    const { source, sink } = await start(t, { url })
    const { ObjectId, Decimal128, Binary, Long } = BSON
    const data = {
      id: new ObjectId('0123456789abcdef01234567'),
      price: Decimal128.fromString('12.50'),
      bytes: new Binary(Buffer.from([0, 1, 255])),
      big: Long.fromString('9007199254740993'),
      at: new Date(-5),
      half: 0.5,
      whole: 7,
      yes: true,
      none: null,
      text: 'ä\u{1f600}',
      list: [1, 'two', { three: 3 }],
    }
    const time = new Date('2020-02-29T23:59:59.999Z')
    const types = kind === ferretdb ? Object.keys(data).filter((key) => key !== 'price') : Object.keys(data)
    const sent = Object.fromEntries(types.map((key) => [key, data[key as keyof typeof data]]))
    source.emit('order.placed', sent, { time })
    source.emit('order.placed', null, { time })
    source.emit('order.placed', 'text', { time, extensions: { traceparent: '00-1' } })
    await until('they are written', () => sink.counters().written === 3)
    const [first, second, third] = await readBack(url)
    assert.equal(dataToJson(first!.data), dataToJson(sent))
    const { big, whole } = first!.data as typeof data
    assert.deepEqual([big, Number(whole)], [data.big, 7])
    assert.deepEqual(
      [first!.time, first!.type, first!.source, Number(first!.seq)],
      [time, 'order.placed', 'shop 1', 0],
    )
    assert.match(first!._id, /^shop 1 order\.placed [0-9a-z]{10} 0$/)
    assert.equal(second!.data, null)
    assert.equal(first!.extensions, undefined)
    assert.deepEqual([third!.data, third!.extensions], ['text', { traceparent: '00-1' }])
  })

  test(`${kind.name}: sinks that start at once share a new collection with its indexes`, {
    skip,
  }, async (t) => {
    const url = `${server.url}/together`
    const sinks = await Promise.all([1, 2, 3, 4].map(() => start(t, { url, collection: 'log', keep: '2h' })))
    for (const [i, { source }] of sinks.entries()) source.emit(`test.from${i}`, { i })
    await until('all have written', () => sinks.every(({ sink }) => sink.counters().written === 1))
    assert.equal((await readBack(url, {}, 'log')).length, 4)
    const client = await new MongoClient(url).connect()
    t.after(() => client.close())
    const log = client.db().collection('log')
    const indexes = async () =>
      Object.fromEntries(
        (await log.indexes()).map(({ key, expireAfterSeconds }) => [
          Object.keys(key).join(),
          expireAfterSeconds,
        ]),
      )
    const expireAfterSeconds = expires ? 7200 : undefined
    assert.deepEqual(await indexes(), { _id: undefined, 'type,time': undefined, time: expireAfterSeconds })
    assert.equal(
      sinks.filter(({ lines }) => lines.some((line) => /the sink does/.test(line))).length,
      expires ? 0 : 4,
    )
  })

  test(`${kind.name}: nothing is made by a sink that may not`, { skip }, async (t) => {
    const url = `${server.url}/own`
    const { source, sink, lines } = await start(t, { url, create: false, keep: '1h' })
    const client = await new MongoClient(url).connect()
    t.after(() => client.close())
    assert.deepEqual(await client.db().listCollections().toArray(), [])
    source.emit('order.placed', 1)
    await until('it is written', () => sink.counters().written === 1)
    assert.deepEqual(
      (await client.db().collection('events').indexes()).map(({ key }) => key),
      [{ _id: 1 }],
    )
    assert.match(lines.join('\n'), /keep has no effect without create/)
  })

  test(`${kind.name}: what is written twice is there once`, { skip }, async (t) => {
    const url = `${server.url}/twice`
    const sinks = await Promise.all([start(t, { url }), start(t, { url })])
    // One source, two sinks: the second to store an event finds it there.
    const source = new EventSource({
      source: 'both',
      connect: sinks.flatMap(({ sink }) => [...sink.endpoints]),
    })
    t.after(() => source.close())
    for (const _ of sinks) await source.subscribed('order.placed', { timeout: 15_000 })
    await until('both are connected', () => {
      source.emit('order.started', 'hello')
      return sinks.every(({ sink }) => sink.counters().received > 0)
    })
    for (let i = 0; i < 2500; i++) source.emit('order.placed', { i })
    const sum = (name: 'written' | 'alreadyStored') =>
      sinks.reduce((total, { sink }) => total + sink.counters()[name], 0)
    await until(
      'all are dealt with',
      () =>
        sinks.every(({ sink }) => {
          const placed = [...sink.streams()].find(({ type }) => type === 'order.placed')
          return placed?.received === 2500 && sink.counters().queued === 0
        }),
      60_000,
    )
    const found = await readBack(url)
    assert.equal(found.length, sum('written'))
    assert.ok(sum('alreadyStored') >= 2500, `${sum('alreadyStored')}`)
    for (const { counters } of sinks) assert.equal(counters().balance, 0)
  })

  test(`${kind.name}: one event that cannot be stored harms no other`, { skip }, async (t) => {
    const url = `${server.url}/poison`
    const large = { maxEventBytes: 16 * MIB, maxMessageBytes: 24 * MIB }
    const { sink, counters } = await start(
      t,
      { url },
      { maxMessageBytes: large.maxMessageBytes, batchWait: '50ms' },
    )
    const source = new EventSource({
      source: 'big',
      connect: [...sink.endpoints],
      maxEventBytes: large.maxEventBytes,
    })
    t.after(() => source.close())
    await source.subscribed('**', { timeout: 15_000 })
    const poison: Record<string, unknown> = {
      $key: { $x: 1 },
      'a.b': { 'a.b': 1 },
      nested: { list: [[1]] },
      infinite: { n: Infinity },
      NaN: { n: Number.NaN },
      huge: { text: 'x'.repeat(16 * MIB - 70) },
    }
    const names = Object.keys(poison)
    for (let i = 0; i < 1500; i++) {
      const bad = i % 250 === 100 ? names[(i - 100) / 250] : undefined
      source.emit('order.placed', bad === undefined ? { i } : poison[bad])
    }
    const rejected = names.filter((name) => refuses.includes(name)).length
    await until(
      'all are dealt with',
      () => sink.counters().received === 1500 && counters().queued === 0,
      60_000,
    )
    assert.equal(counters().balance, 0)
    assert.equal(sink.counters().dropped.rejected, rejected)
    assert.equal(counters().lost, rejected)
    const found = await readBack(url, {})
    assert.equal(found.length, 1500 - rejected)
    assert.equal(sink.counters().written + sink.counters().alreadyStored, found.length)
    t.diagnostic(`${rejected} of 1500 rejected, ${sink.counters().reconnected} reconnects`)
  })
}

test('what is no valid BSON is counted, and harms no other', { skip: mongoJavaServer.skip() }, async () => {
  await using server = await mongoJavaServer.start()
  const url = `${server.url}/garbled`
  const sink = new MongoSink(mongodb.options.parse({ url }))
  await sink.open({ name: 'test', clock: new ControlledClock(), log: silent })
  const event = Buffer.from(BSON.serialize({ time: new Date(0), data: 1 }))
  const garbled = Buffer.from(event).fill(0xff, 4, event.length - 1)
  const body = Buffer.concat([event, garbled, event])
  const message = { type: 'test.odd', source: 'odd', epoch: 1, seq: 0, count: 3, body, offset: 0 }
  const batch = new EventBatch([message as unknown as Message])
  assert.deepEqual(await sink.write(batch), { alreadyStored: 0, rejected: 1 })
  await sink.close()
  assert.deepEqual(
    (await readBack(url)).map(({ seq }) => Number(seq)),
    [0, 2],
  )
})

test('old events are removed by the sink where the server cannot', { skip: ferretdb.skip() }, async (t) => {
  await using server = await ferretdb.start()
  const url = `${server.url}/old`
  const clock = new ControlledClock(Date.UTC(2026, 0, 31, 12))
  const { source, sink } = await start(t, { url, keep: '1h' }, { clock })
  for (let i = 0; i < 10; i++) source.emit('test.old', { i }, { time: new Date(clock.now() - i * 600_000) })
  await until('they are written', () => sink.counters().written === 10)
  await clock.advance(60_000)
  await until('old ones are gone', () => sink.counters().expired === 4)
  assert.equal((await readBack(url)).length, 6)
})

test('options that make no sense are refused before anything is opened', () => {
  const create = (own: object) => mongodb.create(parseOptions(mongodb.options, own, 'mongodb'))
  for (const own of [
    { url: 'http://127.0.0.1/x' },
    { url: 'mongodb://user:s3cret@' },
    { url: 'mongodb://user:s3cret/x@host/db' },
    { url: 'mongodb://user:s3cret?x@host/db' },
    { url: 'mongodb://a', urlFile: 'b' },
    { collection: 'system.users' },
    { collection: 'a$b' },
    { keep: 10 },
  ]) {
    assert.throws(
      () => create(own),
      (error: Error & { code?: string }) => {
        assert.equal(error.code, 'OPTIONS_INVALID', JSON.stringify(own))
        assert.doesNotMatch(error.message, /s3cret/)
        return true
      },
    )
  }
})

test('a sink whose server says w=0 stops, since it could count nothing', {
  skip: mongoJavaServer.skip(),
}, async () => {
  await using server = await mongoJavaServer.start()
  const sink = mongodb.create(mongodb.options.parse({ url: `${server.url}/?w=0` }))
  await assert.rejects(attach(sink, { bind: ['tcp://127.0.0.1:0'] }), {
    code: 'SINK_FAILED',
    message: /w=1 or more/,
  })
})

test('the program stores and asks; user and password are shown nowhere', {
  skip: mongoJavaServer.skip(),
}, async (t) => {
  await using server = await mongoJavaServer.start()
  const folder = await mkdtemp(join(tmpdir(), 'eventstorm-mongodb-'))
  t.after(() => rm(folder, { recursive: true, force: true }))
  const file = join(folder, 'url')
  const bind = `tcp://127.0.0.1:${await freePort()}`
  await writeFile(
    file,
    `mongodb://somebody:s3cret-word@127.0.0.1:${server.place.port}/shop?authSource=admin&serverSelectionTimeoutMS=500\n`,
  )
  const program = spawn(process.execPath, [PROGRAM, 'sink', 'mongodb', '--url-file', file, '--bind', bind])
  t.after(() => program.kill('SIGKILL'))
  let said = ''
  for (const stream of [program.stdout, program.stderr]) stream.on('data', (text) => (said += text))
  // That server knows no users, so the sink stays down and says why, once.
  await until('it says that it is down', () => /sink is down/.test(said))
  assert.doesNotMatch(said, /s3cret|somebody/)
  assert.doesNotMatch(await readFile(`/proc/${program.pid}/cmdline`, 'utf8'), /s3cret/)
  // The file is read at each attempt.
  await writeFile(file, `${server.url}/shop\n`)
  await until('it is up', () => /sink is up/.test(said))
  const source = new EventSource({ source: 'shop', connect: [bind] })
  t.after(() => source.close())
  await source.subscribed('order.placed', { timeout: 15_000 })
  for (let i = 0; i < 3; i++) source.emit('order.placed', { i })
  const query = async () =>
    (await run(process.execPath, [PROGRAM, 'query', '--store', `mongodb:${file}`, '--by', 'type'])).stdout
  await until('they can be asked for', async () => (await query()) === '{"type":"order.placed","count":3}\n')
})
