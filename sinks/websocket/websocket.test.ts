import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { WebSocket } from 'ws'
import { attach, EventRouter, EventSource, type TypeHint as SentHint } from '../../lib/index.js'
import { ControlledClock, conformsAsSink, freeEndpoint, until } from '../../testing/index.js'
import type { LiveSink } from './live-sink.js'
import {
  type Gap,
  type Hello,
  type History,
  type Rows,
  type SeriesFrame,
  type ServerFrame,
  type ServerStatus,
  SUBPROTOCOL,
  type Tick,
  type TypeHint,
  type View,
} from './protocol.js'
import websocket from './websocket.js'

/** A sink with a source that it listens to, under a clock that the test moves. */
async function serve(t: TestContext, given: object = {}) {
  const clock = new ControlledClock()
  const endpoint = freeEndpoint('inproc')
  const source = new EventSource({ source: 'shop', bind: [endpoint], clock })
  const component = websocket.create(websocket.options.parse({ port: 0, ...given })) as LiveSink
  const sink = await attach(component, { connect: [endpoint], clock, name: 'graphs' })
  t.after(async () => {
    await sink.close()
    await source.close()
  })
  const url = component.url!
  await source.subscribed('a', { timeout: 15_000 })
  return {
    clock,
    source,
    sink,
    url,
    /** Emits, and waits until the sink has it. */
    async emit(type: string, ...data: unknown[]) {
      for (const each of data) source.emit(type, each)
      // Hints are written as events are, and may be on their way, too.
      await until('the events were counted', () => {
        const { emitted, unwanted, sent, told } = source.counters()
        return sent + unwanted === emitted && sink.counters().written === sent + told
      })
    },
    get: async (path: string, headers: Record<string, string> = {}) =>
      fetch(new URL(path, url), { headers, redirect: 'manual' }),
    async getJson<T>(path: string): Promise<T> {
      const response = await fetch(new URL(path, url))
      assert.equal(response.status, 200, `${path}: ${response.status}`)
      return (await response.json()) as T
    },
  }
}

/** A browser's end, that acknowledges or does not. */
async function browse(t: TestContext, url: string, acknowledges = true) {
  const socket = new WebSocket(`${url.replace(/^http/, 'ws')}ws`, SUBPROTOCOL)
  t.after(() => socket.terminate())
  const frames: ServerFrame[] = []
  const say = (frame: object) => socket.send(JSON.stringify(frame))
  let code: number | undefined
  socket.on('close', (given) => {
    code = given
  })
  socket.on('message', (data) => {
    const frame = JSON.parse(String(data)) as ServerFrame
    frames.push(frame)
    if (frame.f === 't' && acknowledges) say({ f: 'ack', view: frame.view, q: frame.q })
  })
  await once(socket, 'open')
  const all = <T extends ServerFrame>(f: T['f']) => frames.filter((each): each is T => each.f === f)
  return {
    socket,
    frames,
    say,
    all,
    get code() {
      return code
    },
    async first<T extends ServerFrame>(f: T['f']): Promise<T> {
      await until(`${f} came`, () => all(f).length > 0)
      return all<T>(f)[0]!
    },
  }
}

const SUB = { f: 'sub', id: 1, match: ['**'], want: ['counts', 'values', 'spreads', 'states', 'rows'], hz: 1 }

test('it listens on the loopback interface unless told otherwise', () => {
  const { host, port } = websocket.options.parse({})
  assert.deepEqual([host, port], ['127.0.0.1', 8080])
})

test('a browser gets hello, the series of its view, and a tick for each second', async (t) => {
  const { clock, source, emit, url } = await serve(t)
  await emit('http.hit', { ms: 10, status: 200 }, { ms: 20, status: 500 })
  const browser = await browse(t, url)
  const hello = await browser.first<Hello>('hello')
  assert.equal(hello.epoch, Date.UTC(2026, 0, 1))
  assert.deepEqual(
    hello.types.map(({ type }) => type),
    ['http.hit'],
  )
  browser.say(SUB)
  const view = await browser.first<View>('view')
  const { add, reset } = await browser.first<SeriesFrame>('series')
  assert.equal(reset, true)
  const series = Object.fromEntries(add.map((each) => [each.field ?? '', each]))
  assert.equal(series.ms!.kind, 'duration')
  assert.deepEqual(series.status!.states, ['200', '500'])

  await clock.advance(1250)
  const tick = await browser.first<Tick>('t')
  assert.equal(tick.view, view.view)
  const [bucket] = tick.buckets
  assert.equal(bucket!.t, Date.UTC(2026, 0, 1))
  assert.deepEqual(bucket!.counts, { i: [series['']!.i], n: [2] })
  assert.deepEqual(bucket!.values, { i: [series.ms!.i], n: [2], sum: [30], min: [10], max: [20], last: [20] })
  assert.ok(Math.abs(bucket!.spreads!.p50[0]! - 10) <= 0.1 && Math.abs(bucket!.spreads!.p99[0]! - 20) <= 0.2)
  assert.deepEqual(bucket!.states, { i: [series.status!.i], last: [1] })
  assert.deepEqual(
    tick.rows!.map(({ seq, data }) => [seq, data]),
    [
      [1, { ms: 20, status: 500 }],
      [0, { ms: 10, status: 200 }],
    ],
  )
  assert.equal(tick.strip.n, 2)

  // A second in which nothing happens is told too; one that a late event changes is told again.
  await clock.advance(1000)
  await until('the second tick came', () => browser.all('t').length === 2)
  assert.deepEqual(browser.all<Tick>('t')[1]!.buckets, [{ t: Date.UTC(2026, 0, 1, 0, 0, 1) }])
  source.emit('http.hit', { ms: 30 }, { time: new Date(Date.UTC(2026, 0, 1)) })
  await emit('http.hit', { ms: 1 })
  await clock.advance(1000)
  await until('the third tick came', () => browser.all('t').length === 3)
  const [late, present] = browser.all<Tick>('t')[2]!.buckets
  assert.deepEqual([late!.t, late!.counts!.n, late!.values!.max], [Date.UTC(2026, 0, 1), [3], [30]])
  assert.deepEqual([present!.t, present!.counts!.n], [Date.UTC(2026, 0, 1, 0, 0, 2), [1]])
})

test('at 4 Hz the open second is told as it grows; views are shared; hz 0 rests', async (t) => {
  const { clock, emit, url, getJson } = await serve(t)
  const [one, two] = [await browse(t, url), await browse(t, url)]
  for (const browser of [one, two]) browser.say({ ...SUB, hz: 4 })
  const [a, b] = [await one.first<View>('view'), await two.first<View>('view')]
  assert.equal(a.view, b.view)
  await emit('a', 1)
  await clock.advance(250)
  await emit('a', 2)
  await clock.advance(250)
  await until('two ticks came', () => two.all('t').length === 2)
  const ticks = two.all<Tick>('t')
  assert.deepEqual(
    ticks.map(({ buckets: [bucket] }) => [bucket!.open, bucket!.counts?.n]),
    [
      [true, [1]],
      [true, [2]],
    ],
  )
  two.say({ f: 'hz', id: 1, hz: 0 })
  await until('it rests', () => two.all<View>('view').at(-1)!.hz === 0)
  const status = await getJson<ServerStatus>('/api/status')
  assert.equal(status.bounds.find(({ name }) => name === 'views')!.used, 1)
  assert.equal(status.strip.clients, 2)
})

test('a browser that does not acknowledge gets four ticks, then the newest one and where the gap is', async (t) => {
  const { clock, emit, url } = await serve(t)
  const slow = await browse(t, url, false)
  const good = await browse(t, url)
  for (const browser of [slow, good]) browser.say(SUB)
  await slow.first('view')
  await good.first('view')
  for (let second = 0; second < 12; second++) {
    await emit('a', second)
    await clock.advance(1000)
    await until('the good one has its tick', () => good.all('t').length === Math.max(0, second))
  }
  await until('the slow one has its four', () => slow.all('t').length >= 4)
  assert.equal(slow.all('t').length, 4)
  const { view, q } = slow.all<Tick>('t').at(-1)!
  slow.say({ f: 'ack', view, q })
  slow.say({ f: 'ping', c: 1 })
  await slow.first('pong')
  await emit('a', 12)
  await clock.advance(1000)
  const gap = await slow.first<Gap>('gap')
  await until('the newest came', () => slow.all('t').length === 5)
  assert.equal(gap.from, q + 1)
  assert.equal(slow.all<Tick>('t').at(-1)!.q, gap.to + 1)
  assert.ok(gap.t[1] - gap.t[0] >= 6000)
  assert.equal(good.all('gap').length, 0)
})

test('a browser that stays silent is closed, the others are not', async (t) => {
  const { clock, emit, url } = await serve(t, { stall: '10s' })
  const dead = await browse(t, url, false)
  const good = await browse(t, url)
  for (const browser of [dead, good]) browser.say(SUB)
  await dead.first('view')
  await good.first('view')
  for (let second = 0; second < 14; second++) {
    await emit('a', 1)
    await clock.advance(1000)
    await until('the good one has its tick', () => good.all('t').length >= second)
  }
  await until('it was closed', () => dead.code === 4009)
  assert.equal(good.code, undefined)
})

test('history: what was before, by series and time, with an ETag', async (t) => {
  const { clock, emit, get, getJson } = await serve(t)
  for (let second = 0; second < 30; second++) {
    await emit('work', { took_ms: second + 1, load: second % 3 })
    await clock.advance(1000)
  }
  const answer = await getJson<History>('/api/history?match=work')
  assert.equal(answer.step, 1000)
  const events = answer.series.find(({ field }) => field === undefined)!
  const took = answer.series.find(({ field }) => field === 'took_ms')!
  const epoch = Date.UTC(2026, 0, 1)
  assert.deepEqual(
    events.at.map((at) => answer.from + at * answer.step),
    Array.from({ length: 30 }, (_, i) => epoch + i * 1000),
  )
  assert.deepEqual(
    took.max,
    Array.from({ length: 30 }, (_, i) => i + 1),
  )
  assert.ok(took.p50!.every((value, i) => Math.abs(value - i - 1) <= 0.011 * (i + 1)))

  const tens = await getJson<History>(`/api/history?match=work&step=10000&from=${epoch}&want=values&keys=0`)
  const load = tens.series.find(({ field }) => field === 'took_ms')!
  assert.deepEqual(
    [load.n, load.max],
    [
      [10, 10, 10],
      [10, 20, 30],
    ],
  )
  const first = await get('/api/history?match=work')
  assert.equal(first.headers.get('content-encoding'), 'gzip')
  const again = await get('/api/history?match=work', { 'if-none-match': first.headers.get('etag')! })
  assert.equal(again.status, 304)
  assert.equal((await get('/api/history?match=a..b')).status, 400)
})

test('rows: the latest events, made small; secrets are masked', async (t) => {
  const { clock, emit, getJson } = await serve(t)
  await emit('a', { password: 'x', path: '/p?token=abc&x=1', text: 'y'.repeat(1e6) })
  await clock.advance(250)
  const { rows } = await getJson<Rows>('/api/rows?match=a&limit=5')
  const data = rows[0]!.data as Record<string, string>
  assert.equal(data.password, '•••')
  assert.equal(data.path, '/p?token=•••&x=1')
  assert.equal(data.text!.length, 256)
  assert.equal(rows[0]!.cut, true)
})

test('every bound is there to be seen, and counts what it left out', async (t) => {
  const { clock, emit, get, getJson } = await serve(t, {
    maxTypes: 3,
    maxFields: 2,
  })
  for (let i = 0; i < 8; i++) await emit(`flood.t${i}`, { x: 1 })
  for (let i = 0; i < 8; i++) await emit('flood.t0', { who: `w${i}`, x: i, y: i, z: i })
  await clock.advance(12_000)
  const { bounds } = await getJson<ServerStatus>('/api/status')
  const bound = (name: string) => bounds.find((each) => each.name === name)!
  assert.deepEqual([bound('types').used, bound('types').limit, bound('types').refused], [3, 3, 5])
  assert.deepEqual([bound('fields').limit, bound('fields').used], [2, 2])
  assert.ok(bound('fields').refused > 0)
  const text = await (await get('/metrics')).text()
  assert.match(text, /^eventstorm_websocket_not_kept\{reason="types"\} 5$/m)
  assert.match(text, /^eventstorm_websocket_limit\{bound="types"\} 3$/m)
  assert.ok(text.split('\n').every((line) => line === '' || /^\w+(\{\w+="[\w]+"\})? [\d.]+$/.test(line)))
})

test('keys beyond the most frequent ones are one, and counted', async (t) => {
  const { clock, emit, getJson } = await serve(t, { maxKeys: 2, hints: { a: { key: ['who'] } } })
  for (let i = 0; i < 6; i++) await emit('a', { who: `w${i}` })
  await clock.advance(12_000)
  const { series } = await getJson<History>('/api/history?match=a')
  const keyed = series.filter(({ field, key }) => field === undefined && key !== undefined)
  assert.deepEqual(
    keyed.map(({ key, other, n }) => [key, other, n]),
    [
      ['w0', undefined, [1]],
      ['w1', undefined, [1]],
      ['other', true, [4]],
    ],
  )
  const { bounds } = await getJson<ServerStatus>('/api/status')
  assert.equal(bounds.find(({ name }) => name === 'keys')!.refused, 4)
})

test('hints go from a source to the page; the configuration goes first; keys split a type', async (t) => {
  const { clock, source, emit, getJson } = await serve(t, {
    hints: { disk: { title: 'Disks', fields: { percent: { warn: 80 } } } },
  })
  source.describe('disk', {
    title: 'disk',
    key: ['mount'],
    fields: { percent: { unit: '%', kind: 'gauge' } },
  })
  await until('the hint has come', async () => {
    await clock.advance(1000)
    return source.counters().told > 0
  })
  await emit('disk', { mount: '/', percent: 10 }, { mount: '/home', percent: 20 })
  await clock.advance(2000)
  const { series, types } = await getJson<History>('/api/history?match=disk')
  assert.deepEqual(types[0]!.hint, {
    title: 'Disks',
    key: ['mount'],
    fields: { percent: { unit: '%', kind: 'gauge', warn: 80 } },
  })
  const values = series.filter(({ field }) => field === 'percent').map(({ key, last }) => [key, last])
  assert.deepEqual(values, [
    [undefined, [20]],
    ['/', [10]],
    ['/home', [20]],
  ])
})

test('a type of which only a hint came is told, as one that nothing came of', async (t) => {
  const { clock, source, emit, url, getJson } = await serve(t)
  source.describe('backup.done', { title: 'Backups' })
  const browser = await browse(t, url)
  browser.say(SUB)
  await browser.first('view')
  source.describe('order.placed', { title: 'Orders' })
  await until('both are known', async () => {
    await clock.advance(1000)
    return (await getJson<History>('/api/history')).types.length === 2
  })
  await clock.advance(1250)
  await until('the page was told of the second', () =>
    browser.all<SeriesFrame>('series').some(({ types }) => types.some(({ type }) => type === 'order.placed')),
  )
  const late = await browse(t, url)
  const { types } = await late.first<Hello>('hello')
  const backups = types.find(({ type }) => type === 'backup.done')
  assert.deepEqual(backups, { type: 'backup.done', rate: 0, seen: 0, hint: { title: 'Backups' } })
  await emit('backup.done', { took_s: 3 })
  const { types: after } = await getJson<History>('/api/history?match=backup.*')
  assert.ok(after.length === 1 && after[0]!.seen > 0 && after[0]!.hint?.title === 'Backups')
})

test('an address that others can reach needs a token and TLS', () => {
  const create = (given: object) => () => websocket.create(websocket.options.parse(given))
  assert.throws(create({ host: '0.0.0.0' }), { code: 'OPTIONS_INVALID', message: /tokenFile/ })
  assert.throws(create({ host: '127.example.org' }), { code: 'OPTIONS_INVALID', message: /tokenFile/ })
  assert.throws(create({ host: '0.0.0.0', tokenFile: 't' }), { code: 'OPTIONS_INVALID', message: /tlsCert/ })
  assert.throws(create({ behindProxy: true }), { code: 'OPTIONS_INVALID', message: /tokenFile/ })
  assert.throws(create({ tlsCert: 'a' }), { code: 'OPTIONS_INVALID', message: /both/ })
  assert.throws(create({ hints: { a: { title: 7 } } }), { code: 'OPTIONS_INVALID', message: /hints/ })
  create({ host: '0.0.0.0', tokenFile: 't', behindProxy: true })()
})

test('with a token: nothing without it, a cookie after the form, and few attempts', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'eventstorm-token-'))
  t.after(() => rm(folder, { recursive: true, force: true }))
  const tokenFile = join(folder, 'token')
  await writeFile(tokenFile, 'correct horse battery\n')
  const { url, get } = await serve(t, { tokenFile })
  assert.equal((await get('/api/status')).status, 401)
  assert.equal((await get('/')).status, 401)
  assert.match(await (await get('/')).text(), /<form method="post"/)
  assert.equal((await get('/healthz')).status, 200)
  const bearer = { authorization: 'Bearer correct horse battery' }
  assert.equal((await get('/api/status', bearer)).status, 200)
  const login = (token: string) =>
    fetch(new URL('/api/session', url), {
      method: 'POST',
      body: new URLSearchParams({ token }),
      redirect: 'manual',
    })
  const good = await login('correct horse battery')
  const cookie = good.headers.get('set-cookie')!
  assert.match(cookie, /HttpOnly; SameSite=Strict/)
  assert.equal((await get('/api/status', { cookie: cookie.split(';')[0]! })).status, 200)
  assert.equal((await get('/api/status', { cookie: `${cookie.split(';')[0]!}x` })).status, 401)
  for (let i = 0; i < 5; i++) assert.equal((await login('wrong')).headers.get('location'), '/?login=failed')
  assert.equal((await login('correct horse battery')).status, 429)

  const [error] = await once(new WebSocket(`${url.replace('http', 'ws')}ws`, SUBPROTOCOL), 'error')
  assert.match(error.message, /401/)
})

test('what was lost is told second by second, and adds up to what the sink has counted', async (t) => {
  const clock = new ControlledClock()
  let keeps = false
  const router = new EventRouter({
    bindSources: [freeEndpoint('inproc')],
    bindSinks: [freeEndpoint('inproc')],
    component: { route: () => !keeps },
  })
  const source = new EventSource({
    source: 'shop',
    connect: [...router.sourceEndpoints],
    clock,
    batchEvents: 1,
  })
  const component = websocket.create(websocket.options.parse({ port: 0 })) as LiveSink
  const sink = await attach(component, { connect: [...router.sinkEndpoints], clock })
  t.after(async () => {
    await sink.close()
    await source.close()
    await router.close()
  })
  await source.subscribed('a', { timeout: 15_000 })
  const send = async (count: number, kept = false) => {
    keeps = kept
    const gone = () => (kept ? Number(router.counters().filtered) : sink.counters().written)
    const before = gone()
    for (let i = 0; i < count; i++) source.emit('a', i)
    await until('they went their way', () => gone() >= before + count)
    keeps = false
  }
  // [lost, received] in each second; a loss is noticed by the next event that comes.
  const seconds = [
    [0, 2],
    [3, 1],
    [0, 0],
    [0, 4],
    [5, 1],
    [1, 1],
    [0, 1],
  ] as const
  for (const [lost, received] of seconds) {
    if (lost > 0) await send(lost, true)
    if (received > 0) await send(received)
    await clock.advance(1000)
  }
  const { url } = component
  const answer = (await (await fetch(new URL('/api/history?match=a', url))).json()) as History
  const events = answer.series.find(({ field }) => field === undefined)!
  const table = seconds.map((_, second) => {
    const at = (Date.UTC(2026, 0, 1) - answer.from) / 1000 + second
    const find = (places: number[] = [], values: number[] = []) => values[places.indexOf(at)] ?? 0
    return [find(events.lostAt, events.lost), find(events.at, events.n)]
  })
  assert.deepEqual(table, seconds)
  assert.equal(sink.counters().lost, 9)
})

/** Whether two types are the same, and not only fit each other. */
type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false

test('the page is told hints as the library has them', () => {
  // The compiler is the test: it refuses this when one of the two has something that the other has not.
  const same: Same<TypeHint, SentHint> = true
  assert.ok(same)
})

const checks = conformsAsSink({
  definition: websocket,
  begin: () => ({ options: { port: 0 } }),
  refused: [{ host: '0.0.0.0' }, { tlsCert: 'x' }, { hints: { 'a b': {} } }, { port: 70_000 }],
})
for (const { name, run } of checks) test(name, run)
