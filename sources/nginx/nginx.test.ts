import assert from 'node:assert/strict'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { attach, parseOptions, type StormEvent, startSource } from '../../lib/index.js'
import { Nginx } from '../../servers/index.js'
import { conformsAsLogSource, freeEndpoint, until } from '../../testing/index.js'
import type { Hit } from './hit.js'
import nginx from './nginx.js'

const SAMPLE = fileURLToPath(new URL('../../../sources/nginx/samples/access.log', import.meta.url))
const JSON_FORMAT = `log_format as_json escape=json '{"t":"$msec","r":"$request","s":$status,"u":"$http_user_agent",'
  '"user":"$remote_user","ref":"$http_referer","len":$request_length,"up":"$upstream_status"}';`
const PLAIN_FORMAT = `log_format plain escape=none '$time_iso8601|$request|$status|$http_user_agent|$http_referer';`

const skip = Nginx.skip()

/** A real nginx that writes its log in three formats. */
async function realNginx(t: TestContext): Promise<Nginx> {
  const nginx = await Nginx.start({
    http: (at) => `${JSON_FORMAT} ${PLAIN_FORMAT}
      access_log ${at('access.log')} combined; access_log ${at('json.log')} as_json; access_log ${at('plain.log')} plain;`,
    server: () => 'location / { return 200 ok; } location /gone { return 410; }',
  })
  t.after(() => nginx[Symbol.asyncDispose]())
  return nginx
}

async function start(t: TestContext, given: object) {
  const events: StormEvent[] = []
  const sink = await attach(
    { write: (batch) => void events.push(...batch) },
    { bind: [freeEndpoint()], subscribe: ['**'] },
  )
  const options = parseOptions(nginx.options, { recheck: 50, ...given }, 'nginx')
  const source = await startSource(nginx.create(options), { source: 'web', connect: [...sink.endpoints] })
  t.after(async () => {
    await source.close()
    await sink.close()
  })
  return { source, sink, events, hits: () => events.map((event) => event.data as Hit) }
}

test('every request that clients made is one event, through rotations under load', { skip }, async (t) => {
  const server = await realNginx(t)
  const at = (name: string) => server.at(name)
  const get = (path: string) => server.get(path)
  const { source, events, hits } = await start(t, {
    file: at('access.log'),
    fromStart: true,
    // On a busy machine nginx may take its time before it lets the old file go.
    rotateWait: 10_000,
  })
  // Only what is emitted after the subscription can arrive.
  await until('somebody listens', async () => {
    await get('/hello')
    return events.length > 0
  })
  const statuses = new Map<string, number>()
  let made = 0
  const makeRequests = async (count: number) => {
    for (let i = 0; i < count; i++) {
      const path = `${made % 7 === 0 ? '/gone' : '/'}?id=${made++}`
      statuses.set(path, await get(path))
    }
  }
  for (let round = 0; round < 3; round++) {
    const clients = [makeRequests(100), makeRequests(100), makeRequests(100)]
    await until('the load is under way', () => statuses.size > 300 * round + 50)
    server.rotate('access.log')
    await Promise.all(clients)
    await until('nginx has opened its new log', () => existsSync(at('access.log')))
    // The next rotation overwrites what this one has put away: nobody could read it after that.
    await until('the rotation was noticed', () => source.counters().rotations === round + 1)
  }
  const numbered = () => hits().filter((hit) => hit.query?.startsWith('id='))
  await until('every request is an event', () => numbered().length >= made)
  assert.deepEqual(
    numbered()
      .map(({ target, status }) => [target, status])
      .sort(),
    [...statuses].sort(),
  )
  assert.equal(source.counters().rotations, 3)
  assert.equal(source.counters().unparsed, 0)
})

test('the three ways of nginx to escape give the same fields', { skip }, async (t) => {
  const server = await realNginx(t)
  const agents = [
    'plain',
    'with "quotes" and \\backslash\\',
    'caf\xc3\xa9',
    'tab\there',
    '{"json":"x"}',
    '\\x41',
  ]
  for (const agent of agents)
    await server.get('/?a=b%22', { 'User-Agent': agent, Referer: `http://x.example/${agent}` })
  for (const odd of ['hello\r\n\r\n', 'GET /\r\n', 'GET /a b HTTP/1.1\r\n\r\n', '\x16\x03\x01\x02\r\n\r\n'])
    await server.raw(odd)
  const count = agents.length + 4
  const read = (name: string, format: string) => {
    const lines = readFileSync(server.at(name), 'utf8').trimEnd().split('\n')
    const parser = nginx.parser!(parseOptions(nginx.options, { format }, 'nginx'))
    return lines.map((line) => {
      const result = parser.line(line)
      assert.ok(Array.isArray(result), `${line}: ${JSON.stringify(result)}`)
      return result[0]!.data as Hit
    })
  }
  const lineCount = () => readFileSync(server.at('plain.log'), 'utf8').split('\n').length - 1
  await until('all lines are written', () => lineCount() === count)

  const combined = read('access.log', 'combined')
  const json = read('json.log', JSON_FORMAT)
  const plain = read('plain.log', PLAIN_FORMAT)
  const decoded = (agent: string) => Buffer.from(agent, 'latin1').toString()
  for (const hits of [combined, json, plain]) {
    assert.deepEqual(
      hits
        .slice(0, agents.length)
        .map(({ userAgent, referer, query, status }) => ({ userAgent, referer, query, status })),
      agents.map((agent) => ({
        userAgent: decoded(agent),
        referer: `http://x.example/${decoded(agent)}`,
        query: 'a=b%22',
        status: 200,
      })),
    )
    assert.deepEqual(
      hits.slice(agents.length).map(({ status, request }) => [status, request?.slice(0, 5)]),
      [
        [400, 'hello'],
        [200, undefined],
        [400, 'GET /'],
        [400, hits === combined ? '\\x16\\' : hits === json ? '\\u001' : '\x16\x03\x01\x02'],
      ],
    )
  }
  assert.ok(json.every(({ requestLength }) => typeof requestLength === 'number'))
})

test('once: the sample comes through whole, and the source ends', async (t) => {
  const { source, sink, events } = await start(t, { file: SAMPLE, once: true })
  await source.ended
  const lines = readFileSync(SAMPLE, 'utf8').trimEnd().split('\n').length
  await until('all events are there', () => events.length === lines)
  assert.equal(sink.counters().lost, 0)
  assert.equal(events[0]!.type, 'http.hit')
  assert.equal(events[0]!.time.getUTCFullYear(), 2026)
})

test('lines that come through syslog are taken, too', () => {
  const parser = (format: string) => nginx.parser!(parseOptions(nginx.options, { format }, 'nginx'))
  const line = '192.0.2.1 - - [31/Jan/2026:12:00:07 +0000] "GET /a HTTP/1.1" 200 6'
  const common = parser('common')
  const plain = common.line(line)
  assert.ok(Array.isArray(plain))
  for (const head of ['Jan 31 12:00:08 web-1 nginx: ', '2026-01-31T12:00:08.1+01:00 web-1 nginx[9]: ']) {
    assert.deepEqual(common.line(head + line), plain)
  }
  const bare = parser('$status "$request"').line('2026-01-31T12:00:08Z web-1 nginx: 200 "GET / HTTP/1.1"')
  assert.ok(Array.isArray(bare))
  assert.equal(bare[0]?.time?.getTime(), Date.UTC(2026, 0, 31, 12, 0, 8))
  const own = parser('$time_iso8601 $host $request').line('2026-01-31T12:00:08+00:00 web-1 nginx: x y z')
  assert.equal((own as { data: Hit }[])[0]?.data.host, 'web-1')
})

test('a format that nobody could read is refused before anything is opened', () => {
  const options = parseOptions(nginx.options, { file: '/nowhere', format: '$status$host' }, 'nginx')
  assert.throws(() => nginx.create(options), { code: 'FORMAT_INVALID' })
})

test('the format can be read from the configuration of nginx', (t) => {
  const directory = mkdtempSync(join(tmpdir(), 'storm-conf-'))
  t.after(() => rmSync(directory, { recursive: true }))
  const nginxConf = join(directory, 'nginx.conf')
  writeFileSync(nginxConf, `http { log_format main '$status '\n  '"$request"'; ${PLAIN_FORMAT} }`)
  const parser = (given: object) => nginx.parser!(parseOptions(nginx.options, given, 'nginx'))
  const line = '404 "GET /x HTTP/1.1"'
  assert.deepEqual(parser({ nginxConf }).line(line), [
    {
      type: 'http.hit',
      data: { status: 404, method: 'GET', target: '/x', path: '/x', httpVersion: '1.1' },
    },
  ])
  assert.throws(() => parser({ nginxConf, formatName: 'other' }), { code: 'FORMAT_INVALID' })
  assert.throws(() => parser({ nginxConf: join(directory, 'none') }), { code: 'FILE_UNREADABLE' })
})

const sample = readFileSync(SAMPLE, 'utf8').trimEnd().split('\n')
for (const { name, run } of conformsAsLogSource({
  definition: nginx,
  line: (number) => sample[number % sample.length]!,
  refused: [{ format: '$status$host' }, { nginxConf: '/nowhere' }, { once: true, replay: 1 }],
})) {
  test(name, run)
}
