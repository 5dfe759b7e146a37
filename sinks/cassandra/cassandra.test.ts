import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, type TestContext, test } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import type { Client, types } from 'cassandra-driver'
import { decodeEvents } from '../../lib/data/index.js'
import {
  attach,
  dataFromJson,
  dataToJson,
  EventBatch,
  EventSource,
  type Logger,
  type StormEvent,
  silent,
} from '../../lib/index.js'
import { cassandra, type RunningServer, startCluster } from '../../servers/index.js'
import { ControlledClock, conformsAsSink, freeEndpoint, until } from '../../testing/index.js'
import { parseAddress } from './address.js'
import sinkDefinition, { CassandraSink } from './cassandra.js'
import { newClient } from './client.js'

const skip = cassandra.skip()

let server: RunningServer
let client: Client

before(async () => {
  if (skip !== false) return
  server = await cassandra.start()
  client = await newClient(parseAddress(server.url))
  await client.connect()
})

after(async () => {
  await client?.shutdown()
  await server?.[Symbol.asyncDispose]()
})

let keyspaces = 0

/** A keyspace of the test's own. */
const ownUrl = (parameters = '', at: { url: string } = server) => `${at.url}/test${++keyspaces}${parameters}`
const keyspaceOf = (url: string) => url.replace(/^.*\/(\w+)(\?.*)?$/, '$1')

const create = (own: object) => new CassandraSink(sinkDefinition.options.parse(own))

/** A sink at work, the source it hears, and the events that it has acknowledged as stored. */
async function start(t: TestContext, own: object, framework: object = {}) {
  const inner = create(own)
  const acknowledged = new Set<number>()
  const sink = await attach(
    {
      open: (context) => inner.open(context),
      close: () => inner.close(),
      counters: () => inner.counters(),
      async write(batch, signal) {
        const written = await inner.write(batch, signal)
        if (!written.rejected) for (const { seq } of batch) acknowledged.add(seq)
        return written
      },
    },
    { bind: [freeEndpoint()], retryWait: '20ms', ...framework },
  )
  const source = new EventSource({
    source: 'shop',
    connect: [...sink.endpoints],
    sendHighWaterMark: 100_000,
    maxEventBytes: '16MiB',
  })
  t.after(async () => {
    await source.close()
    await sink.close()
  })
  await source.subscribed('**', { timeout: 15_000 })
  return { sink, source, acknowledged }
}

type Started = Awaited<ReturnType<typeof start>>

function accounted({ sink }: Started) {
  const { received, written, alreadyStored, dropped, queued } = sink.counters()
  const all = Object.values(dropped).reduce((sum, count) => sum + count)
  assert.equal(received, written + alreadyStored + all + queued)
  return { received, written, dropped: all, queued }
}

/** Every row of the store, page by page, by a client of its own, which has not seen a node go and is patient. */
async function readBack(url: string): Promise<types.Row[]> {
  const fresh = await newClient(parseAddress(url.replace(/\?.*$/, '')))
  try {
    await fresh.connect()
    const rows: types.Row[] = []
    const statement = `SELECT * FROM ${keyspaceOf(url)}.events`
    for await (const row of await fresh.execute(statement, [], { fetchSize: 2000 })) rows.push(row)
    return rows
  } finally {
    await fresh.shutdown()
  }
}

function toEvents(rows: types.Row[]): StormEvent[] {
  return rows.map((row) => {
    const { type, source, event: body } = row as unknown as { type: string; source: string; event: Buffer }
    const [epoch, seq] = [Number(row.epoch), Number(row.seq)]
    const [event] = decodeEvents({ type, source, epoch, seq, count: 1, body, offset: 0 })
    assert.deepEqual(event!.time, row.time)
    assert.equal(row.bucket.getTime(), Math.floor(row.time.getTime() / 300_000) * 300_000)
    return event!
  })
}

const seqs = (rows: types.Row[]) => rows.map(({ seq }) => Number(seq)).sort((a, b) => a - b)

/** Everything that was acknowledged is there, and nothing twice. */
async function compare(url: string, started: Started) {
  const stored = seqs(await readBack(url))
  const unique = new Set(stored)
  assert.equal(unique.size, stored.length)
  const missing = [...started.acknowledged].filter((seq) => !unique.has(seq))
  assert.deepEqual(missing, [])
  assert.equal(started.acknowledged.size, started.sink.counters().written)
  return stored.length
}

/** Emits until the condition holds, 100 events a turn, and says how many. */
async function emitUntil(source: EventSource, condition: () => boolean): Promise<number> {
  let sent = 0
  const emit = async () => {
    for (let i = 0; i < 100; i++) source.emit('http.hit', { i: sent++, path: '/a/path', status: 200 })
    await turn()
    return condition()
  }
  await until('enough was emitted', emit, 120_000)
  return sent
}

/** Waits until all that was sent has come, and nothing of it waits any more. */
function settled(started: Started, sent: number): Promise<void> {
  return until(
    'all is settled',
    () => accounted(started).received === sent && accounted(started).queued === 0,
    120_000,
  )
}

test('events come back bit by bit, in partitions that are listed', { skip }, async (t) => {
  const url = ownUrl()
  const { sink, source } = await start(t, { url })
  const datas = [
    { text: 'ä\u0000"', half: 0.5, at: new Date(-5), list: [1, [null, true]], deep: { n: 2n ** 63n - 1n } },
    dataFromJson(
      `{"id":{"$oid":"0123456789abcdef01234567"},"price":{"$numberDecimal":"0.10"},"b":{"$binary":{"base64":"AQI=","subType":"05"}},
        "re":{"$regularExpression":{"pattern":"a","options":"i"}},"ts":{"$timestamp":{"t":1,"i":2}},"min":{"$minKey":1},"long":{"$numberLong":"5"}}`,
    ),
    null,
    'text',
    dataFromJson('{"$binary":{"base64":"AP8=","subType":"00"}}'),
  ]
  const time = new Date('2020-02-29T23:59:59.999Z')
  for (const data of datas) source.emit('order.placed', data, { time })
  source.emit('order.paid', 1, { time: new Date(-1), extensions: { traceparent: '00-1', n: 7n } })
  await until('all are written', () => sink.counters().written === 6)
  const rows = await readBack(url)
  const events = toEvents(rows)
  const placed = events.filter(({ type }) => type === 'order.placed').sort((a, b) => a.seq - b.seq)
  assert.deepEqual(
    placed.map(({ data }) => dataToJson(data)),
    datas.map(dataToJson),
  )
  const paid = events.find(({ type }) => type === 'order.paid')!
  assert.deepEqual([paid.source, paid.data, paid.time], ['shop', 1, new Date(-1)])
  assert.equal(dataToJson(paid.extensions), '{"traceparent":"00-1","n":7}')
  const { rows: listed } = await client.execute(`SELECT * FROM ${keyspaceOf(url)}.events_partitions`)
  assert.deepEqual(listed.map(({ type, span, day }) => `${type} ${span} ${day.toISOString()}`).sort(), [
    'order.paid 300000 1969-12-31T00:00:00.000Z',
    'order.placed 300000 2020-02-29T00:00:00.000Z',
  ])
})

/** Four events: whole, broken, too large, whole. */
function mixedBatch(): EventBatch {
  const document = (bytes: number) => {
    const text = Buffer.alloc(bytes, 'x')
    const head = Buffer.from(
      '0000000009__time__000000000000000002__data__00000000'
        .replace('__time__', '74696d6500')
        .replace('__data__', '6461746100'),
      'hex',
    )
    const whole = Buffer.concat([head, text, Buffer.from([0, 0])])
    whole.writeInt32LE(whole.length)
    whole.writeInt32LE(text.length + 1, head.length - 4)
    return whole
  }
  const broken = document(1)
  broken.write('tome', 5)
  const body = Buffer.concat([document(1), broken, document(3000), document(2)])
  return new EventBatch([{ type: 'a.b', source: 's', epoch: 1, seq: 0, count: 4, body, offset: 0 }])
}

test('an event that is none or too large is counted, the others are stored, bytes as they came', {
  skip,
}, async () => {
  const url = ownUrl()
  const sink = create({ url, rowBytes: 2000 })
  await sink.open({ name: 'store', clock: new ControlledClock(), log: silent })
  const batch = mixedBatch()
  const { signal } = new AbortController()
  assert.deepEqual(await sink.write(batch, signal), { rejected: 1 })
  assert.equal(batch.undecodable, 1)
  assert.deepEqual(await sink.write(batch, signal), { rejected: 1 }, 'written again, it is there once')
  const rows = await readBack(url)
  assert.deepEqual(seqs(rows), [0, 3])
  const documents = rows.sort((a, b) => Number(a.seq) - Number(b.seq)).map(({ event }) => event)
  assert.deepEqual(documents, [batch.documents()[0], batch.documents()[2]])
  await sink.close()
})

test('a row that the server refuses is found, counted, and harms no other', { skip }, async (t) => {
  const url = ownUrl()
  // With its frame around it, it is longer than the 16 MiB that a server takes.
  const large = 16 * 1024 * 1024 - 50
  const limits = { batchEvents: 100, maxMessageBytes: '20MiB' }
  const started = await start(t, { url, rowBytes: '16MiB', requestBytes: '1MiB' }, limits)
  const { sink, source } = started
  for (let i = 0; i < 20; i++) source.emit('order.placed', i === 7 ? { text: 'x'.repeat(large - 40) } : { i })
  await settled(started, 20)
  assert.equal(sink.counters().dropped.rejected, 1)
  assert.deepEqual(
    seqs(await readBack(url)),
    Array.from({ length: 20 }, (_, i) => i).filter((i) => i !== 7),
  )
})

test('sinks that start at once make one table between them, and keep what they are told', {
  skip,
}, async (t) => {
  const url = ownUrl()
  const all = await Promise.all(Array.from({ length: 4 }, () => start(t, { url, keep: '60d' })))
  for (const { source } of all) for (let i = 0; i < 100; i++) source.emit('order.placed', { i })
  for (const { sink } of all) await until('it has written', () => sink.counters().written === 100)
  assert.equal((await readBack(url)).length, 400)
  const { rows } = await client.execute(
    `SELECT default_time_to_live AS ttl, compaction FROM system_schema.tables WHERE keyspace_name = '${keyspaceOf(url)}' AND table_name = 'events'`,
  )
  assert.equal(rows[0]!.ttl, 60 * 86_400)
  assert.equal(rows[0]!.compaction.compaction_window_size, '2')
})

test('a table of the user is used as it is, and waited for', { skip }, async (t) => {
  const url = ownUrl()
  const keyspace = keyspaceOf(url)
  await client.execute(
    `CREATE KEYSPACE ${keyspace} WITH replication = {'class': 'SimpleStrategy', 'replication_factor': 1}`,
  )
  await client.execute(`CREATE TABLE ${keyspace}.events (type text PRIMARY KEY)`)
  const lines: string[] = []
  const log = { ...silent, warn: (fields: object) => void lines.push(JSON.stringify(fields)) }
  const started = await start(t, { url, create: false }, { log })
  started.source.emit('order.placed', {})
  await until('it is queued', () => accounted(started).queued === 1)
  assert.equal(started.sink.state, 'down')
  assert.match(lines.join(), /no column bucket, shard, time, epoch, seq, source, event/)
  await client.execute(`DROP TABLE ${keyspace}.events`)
  const maker = create({ url })
  await maker.open({ name: 'store', clock: new ControlledClock(), log: silent })
  await maker.close()
  // It has failed again and again, and waits longer and longer between two attempts.
  await until('it is written', () => started.sink.counters().written === 1, 60_000)
})

test('events of one type and time are spread over shards, the same way every time', { skip }, async (t) => {
  const url = ownUrl()
  const { sink, source } = await start(t, { url, shards: 4 })
  for (let i = 0; i < 2048; i++) source.emit('order.placed', { i }, { time: new Date(0) })
  await until('all are written', () => sink.counters().written === 2048)
  const counts = [0, 0, 0, 0]
  for (const { shard } of await readBack(url)) counts[shard]!++
  assert.deepEqual(counts, [512, 512, 512, 512])
})

test('kill -9 under load: it waits, goes on with the next life of the server, and has lost nothing', {
  skip,
}, async (t) => {
  const url = ownUrl('?timeout=1s')
  const started = await start(t, { url, inFlight: 8 }, { queueEvents: 20_000 })
  let sent = await emitUntil(started.source, () => started.sink.counters().written > 5000)
  await server.process.kill()
  const atDeath = accounted(started)
  const rss = process.memoryUsage().rss
  sent += await emitUntil(started.source, () => accounted(started).dropped > atDeath.dropped + 20_000)
  const grown = Math.round((process.memoryUsage().rss - rss) / 1024 ** 2)
  await until('it says so', () => started.sink.state === 'down')
  const requests = Number(started.sink.counters().requests)
  await server.process.start()
  await settled(started, sent)
  const { written, dropped } = accounted(started)
  const rows = await compare(url, started)
  t.diagnostic(
    `kill -9: ${sent} sent, ${atDeath.written} written before, ${requests} requests until the end of it, ${written} written, ${dropped} dropped, ${rows} rows, ${grown} MB more`,
  )
})

test('a server that stands still: requests end in time, the queue fills to its bound, and all goes on', {
  skip,
}, async (t) => {
  const url = ownUrl('?timeout=500ms')
  const started = await start(t, { url, inFlight: 8 }, { queueEvents: 20_000 })
  let sent = await emitUntil(started.source, () => started.sink.counters().written > 5000)
  server.process.pause()
  const before = accounted(started)
  sent += await emitUntil(started.source, () => accounted(started).dropped > before.dropped + 5000)
  await until('it says so', () => started.sink.state === 'down')
  assert.ok(accounted(started).queued <= 20_000 + 1000)
  server.process.resume()
  await settled(started, sent)
  const { written, dropped } = accounted(started)
  const rows = await compare(url, started)
  t.diagnostic(`stopped: ${sent} sent, ${written} written, ${dropped} dropped, ${rows} rows`)
})

test('a server that restarts, and that is not there when a sink starts', { skip }, async (t) => {
  const url = ownUrl('?timeout=1s')
  const before = await start(t, { url })
  before.source.emit('order.placed', { i: 0 })
  await until('it is written', () => before.sink.counters().written === 1)
  await server.process.stop()
  const lines: string[] = []
  const say = (fields: object, message: string) => void lines.push(`${JSON.stringify(fields)} ${message}`)
  const log: Logger = { ...silent, info: say, warn: say, error: say }
  const late = await start(t, { url: url.replace('//', '//user:s3cret@') }, { log })
  for (const { source } of [before, late]) source.emit('order.placed', { i: 1 })
  await until('it is queued', () => accounted(late).queued === 1)
  assert.equal(late.sink.state, 'down')
  await server.process.start()
  await until(
    'both write',
    () => before.sink.counters().written === 2 && late.sink.counters().written === 1,
    60_000,
  )
  assert.equal((await readBack(url)).length, 3)
  assert.match(lines.join('\n'), /down/)
  assert.doesNotMatch(lines.join('\n'), /s3cret/)
})

test('an address says all, and no error repeats its password', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'eventstorm-cassandra-'))
  t.after(() => rm(folder, { recursive: true, force: true }))
  const passwordFile = join(folder, 'password')
  await writeFile(passwordFile, 'p@ss\n')
  const { hosts, port, user, password, keyspace, parameters } = parseAddress(
    'cassandra://me:a%40b@one,[::1]:9043/shop?datacenter=dc1&consistency=ONE',
  )
  assert.deepEqual(
    [hosts, port, user, password, keyspace, parameters.datacenter, parameters.consistency, parameters.table],
    [['one', '::1'], 9043, 'me', 'a@b', 'shop', 'dc1', 'ONE', 'events'],
  )
  assert.equal(parseAddress('cassandra://me@one', passwordFile).password, 'p@ss')
  assert.equal(parseAddress(`cassandra://me@one?passwordFile=${passwordFile}`).password, 'p@ss')
  const wrong: [string, RegExp][] = [
    ['mongodb://me:s3cret@one', /expected cassandra:/],
    ['cassandra://me:s3cret@one:1,two:2/x', /one port for all/],
    ['cassandra://me:s3cret@one/a-b', /keyspace of letters/],
    ['cassandra://me:s3cret@one/a?datacentre=x', /datacentre: unknown option.*datacenter/],
    ['cassandra://me:s3cret@one/a?consistency=SOME', /consistency: expected one of/],
    ['cassandra://me:s3%cret@one/a', /written %25/],
    ['cassandra://me:s3/cret@one/a', /one port|expected cassandra|keyspace/],
  ]
  for (const [url, message] of wrong) {
    assert.throws(
      () => create({ url }),
      (error: Error & { code: string }) => {
        assert.equal(error.code, 'OPTIONS_INVALID')
        assert.match(error.message, message)
        assert.doesNotMatch(error.message, /s3|cret/)
        return true
      },
    )
  }
  assert.throws(() => create({ replication: 'three' }), /replication: expected copies/)
})

const checks = conformsAsSink({
  definition: sinkDefinition,
  begin: () => ({ options: { url: ownUrl() } }),
  stored: async ({ options: { url } }) =>
    toEvents(await readBack(url)).map((event) => ({ ...event, data: JSON.parse(dataToJson(event.data)) })),
  idempotent: true,
  refused: [{ url: 'http://x' }, { replication: 'three' }, { keep: '1s' }],
})
for (const { name, run } of checks) test(name, { skip }, run)

// Last: it takes the place of the one server.
test('three nodes: with one of them gone it goes on, with two it waits, and nothing is lost', {
  skip,
}, async (t) => {
  await server[Symbol.asyncDispose]()
  await using cluster = await startCluster(3)
  const url = ownUrl('?timeout=1s', cluster)
  const own = (host: string) => ({ url: url.replace(cluster.hosts.join(','), host), replication: '3' })
  const knowsAll = async (host: string) => {
    const fresh = await newClient(parseAddress(own(host).url))
    try {
      await fresh.connect()
      return fresh.hosts.values().filter((each) => each.isUp()).length === cluster.hosts.length
    } finally {
      await fresh.shutdown()
    }
  }
  // A node answers before it has heard of all others, and a sink that knows one node alone makes a table there.
  for (const host of cluster.hosts) await until(`${host} knows all nodes`, () => knowsAll(host), 60_000)
  // Sinks that start at the same time and know another node each make one table.
  const others = await Promise.all(cluster.hosts.map((host) => start(t, own(host))))
  for (const { source } of others) source.emit('order.placed', {})
  for (const { sink } of others) await until('it has written', () => sink.counters().written === 1, 60_000)
  assert.equal((await readBack(url)).length, 3)

  const loaded = ownUrl('?timeout=1s', cluster)
  const started = await start(t, { url: loaded, replication: '3', inFlight: 8 }, { queueEvents: 20_000 })
  const { sink, source } = started
  const [, second, third] = cluster.nodes
  let sent = await emitUntil(source, () => sink.counters().written > 3000)
  await third!.kill()
  const withThree = sink.counters().written
  // It goes on: however much a slow machine has to drop meanwhile, more is written.
  sent += await emitUntil(source, () => sink.counters().written > withThree + 3000)
  const oneGone = accounted(started)
  await second!.kill()
  const rss = process.memoryUsage().rss
  sent += await emitUntil(source, () => accounted(started).dropped > oneGone.dropped + 30_000)
  await until('it waits', () => sink.state === 'down')
  const twoGone = accounted(started)
  const grown = Math.round((process.memoryUsage().rss - rss) / 1024 ** 2)
  await Promise.all([second!.start(), third!.start()])
  await settled(started, sent)
  const { written, dropped } = accounted(started)
  const rows = await compare(loaded, started)
  t.diagnostic(
    `three nodes: ${withThree} written with three, ${oneGone.written - withThree} with two, ${twoGone.written - oneGone.written} with one, which dropped ${twoGone.dropped - oneGone.dropped} and took ${grown} MB; in the end ${sent} sent, ${written} written, ${dropped} dropped, ${rows} rows`,
  )
})
