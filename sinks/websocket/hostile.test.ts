import assert from 'node:assert/strict'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { request } from 'node:http'
import { connect, type Socket } from 'node:net'
import { type TestContext, test } from 'node:test'
import { WebSocket } from 'ws'
import { attach, EventSource } from '../../lib/index.js'
import { freeEndpoint, until } from '../../testing/index.js'
import type { LiveSink } from './live-sink.js'
import { type Hello, type ServerFrame, type ServerStatus, SUBPROTOCOL } from './protocol.js'
import websocket from './websocket.js'

/*
 * What a transport has to stand, whichever it is: all of it over real sockets. The one of uWebSockets.js is tried when
 * EVENTSTORM_UWS names its module file.
 */

const UWS = process.env.EVENTSTORM_UWS
const transports: object[] = [{ transport: 'ws' }]
if (UWS !== undefined && existsSync(UWS)) transports.push({ transport: 'uws', uwsPath: UWS })

test('uWebSockets.js is tried too', (t) => {
  if (transports.length > 1) return
  assert.ok(!process.env.CI, 'expected EVENTSTORM_UWS to name a module file in CI')
  t.skip('SKIPPED: EVENTSTORM_UWS does not name the module file of uWebSockets.js; only ws is tried')
})

async function serve(t: TestContext, given: object) {
  const endpoint = freeEndpoint('inproc')
  const source = new EventSource({ source: 'shop', bind: [endpoint] })
  const component = websocket.create(websocket.options.parse({ port: 0, ...given })) as LiveSink
  const sink = await attach(component, { connect: [endpoint] })
  t.after(async () => {
    await sink.close()
    await source.close()
  })
  await source.subscribed('a', { timeout: 15_000 })
  const url = new URL(component.url!)
  return {
    source,
    sink,
    url,
    status: async () => (await (await fetch(new URL('/api/status', url))).json()) as ServerStatus,
    socket: (headers: Record<string, string> = {}, protocol: string | string[] = SUBPROTOCOL, path = 'ws') =>
      new WebSocket(`ws://${url.host}/${path}`, protocol, { headers }),
  }
}

/** The status with which a WebSocket was refused. */
async function refusal(socket: WebSocket): Promise<number> {
  const [error] = await once(socket, 'error')
  return Number(/\d{3}/.exec(error.message)?.[0])
}

/** Acknowledges every tick, as one must who is not to be closed in the end. */
function acknowledge(socket: WebSocket): void {
  socket.on('message', (data) => {
    const frame = JSON.parse(String(data)) as ServerFrame
    if (frame.f === 't') socket.send(JSON.stringify({ f: 'ack', view: frame.view, q: frame.q }))
  })
}

async function open(t: TestContext, socket: WebSocket): Promise<ServerFrame[]> {
  const frames: ServerFrame[] = []
  t.after(() => socket.terminate())
  socket.on('error', () => {})
  socket.on('message', (data) => frames.push(JSON.parse(String(data))))
  await once(socket, 'open')
  return frames
}

/** An HTTP answer, with a Host header of choice. */
async function ask(url: URL, path: string, headers: Record<string, string>, method = 'GET') {
  const sent = request(new URL(path, url), { headers, method })
  sent.end()
  const [response] = await once(sent, 'response')
  response.resume()
  return response.statusCode as number
}

for (const given of transports) {
  const name = (given as { transport: string }).transport

  test(`${name}: strangers are refused with the right code`, async (t) => {
    const { socket, url } = await serve(t, given)
    assert.equal(await refusal(socket({ origin: 'http://evil.example' })), 403)
    assert.equal(await refusal(socket({ origin: 'null' })), 403)
    assert.equal(await refusal(socket({ host: 'evil.example' })), 403)
    assert.equal(await refusal(socket({}, 'other')), 400)
    assert.equal(await refusal(socket({}, SUBPROTOCOL, 'elsewhere')), 400)
    // Names of a stranger that lead here, however like an address they look.
    for (const host of [
      'evil.example',
      '127.evil.example',
      `127.0.0.1.evil.example:${url.port}`,
      'localhost.evil.example',
    ]) {
      const origin = `http://${host}`
      assert.equal(await ask(url, '/api/status', { host, origin }), 403, host)
      assert.equal(await refusal(socket({ host, origin })), 403, host)
    }
    for (const host of [`localhost:${url.port}`, '127.0.0.1', '127.0.0.2', '[::1]'])
      assert.equal(await ask(url, '/api/status', { host }), 200, host)
    assert.equal(await ask(url, '/api/status', { origin: 'http://evil.example' }), 403)
    assert.equal(await ask(url, '/api/status', {}, 'DELETE'), 405)
    for (const path of ['/nothing', '/../package.json', '/%2e%2e/package.json', '/page/..%2f', '/assets/']) {
      assert.equal(await ask(url, path, {}), 404, path)
    }
    assert.equal(await ask(url, '/api/session', {}, 'POST'), 303)
    const frames = await open(t, socket({ origin: url.origin }))
    await until('hello came', () => frames.length > 0)
    assert.equal((frames[0] as Hello).f, 'hello')
  })

  test(`${name}: an origin of the list may connect, others still may not`, async (t) => {
    const graphs = 'https://graphs.example'
    const { socket, url } = await serve(t, { ...given, allowOrigin: [graphs] })
    const frames = await open(t, socket({ origin: graphs }))
    await until('hello came', () => frames.length > 0)
    for (const origin of ['http://graphs.example', 'https://graphs.example.evil', 'https://evil.example'])
      assert.equal(await refusal(socket({ origin })), 403, origin)
    assert.equal(await ask(url, '/api/status', { origin: graphs }), 200)
  })

  test(`${name}: every answer forbids what a page does not need`, async (t) => {
    const { url } = await serve(t, given)
    for (const path of ['/', '/api/status', '/nothing']) {
      const { headers } = await fetch(new URL(path, url))
      assert.match(
        headers.get('content-security-policy')!,
        /default-src 'none'.*frame-ancestors 'none'.*trusted-types/,
      )
      assert.equal(headers.get('x-content-type-options'), 'nosniff')
    }
  })

  test(`${name}: too large, too fast and not of the protocol: closed, and the good one is not`, async (t) => {
    const { source, socket, sink } = await serve(t, given)
    const good = socket()
    const frames = await open(t, good)
    acknowledge(good)
    good.send(JSON.stringify({ f: 'sub', id: 1, match: ['**'], want: ['counts'], hz: 4 }))
    const closing = async (say: (bad: WebSocket) => void) => {
      const bad = socket()
      await open(t, bad)
      const closed = once(bad, 'close')
      say(bad)
      return (await closed)[0] as number
    }
    const tooBig = await closing((bad) => bad.send('x'.repeat(5000)))
    // uWebSockets.js drops the line without a word.
    assert.ok(tooBig === 1009 || (name === 'uws' && tooBig === 1006), `${tooBig}`)
    assert.equal(
      await closing((bad) => {
        for (let i = 0; i < 100; i++) bad.send('{"f":"ping","c":1}')
      }),
      4008,
    )
    assert.equal(
      await closing((bad) => {
        for (let i = 0; i < 100; i++) bad.send('{"f":"ack","view":1,"q":1}')
      }),
      4008,
    )
    for (const text of [
      '',
      'no',
      '[]',
      'null',
      '{"f":"sub"}',
      '{"f":"sub","id":-1,"match":[],"want":[],"hz":1}',
    ]) {
      assert.equal(await closing((bad) => bad.send(text)), 1007, text)
    }
    assert.equal(await closing((bad) => bad.send(Buffer.from('{"f":"ping","c":1}'), { binary: true })), 1007)
    source.emit('a', 1)
    await until('the good one has a tick', () => frames.some(({ f }) => f === 't'))
    assert.equal(good.readyState, WebSocket.OPEN)
    await until('only the good one is left', () => sink.counters().browsers === 1)
  })

  test(`${name}: subscriptions, patterns and views have an end`, async (t) => {
    const { socket } = await serve(t, { ...given, maxSubscriptions: 2, maxPatterns: 2, maxViews: 1 })
    const one = socket()
    const frames = await open(t, one)
    const sub = (id: number, ...match: string[]) =>
      one.send(JSON.stringify({ f: 'sub', id, match, want: ['counts'], hz: 1 }))
    sub(1, 'a', 'b', 'c')
    sub(2, 'a..b')
    sub(3, 'a')
    sub(4, 'b')
    sub(5, 'a')
    sub(6, 'a')
    await until(
      'all were answered',
      () => frames.filter(({ f }) => f === 'refused' || f === 'view').length === 6,
    )
    const answers = frames.flatMap((frame) =>
      frame.f === 'refused' ? [[frame.id, frame.code]] : frame.f === 'view' ? [[frame.id, 'view']] : [],
    )
    assert.deepEqual(answers, [
      [1, 'patterns'],
      [2, 'pattern'],
      [3, 'view'],
      [4, 'views'],
      [5, 'view'],
      [6, 'subscriptions'],
    ])
  })

  test(`${name}: too many browsers are told so; a place that is free again is given`, async (t) => {
    const { socket, sink } = await serve(t, { ...given, maxClients: 20 })
    const first = socket()
    await open(t, first)
    for (let i = 1; i < 20; i++) await open(t, socket())
    const codes = await Promise.all(Array.from({ length: 50 }, () => refusal(socket())))
    assert.deepEqual(new Set(codes), new Set([503]))
    first.close()
    await until('it has gone', () => sink.counters().browsers === 19)
    await open(t, socket())
  })

  test(`${name}: half a request and nothing more is given up, and holds up nobody`, async (t) => {
    const { url, status } = await serve(t, given)
    const loris = Array.from({ length: 50 }, () => {
      const line = connect(Number(url.port), url.hostname, () =>
        line.write('GET / HTTP/1.1\r\nHost: localhost\r\nX-'),
      )
      line.on('error', () => {})
      // Not `once`, which fails when the server resets the connection.
      return { line, closed: new Promise((resolve) => line.on('close', resolve)) }
    })
    t.after(() => {
      for (const { line } of loris) line.destroy()
    })
    assert.equal((await status()).strip.clients, 0)
    for (const { line } of loris) line.resume()
    await Promise.all(loris.map(({ closed }) => closed))
  })
}

test('thousands of connections from one machine: the good one stays, and gets its ticks', async (t) => {
  const { source, socket, url, sink } = await serve(t, { maxClients: 100 })
  const good = socket()
  const frames = await open(t, good)
  good.send(JSON.stringify({ f: 'sub', id: 1, match: ['**'], want: ['counts'], hz: 4 }))
  acknowledge(good)
  const lines: Socket[] = []
  t.after(() => {
    for (const line of lines) line.destroy()
  })
  // In waves, since the kernel lets only some hundred wait to be accepted.
  for (let wave = 0; wave < 25; wave++) {
    const opened = Array.from({ length: 200 }, () => {
      const line = connect(Number(url.port), url.hostname)
      line.on('error', () => {}).resume()
      lines.push(line)
      return once(line, 'connect')
    })
    await Promise.allSettled(opened)
  }
  const turnedAway = () =>
    (sink.counters() as unknown as { browsersRefused: { connections: number } }).browsersRefused.connections
  await until('those that are too many were turned away', () => turnedAway() >= 4000)
  const before = frames.filter(({ f }) => f === 't').length
  source.emit('a', 1)
  await until('the good one has a tick', () => frames.filter(({ f }) => f === 't').length > before)
  assert.equal(good.readyState, WebSocket.OPEN)
})

test('without uWebSockets.js, one warning and ws', async (t) => {
  const warnings: object[] = []
  const log = { debug() {}, info() {}, warn: (fields: object) => warnings.push(fields), error() {} }
  const component = websocket.create(
    websocket.options.parse({ port: 0, transport: 'uws', uwsPath: '/nowhere/uws.js' }),
  ) as LiveSink
  const sink = await attach(component, { bind: [freeEndpoint()], log })
  t.after(() => sink.close())
  assert.equal(warnings.length, 1)
  const status = (await (await fetch(new URL('/api/status', component.url))).json()) as ServerStatus
  assert.equal(status.transport, 'ws')
})

test('a port that is taken is said to be; another one is taken when asked for', async (t) => {
  const { url } = await serve(t, {})
  const port = Number(url.port)
  const taken = websocket.create(websocket.options.parse({ port }))
  await assert.rejects(attach(taken, { bind: [freeEndpoint()] }), {
    code: 'SINK_FAILED',
    message: /another --port/,
  })
  const other = await serve(t, { port, otherPort: true })
  assert.notEqual(other.url.port, url.port)
})
