/** Doors that others can reach: TLS of its own, and a proxy in front; over real sockets. */
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { type IncomingMessage, request as overHttp } from 'node:http'
import { request as overTls } from 'node:https'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { after, before, type TestContext, test } from 'node:test'
import { promisify } from 'node:util'
import { WebSocket } from 'ws'
import { attach } from '../../lib/index.js'
import { ControlledClock, freeEndpoint } from '../../testing/index.js'
import type { LiveSink } from './live-sink.js'
import { SUBPROTOCOL } from './protocol.js'
import websocket from './websocket.js'

const TOKEN = 'correct horse battery'
let folder: string
let tokenFile: string
let tlsCert: string
let tlsKey: string
let ca: string

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'eventstorm-door-'))
  tokenFile = join(folder, 'token')
  tlsCert = join(folder, 'cert.pem')
  tlsKey = join(folder, 'key.pem')
  await writeFile(tokenFile, TOKEN)
  const names = 'subjectAltName=DNS:localhost,IP:127.0.0.1'
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-noenc', '-keyout', tlsKey]
  const args = [
    'req',
    '-x509',
    ...key,
    '-out',
    tlsCert,
    '-days',
    '2',
    '-subj',
    '/CN=localhost',
    '-addext',
    names,
  ]
  await promisify(execFile)('openssl', args)
  ca = await readFile(tlsCert, 'utf8')
})

after(() => rm(folder, { recursive: true, force: true }))

async function serve(t: TestContext, given: object) {
  const component = websocket.create(websocket.options.parse({ port: 0, ...given })) as LiveSink
  // Attempts are counted by the minute, which must not end between two of them.
  const sink = await attach(component, { bind: [freeEndpoint('inproc')], clock: new ControlledClock() })
  t.after(() => sink.close())
  const url = new URL(component.url!)
  return {
    url,
    /** A request as it is, with every header as given; `form` makes it a login. */
    async ask(path: string, headers: Record<string, string> = {}, form?: string) {
      const send = url.protocol === 'https:' ? overTls : overHttp
      const method = form === undefined ? 'GET' : 'POST'
      const sent = send(new URL(path, url), { method, headers, ca, agent: false } as object)
      sent.end(form === undefined ? undefined : new URLSearchParams({ token: form }).toString())
      const [answer] = (await once(sent, 'response')) as [IncomingMessage]
      return { status: answer.statusCode, headers: answer.headers, body: await text(answer) }
    },
    /** The first frame of a WebSocket, or the status with which it was refused. */
    async browse(headers: Record<string, string>): Promise<string | number> {
      const socket = new WebSocket(`${url.href.replace(/^http/, 'ws')}ws`, SUBPROTOCOL, { headers, ca })
      t.after(() => socket.terminate())
      return new Promise((resolve) => {
        socket.once('message', (data) => resolve(JSON.parse(String(data)).f))
        socket.once('error', (error) => resolve(Number(/\d{3}/.exec(error.message)?.[0])))
        socket.once('close', (code) => resolve(code))
      })
    },
  }
}

const cookieOf = (answer: { headers: IncomingMessage['headers'] }) => answer.headers['set-cookie']![0]!

test('TLS: page, login and WebSocket; nothing without it', async (t) => {
  const { url, ask, browse } = await serve(t, { tokenFile, tlsCert, tlsKey })
  assert.equal(url.protocol, 'https:')
  assert.equal((await ask('/healthz')).body, 'ok\n')
  assert.equal((await ask('/api/status')).status, 401)
  const cookie = cookieOf(await ask('/api/session', {}, TOKEN))
  assert.match(cookie, /; Secure$/)
  const session = { cookie: cookie.split(';')[0]! }
  assert.equal((await ask('/api/status', session)).status, 200)
  assert.match((await ask('/', session)).body, /<script/)
  assert.equal(await browse({ ...session, origin: url.origin }), 'hello')
  assert.equal(await browse({ ...session, origin: url.origin.replace('https', 'http') }), 403)
  assert.equal(await browse({ origin: url.origin }), 401)
  const plain = overHttp({ host: url.hostname, port: url.port, path: '/healthz', agent: false })
  plain.end()
  await once(plain, 'error')
})

test('a certificate that is not there is told with its path', async (t) => {
  const missing = join(folder, 'nothing.pem')
  await assert.rejects(serve(t, { tlsCert: missing, tlsKey }), (error: Error) =>
    error.message.includes(missing),
  )
})

test('behind a proxy: its names, its https, and the address that it has seen', async (t) => {
  const allowHost = ['graphs.example']
  const { ask, browse } = await serve(t, { tokenFile, behindProxy: true, allowHost, maxClientsPerAddress: 1 })
  const host = 'graphs.example'
  const from = (...seen: string[]) => ({ host, 'x-forwarded-for': seen.join(', ') })
  assert.equal((await ask('/', { host: 'evil.example' })).status, 403)
  const cookie = cookieOf(await ask('/api/session', from('203.0.113.1'), TOKEN))
  assert.match(cookie, /; Secure$/)
  const session = { cookie: cookie.split(';')[0]! }
  assert.equal((await ask('/api/status', { host, ...session })).status, 200)

  const page = { ...session, origin: 'https://graphs.example' }
  assert.equal(await browse({ ...page, ...from('203.0.113.1') }), 'hello')
  assert.equal(await browse({ ...page, ...from('203.0.113.1') }), 503, 'one of an address')
  assert.equal(await browse({ ...page, ...from('203.0.113.2') }), 'hello', 'another address')
  assert.equal(await browse({ ...session, origin: 'http://graphs.example', ...from('203.0.113.3') }), 403)

  // What stands before the proxy's own entry is said by the client, and nobody believes it.
  for (let i = 0; i < 5; i++) await ask('/api/session', from(`198.51.100.${i}`, '203.0.113.9'), 'wrong token')
  assert.equal((await ask('/api/session', from('198.51.100.77', '203.0.113.9'), TOKEN)).status, 429)
  assert.equal((await ask('/api/session', from('203.0.113.10'), TOKEN)).status, 303)
})

test('a handshake that fails half way is counted for nobody', async (t) => {
  const { ask, browse } = await serve(t, {
    tokenFile,
    behindProxy: true,
    allowHost: ['graphs.example'],
    maxClientsPerAddress: 1,
  })
  const from = (address: string) => ({
    host: 'graphs.example',
    authorization: `Bearer ${TOKEN}`,
    'x-forwarded-for': address,
  })
  const bad = {
    ...from('203.0.113.1'),
    connection: 'upgrade',
    upgrade: 'websocket',
    'sec-websocket-protocol': SUBPROTOCOL,
    'sec-websocket-version': '13',
    'sec-websocket-key': 'none',
  }
  for (let i = 0; i < 3; i++) assert.equal((await ask('/ws', bad)).status, 400)
  assert.equal(await browse(from('203.0.113.2')), 'hello')
  assert.equal(await browse(from('203.0.113.2')), 503)
  assert.equal(await browse(from('203.0.113.1')), 'hello')
})

test('without a proxy nobody chooses the address', async (t) => {
  const { ask } = await serve(t, { tokenFile })
  const from = (address: string) => ({ 'x-forwarded-for': address })
  for (let i = 0; i < 5; i++) await ask('/api/session', from(`198.51.100.${i}`), 'wrong token')
  assert.equal((await ask('/api/session', from('198.51.100.99'), TOKEN)).status, 429)
})
