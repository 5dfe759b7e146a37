import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer, get } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { Asker, serveQuery } from '../../lib/ask/index.js'
import { ask, type EventQuery, type StoreReader } from '../../lib/index.js'
import { ControlledClock, until } from '../../testing/index.js'
import { bigStore } from './fixtures/big-store.js'
import segments from './segments.js'

const ROWS = 2_000_000
/** Takes far longer than anything here waits: each of these fields is looked for in the JSON of every event. */
const SLOW = `/api/query?${Array.from({ length: 60 }, (_, i) => `measure=sum(field${i})`).join('&')}`

let folder: string
let store: StoreReader
/** What became of each query in the store. */
const outcomes: string[] = []
const clock = new ControlledClock()
let asker: Asker
let url: string
let close: () => Promise<void>

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'eventstorm-ask-'))
  await bigStore(folder, ROWS)
  store = await segments.reader!(`segments:${folder}`)
  const watched: StoreReader = {
    query(query: EventQuery, signal) {
      const answer = store.query(query, signal)
      answer.then(
        () => outcomes.push('answered'),
        ({ code }) => outcomes.push(code),
      )
      return answer
    },
    [Symbol.asyncDispose]: () => store[Symbol.asyncDispose](),
  }
  asker = new Asker(watched, { askAtOnce: 1, askWaiting: 0 }, clock)
  const server = createServer((request, response) => void serveQuery(asker, request, response))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  close = () => new Promise((resolve) => server.close(() => resolve()))
})

after(async () => {
  await close()
  await store[Symbol.asyncDispose]()
  await rm(folder, { recursive: true })
})

const idle = () => until('the store has let go', () => asker.counters().running === 0)

test('a question over HTTP is answered as JSON', async () => {
  const response = await fetch(`${url}/api/query?by=type&measure=count&limit=3`)
  assert.equal(response.status, 200)
  const answer = await response.json()
  assert.deepEqual(answer, {
    columns: ['type', 'count'],
    rows: [0, 1, 2].map((i) => [`test.type${i}`, ROWS / 5]),
    truncated: true,
  })
  assert.equal((await fetch(`${url}/api/query?limit=-1`)).status, 400)
  const post = await fetch(`${url}/api/query`, { method: 'POST', body: '{}' })
  assert.deepEqual([post.status, post.headers.get('allow')], [405, 'GET'])
  await idle()
  outcomes.length = 0
})

test('a query that is too slow is ended in the store, and meanwhile the next is refused', async () => {
  const slow = fetch(`${url}${SLOW}`)
  await until('it is at work', () => asker.counters().running === 1)
  const busy = await fetch(`${url}/api/query`)
  assert.deepEqual([busy.status, busy.headers.get('retry-after')], [429, '1'])
  await clock.advance(10_000)
  assert.equal((await slow).status, 504)
  await idle()
  assert.deepEqual(outcomes.splice(0), ['TIMEOUT'])
})

test('a client that goes away ends its query', async () => {
  const request = get(`${url}${SLOW}`)
  request.on('error', () => {})
  await until('it is at work', () => asker.counters().running === 1)
  request.destroy()
  await until('it was noticed', () => asker.counters().gone === 1)
  await idle()
  assert.deepEqual(outcomes.splice(0), ['CLOSED'])
  assert.equal((await fetch(`${url}/api/query`)).status, 200)
})

test('a question that is not ended gets its answer', async () => {
  const { rows, truncated } = await ask(store, { measure: ['count', 'p99(ms)'] })
  assert.deepEqual([rows[0]![0], truncated], [ROWS, false])
})
