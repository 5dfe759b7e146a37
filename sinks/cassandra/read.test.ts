import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { after, before, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { attach, EventSource, parseQuery, queryOptions } from '../../lib/index.js'
import { cassandra, type RunningServer } from '../../servers/index.js'
import { checkReader, freeEndpoint, until } from '../../testing/index.js'
import definition from './cassandra.js'

const run = promisify(execFile)
const PROGRAM = fileURLToPath(new URL('../../cli/eventstorm.js', import.meta.url))
const skip = cassandra.skip()

let server: RunningServer

before(async () => {
  if (skip === false) server = await cassandra.start()
})

after(() => server?.[Symbol.asyncDispose]())

const create = (url: string, own: object = {}) => definition.create(definition.options.parse({ url, ...own }))

test('every question is answered as by the events themselves', { skip }, async (t) => {
  const url = `${server.url}/conformance`
  const seed = 4
  const tally = await checkReader(create(url, { bucket: '7m', shards: 3 }), () => definition.reader!(url), {
    seed,
  })
  t.diagnostic(`seed ${seed}: ${tally.answered} questions answered`)
  assert.ok(tally.answered > 30 && tally.refused === 0)
})

test('what would be too much is refused in a sentence, the program asks, and twice is once', {
  skip,
}, async () => {
  const url = `${server.url}/bounds`
  const [first, second] = [create(url), create(url)]
  // Two sinks hear the same source and write to the same table.
  await using one = await attach(first, { bind: [freeEndpoint()] })
  await using two = await attach(second, { bind: [freeEndpoint()] })
  const source = new EventSource({ source: 'shop', connect: [...one.endpoints, ...two.endpoints] })
  await source.subscribed('**', { timeout: 15_000 })
  await until('both listen', () => {
    source.emit('order.started', {})
    return [one, two].every((sink) => sink.counters().written > 0)
  })
  for (let i = 0; i < 500; i++) source.emit('order.placed', { i, text: `text ${i}` })
  await source.drain()
  await until('both have written', () =>
    [one, two].every((sink) => {
      const placed = [...sink.streams()].find(({ type }) => type === 'order.placed')
      return placed?.received === 500 && sink.counters().queued === 0
    }),
  )
  const ask = async (parameters: string, question: object) => {
    await using reader = await definition.reader!(`${url}${parameters}`)
    return await reader.query(parseQuery(queryOptions.parse({ type: 'order.placed', ...question }), 0))
  }
  assert.deepEqual((await ask('', {})).rows, [[500]])
  assert.deepEqual((await ask('?readRows=500', { measure: 'distinct(i)' })).rows, [[500]])
  const refused = (message: RegExp) => ({ code: 'QUERY_INVALID', message })
  await assert.rejects(ask('?readRows=499', {}), refused(/more than 499 events/))
  await assert.rejects(ask('?readMemory=10kB', { by: 'text' }), refused(/more than 10000 bytes of memory/))
  await assert.rejects(ask('?readTime=1', {}), refused(/longer than 1 ms/))
  assert.equal((await ask('?readRows=500', { latest: 3 })).rows.length, 3)
  await assert.rejects(ask('/x', {}), { code: 'OPTIONS_INVALID' })
  const flags = [
    'query',
    '--store',
    url,
    '--type',
    'order.placed',
    '--measure',
    'max(i)',
    '--output',
    'ndjson',
  ]
  const { stdout } = await run(process.execPath, [PROGRAM, ...flags])
  assert.equal(stdout, '{"max(i)":499}\n')
  await assert.rejects(
    run(process.execPath, [PROGRAM, 'query', '--store', 'cassandra://me:s3cret@127.0.0.1:1/x']),
    (error: Error & { stderr: string }) => {
      assert.match(error.stderr, /STORE_FAILED: Cassandra: .*ECONNREFUSED/)
      assert.doesNotMatch(error.stderr, /s3cret/)
      return true
    },
  )
})
