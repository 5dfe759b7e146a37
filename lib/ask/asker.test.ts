import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, get as httpGet } from 'node:http'
import type { AddressInfo } from 'node:net'
import { test } from 'node:test'
import { ControlledClock, until } from '../../testing/index.js'
import { EventstormError } from '../errors.js'
import { Asker, type Question } from './asker.js'
import { questionOf, replyTo, serveQuery } from './http.js'
import type { EventQuery, QueryAnswer, StoreReader } from './query.js'

/** A store whose answers come when the test wants them. */
class HeldReader implements StoreReader {
  readonly asked: { query: EventQuery; answer(rows: number): void; fail(error: Error): void }[] = []
  query(query: EventQuery, signal?: AbortSignal): Promise<QueryAnswer> {
    return new Promise((resolve, reject) => {
      const rows = (count: number) => Array.from({ length: count }, (_, i) => [i])
      this.asked.push({
        query,
        answer: (count) => resolve({ columns: ['count'], rows: rows(Math.min(count, query.limit)) }),
        fail: reject,
      })
      signal?.addEventListener('abort', () => reject(signal.reason))
    })
  }
  async [Symbol.asyncDispose]() {}
}

const setUp = (options: object = {}) => {
  const reader = new HeldReader()
  const clock = new ControlledClock()
  const asker = new Asker(reader, { askAtOnce: 1, askWaiting: 1, ...options }, clock)
  const get = (url: string, signal?: AbortSignal) =>
    replyTo(asker, new URL(url, 'http://localhost').searchParams, signal)
  return { reader, clock, asker, get }
}

test('parameters of a URL are a question', () => {
  const of = (text: string) => questionOf(new URLSearchParams(text))
  assert.deepEqual(of('type=http.hit&where=status%3E%3D500&where=path%3D/&every=1m&limit=7&from=1h'), {
    type: ['http.hit'],
    where: ['status>=500', 'path=/'],
    every: '1m',
    limit: 7,
    from: '1h',
  } satisfies Question)
  assert.throws(() => of('limit=1&limit=2'), { code: 'QUERY_INVALID', message: /limit: expected it once/ })
})

test('one at work, one waiting, and the next is refused; rows are bounded, and that is told', async () => {
  const { reader, asker, get } = setUp({ askRows: 3 })
  const [first, second, third] = [get('/?type=a.b'), get('/?limit=2'), get('/')]
  const refused = await third
  assert.deepEqual([refused.status, refused.headers['retry-after']], [429, '1'])
  assert.equal(JSON.parse(refused.body).error.code, 'BUSY')
  assert.deepEqual([reader.asked.length, asker.counters().running, asker.counters().waiting], [1, 1, 1])
  reader.asked[0]!.answer(4)
  const { status, body, headers } = await first
  assert.deepEqual(
    [status, JSON.parse(body)],
    [200, { columns: ['count'], rows: [[0], [1], [2]], truncated: true }],
  )
  assert.match(headers['content-type']!, /^application\/json/)
  await until('the second is at work', () => reader.asked.length === 2)
  reader.asked[1]!.answer(2)
  assert.equal(JSON.parse((await second).body).truncated, false)
  const { asked, answered, truncated, busy, running } = asker.counters()
  assert.deepEqual([asked, answered, truncated, busy, running], [3, 2, 1, 1, 0])
})

test('too late is 504, wherever the question was, and its place is free again', async () => {
  const { reader, clock, asker, get } = setUp({ askTimeout: '5s' })
  const both = [get('/'), get('/')]
  await until('one is at work', () => reader.asked.length === 1)
  await clock.advance(5000)
  for (const { status, body } of await Promise.all(both)) {
    assert.deepEqual([status, JSON.parse(body).error.code], [504, 'TIMEOUT'])
  }
  assert.deepEqual([asker.counters().late, asker.counters().running, asker.counters().waiting], [2, 0, 0])
  const before = reader.asked.length
  const next = get('/')
  await until('it is at work', () => reader.asked.length > before)
  reader.asked[before]!.answer(1)
  assert.equal((await next).status, 200)
})

test('a store that does not let go keeps its place', async () => {
  const { clock, asker, reader } = setUp({ askTimeout: '5s', askWaiting: 0 })
  let letGo!: () => void
  reader.query = () => new Promise((resolve) => (letGo = () => resolve({ columns: [], rows: [] })))
  const asked = assert.rejects(asker.ask({}), { code: 'TIMEOUT' })
  await clock.advance(5000)
  await asked
  await assert.rejects(asker.ask({}), { code: 'BUSY' })
  letGo()
  await until('the place is free', () => asker.counters().running === 0)
})

test('who goes away ends the question', async () => {
  const { reader, asker, get } = setUp()
  const [working, waiting] = [new AbortController(), new AbortController()]
  const replies = [get('/', working.signal), get('/', waiting.signal)]
  await until('one is at work', () => reader.asked.length === 1)
  waiting.abort()
  working.abort()
  await Promise.all(replies)
  const { gone, running, waiting: left } = asker.counters()
  assert.deepEqual([gone, running, left, reader.asked.length], [2, 0, 0, 1])
})

test('a request is answered whatever its path is, even if that is none', async (t) => {
  const reader = { query: async () => ({ columns: ['count'], rows: [] }), async [Symbol.asyncDispose]() {} }
  const asker = new Asker(reader)
  let failed: unknown
  const server = createServer((request, response) => {
    serveQuery(asker, request, response).catch((error) => {
      failed = error
      response.end()
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => server.close())
  const { port } = server.address() as AddressInfo
  for (const [path, status] of [
    ['/anything?limit=1', 200],
    ['//', 200],
    ['//?limit=1', 200],
    ['http://[?limit=1', 200],
    ['//?limit=1&limit=2', 400],
    ['/?nonsense', 400],
  ] as const) {
    const [response] = await once(httpGet({ host: '127.0.0.1', port, path }), 'response')
    response.resume()
    assert.deepEqual([response.statusCode, failed], [status, undefined], path)
  }
})

test('what cannot be answered says why, and tells nothing else', async () => {
  const { reader, asker, get } = setUp()
  const refused: [string, number, string][] = [
    ['/?limit=x', 400, 'OPTIONS_INVALID'],
    ['/?limit=0', 400, 'OPTIONS_INVALID'],
    ['/?colour=red', 400, 'OPTIONS_INVALID'],
    ['/?measure=median(ms)', 400, 'QUERY_INVALID'],
    ['/?type=a..b', 400, 'PATTERN_INVALID'],
  ]
  for (const [url, status, code] of refused) {
    const answer = await get(url)
    assert.deepEqual([answer.status, JSON.parse(answer.body).error.code], [status, code], url)
  }
  const failures: [Error, number, string][] = [
    [new EventstormError('STORE_FAILED', 'the store is away'), 503, 'STORE_FAILED'],
    [new TypeError('secret'), 500, 'INTERNAL'],
  ]
  for (const [error, status, code] of failures) {
    const asked = get('/')
    await until('it is asked', () => reader.asked.length > 0)
    reader.asked.pop()!.fail(error)
    const answer = await asked
    assert.deepEqual([answer.status, JSON.parse(answer.body).error.code], [status, code])
    assert.doesNotMatch(answer.body, /secret/)
  }
  assert.deepEqual([asker.counters().invalid, asker.counters().failed], [5, 2])
})
