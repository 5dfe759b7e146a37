import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { type TestContext, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { attach, parseOptions, type StormEvent, startSource } from '../../lib/index.js'
import { Nginx } from '../../servers/index.js'
import { conformsAsLogSource, freeEndpoint, until } from '../../testing/index.js'
import nginxError from './nginx-error.js'
import type { HttpError } from './parse.js'

const SAMPLE = fileURLToPath(new URL('../../../sources/nginx-error/samples/error.log', import.meta.url))
const skip = Nginx.skip()

const makeParser = (given: object = {}) => nginxError.parser!(parseOptions(nginxError.options, given, 'test'))

/** A FastCGI record (type, content) of request 1, without padding. */
function record(type: number, content: string): Buffer {
  const head = Buffer.from([1, type, 0, 1, content.length >> 8, content.length & 255, 0, 0])
  return Buffer.concat([head, Buffer.from(content)])
}

/** Answers every request, and complains of it in two lines on the standard error stream. */
function complaining() {
  return createServer((socket) => {
    socket.once('data', () => {
      socket.write(record(7, 'PHP message: first\nPHP message: second'))
      socket.write(record(6, 'Content-Type: text/plain\r\n\r\nok'))
      socket.end(Buffer.concat([record(6, ''), record(3, '\0\0\0\0\0\0\0\0')]))
    })
    socket.on('error', () => {})
  })
}

async function realNginx(t: TestContext) {
  const fastcgi = complaining()
  const server = await Nginx.start({
    http: () => 'access_log off; limit_req_zone $server_name zone=slow:64k rate=1r/m;',
    server(at) {
      fastcgi.listen(at('fastcgi.sock'))
      return `server_name shop.example; root ${at('html')};
        location /refused { proxy_pass http://127.0.0.1:9; }
        location /slow { limit_req zone=slow; return 200; }
        location /slow-file { limit_req zone=slow; }
        location /dead { fastcgi_pass unix:${at('nobody.sock')}; }
        location /php { fastcgi_pass unix:${at('fastcgi.sock')}; }`
    },
  })
  t.after(async () => {
    fastcgi.close()
    await server[Symbol.asyncDispose]()
  })
  const headers = { Host: 'shop.example', Referer: 'http://other.example/?a, b' }
  return { at: (name: string) => server.at(name), get: (path: string) => server.get(path, headers) }
}

async function start(t: TestContext, given: object) {
  const events: StormEvent[] = []
  const sink = await attach(
    { write: (batch) => void events.push(...batch) },
    { bind: [freeEndpoint()], subscribe: ['**'] },
  )
  const options = parseOptions(nginxError.options, { recheck: 50, ...given }, 'test')
  const source = await startSource(nginxError.create(options), {
    source: 'web',
    connect: [...sink.endpoints],
  })
  t.after(async () => {
    await source.close()
    await sink.close()
  })
  return { source, events, errors: () => events.map((event) => event.data as HttpError) }
}

test('what a real nginx complains of is what clients did', { skip }, async (t) => {
  const { at, get } = await realNginx(t)
  const { source, events, errors } = await start(t, { file: at('error.log'), fromStart: true })
  await until('somebody listens', async () => {
    await get('/hello')
    return errors().some(({ target }) => target === '/hello')
  })
  const counts = { '/missing': 7, '/refused': 5, '/dead': 3, '/php': 4, '/slow-file': 6 }
  const began = Date.now()
  const statuses: number[] = []
  for (const [path, count] of Object.entries(counts)) {
    for (let i = 0; i < count; i++) statuses.push(await get(`${path}?n=${i}`))
  }
  const of = (path: string) => errors().filter(({ target }) => target?.startsWith(`${path}?`))
  const total = 7 + 5 + 3 + 4 + 6
  await until(
    'all is told',
    () => Object.keys(counts).reduce((sum, path) => sum + of(path).length, 0) >= total,
  )
  for (const [path, count] of Object.entries(counts)) assert.equal(of(path).length, count, path)
  const message = (path: string) => of(path).map((error) => error.message)
  assert.match(
    message('/missing')[0]!,
    /^open\(\) ".*\/html\/missing" failed \(2: No such file or directory\)$/,
  )
  assert.match(message('/refused')[0]!, /^connect\(\) failed \(111: Connection refused\) while connecting/)
  assert.match(message('/dead')[0]!, /^connect\(\) to unix:.*nobody\.sock failed \(2: /)
  assert.match(
    message('/php')[0]!,
    /^FastCGI sent in stderr: "PHP message: first\nPHP message: second" while/,
  )
  const limited = of('/slow-file').filter(({ zone }) => zone === 'slow')
  assert.equal(limited.length, statuses.filter((status) => status === 503).length)
  assert.equal(limited.length, 5)
  assert.ok(limited.every(({ excess }) => excess! > 0))
  const [refused] = of('/refused')
  const { client, server, method, httpVersion, upstream, host, referrer } = refused!
  assert.deepEqual(
    { client, server, method, httpVersion, upstream, host, referrer },
    {
      client: 'unix:',
      server: 'shop.example',
      method: 'GET',
      httpVersion: '1.1',
      upstream: 'http://127.0.0.1:9/refused?n=0',
      host: 'shop.example',
      referrer: 'http://other.example/?a, b',
    },
  )
  assert.ok(events.every(({ time }) => Math.abs(time.getTime() - began) < 60_000))
  assert.equal(source.counters().unparsed, 0)
})

test('the sample comes through whole', () => {
  const parser = makeParser()
  const lines = readFileSync(SAMPLE, 'utf8').trimEnd().split('\n')
  const results = lines.map((line) => parser.line(line))
  assert.deepEqual(
    results.filter((result) => 'unparsed' in result),
    [],
  )
  const errors = [...results.flat(), ...parser.end!()].map((event) => (event as { data: HttpError }).data)
  assert.ok(errors.some((error) => error.message.includes('\n')))
  assert.ok(errors.some((error) => error.truncated))
  assert.ok(errors.some((error) => error.zone !== undefined))
})

test('lines that come through syslog are taken, too', () => {
  const parser = makeParser({ zone: 'UTC' })
  const entry = '2026/01/31 12:00:07 [warn] 3#3: a message'
  const plain = parser.line(entry)
  assert.ok(Array.isArray(plain))
  assert.deepEqual(plain[0]?.time, new Date(Date.UTC(2026, 0, 31, 12, 0, 7)))
  for (const head of ['Jan 31 12:00:08 web-1 nginx: ', '2026-01-31T12:00:08.1+01:00 web-1 nginx[9]: ']) {
    assert.deepEqual(parser.line(head + entry), plain)
    assert.ok('unparsed' in parser.line(head.replace('nginx', 'other') + entry))
  }
})

const checks = conformsAsLogSource({
  definition: nginxError,
  line: (number) =>
    `2026/11/21 08:50:43 [error] 7#7: *${number} open() "/srv/${number}" failed, client: 192.0.2.1`,
  refused: [{ zone: 'Mars' }, { once: true, replay: 1 }],
})
for (const { name, run } of checks) test(name, run)
