/** What `--metrics` and `query --listen` serve: to this machine alone, and whatever is sent to them. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { request } from 'node:http'
import { connect } from 'node:net'
import { test } from 'node:test'
import { serveMetrics } from '../cli/http/metrics-server.js'
import { serveQueries } from '../cli/http/query-server.js'
import { Asker } from '../lib/ask/index.js'
import { freePort } from '../servers/index.js'
import { until } from '../testing/index.js'

interface Served extends AsyncDisposable {
  port: number
  path: string
}

const SERVERS: Record<string, () => Promise<Served>> = {
  async metrics() {
    const port = await freePort('127.0.0.1', '127.0.0.2')
    const server = await serveMetrics(port, { observed: () => [] })
    return { port, path: '/metrics', [Symbol.asyncDispose]: () => server[Symbol.asyncDispose]() }
  },
  async query() {
    const answer = { columns: ['count'], rows: [[7]] }
    const reader = { query: async () => answer, async [Symbol.asyncDispose]() {} }
    const server = await serveQueries(new Asker(reader), 0)
    const port = Number(new URL(server.url).port)
    return { port, path: '/api/query', [Symbol.asyncDispose]: () => server.close() }
  },
}

/** The status of a request, and what is answered. */
async function ask({ port }: Served, path: string, method = 'GET', host = `localhost:${port}`) {
  const asked = request({ host: '127.0.0.1', port, path, method, headers: { host }, agent: false }).end()
  const [response] = await once(asked, 'response')
  let text = ''
  for await (const chunk of response) text += chunk
  return { status: response.statusCode as number, text }
}

/** Sends bytes, and waits until the connection is closed. @returns what was answered */
async function raw(port: number, bytes: string, host = '127.0.0.1'): Promise<string> {
  const socket = connect(port, host)
  let text = ''
  socket.setEncoding('utf8').on('data', (chunk: string) => {
    text += chunk
  })
  socket.on('error', (error: NodeJS.ErrnoException) => {
    text ||= error.code ?? ''
  })
  socket.write(bytes)
  await until('the connection is closed', () => socket.closed)
  return text
}

for (const [name, serve] of Object.entries(SERVERS)) {
  test(`${name}: served at 127.0.0.1 and nowhere else, to who comes by a local name`, async () => {
    await using server = await serve()
    const { port, path } = server
    assert.equal(await raw(port, 'GET / HTTP/1.1\r\n\r\n', '127.0.0.2'), 'ECONNREFUSED')
    for (const host of [`localhost:${port}`, `127.0.0.1:${port}`, 'LOCALHOST', '[::1]:9'])
      assert.equal((await ask(server, path, 'GET', host)).status, 200, host)
    for (const host of [
      'evil.example',
      `evil.example:${port}`,
      'localhost.evil.example',
      '127.0.0.1.nip.io',
    ]) {
      const { status, text } = await ask(server, path, 'GET', host)
      assert.deepEqual([status, text], [403, 'Only for localhost.\n'], host)
    }
    assert.match(await raw(port, `GET ${path} HTTP/1.0\r\n\r\n`), /^HTTP\/1.1 403 /, 'no name at all')
  })

  test(`${name}: takes what is no question without harm`, async () => {
    await using server = await serve()
    const { port, path } = server
    for (const method of ['POST', 'PUT', 'DELETE'])
      assert.equal((await ask(server, path, method)).status, 405)
    for (const other of ['/', '/favicon.ico', '//', `//${path}`, `${path}/..`, `/..${path}`, '/%'])
      assert.equal((await ask(server, other)).status, 404, other)
    const head = `Host: localhost\r\nConnection: close\r\n`
    const answered: [bytes: string, status: number][] = [
      ['whatever this is\r\n\r\n', 400],
      [`GET ${path} HTTP/1.1\r\n${head}X: ${'x'.repeat(20_000)}\r\n\r\n`, 431],
      [`GET http://[ HTTP/1.1\r\n${head}\r\n`, 404],
      [`GET ${path}?%ff=%&__proto__=x HTTP/1.1\r\n${head}\r\n`, name === 'query' ? 400 : 200],
    ]
    for (const [bytes, status] of answered)
      assert.match(await raw(port, bytes), new RegExp(`^HTTP/1.1 ${status} `), bytes.slice(0, 40))
    assert.equal((await ask(server, path)).status, 200)
  })
}

test('metrics: connections beyond 64 are closed, and one that is free again is given', async () => {
  await using server = await SERVERS.metrics!()
  const silent = Array.from({ length: 64 }, () => connect(server.port, '127.0.0.1').on('error', () => {}))
  await Promise.all(silent.map((socket) => once(socket, 'connect')))
  assert.equal(await raw(server.port, ''), '')
  for (const socket of silent) socket.destroy()
  await until('there is room', async () => {
    const { status } = await ask(server, '/livez').catch(() => ({ status: 0 }))
    return status === 200
  })
})
