/*
 * How a pipeline file is tested: it runs inside the test, on a clock that the test owns and at endpoints of its own, with
 * components of the test in the place of the mail log and of the database.
 *
 *     node --test dist/examples/own-pipeline/pipeline.test.js
 */
import assert from 'node:assert/strict'
import { appendFile, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { CollectingSink, ManualSource, testPipeline } from 'eventstorm/testing'

const FILE = new URL('../../../examples/own-pipeline/pipeline.yaml', import.meta.url)
const hit = (path: string) =>
  `192.0.2.1 - - [31/Jan/2026:12:00:07 +0000] "GET ${path} HTTP/1.1" 200 6 "-" "-"\n`

async function start(t: TestContext) {
  const folder = await mkdtemp(join(tmpdir(), 'own-pipeline-'))
  const file = join(folder, 'access.log')
  await writeFile(file, '')
  const [mail, store, odd] = [new ManualSource(), new CollectingSink(), new CollectingSink()]
  const pipeline = await testPipeline(FILE, { options: { web: { file } }, replace: { mail, store, odd } })
  t.after(async () => {
    await pipeline.close()
    await rm(folder, { recursive: true, force: true })
  })
  await mail.listenedTo('smtp.delivery')
  // Two sinks, so two subscriptions; who comes later misses what was read before.
  await pipeline.until('the log knows of both', () => pipeline.counters('web').subscriptions === 2, 0)
  return { pipeline, mail, store, odd, log: (line: string) => appendFile(file, line) }
}

test('requests and deliveries are stored, and lines that fit nothing are printed', async (t) => {
  const { pipeline, mail, store, odd, log } = await start(t)
  await log(`${hit('/a')}what is this\n${hit('/b')}`)
  mail.emit({ type: 'smtp.delivery', data: { status: 'sent' } })
  // The store waits 5 seconds for company; on this clock they take no time.
  await pipeline.until('all of it is stored', () => store.events.length === 4)
  assert.deepEqual(
    store.of('http.hit').map(({ data }) => (data as { path: string }).path),
    ['/a', '/b'],
  )
  assert.equal(store.of('smtp.delivery').length, 1)
  await pipeline.until('it is printed', () => odd.events.length === 1)
  assert.equal((odd.events[0]!.data as { line: string }).line, 'what is this')
})

test('what a router loses is counted, and what comes after it has restarted is stored', async (t) => {
  const { pipeline, store, log } = await start(t)
  await log(hit('/before'))
  await pipeline.until('it is stored', () => store.of('http.hit').length === 1)
  pipeline.losing.add('main')
  await log(hit('/lost'))
  await pipeline.until('the store knows of it', () => pipeline.counters('store').lost === 1)
  pipeline.losing.delete('main')
  await pipeline.restart('main')
  let made = 0
  await pipeline.until('events pass again', async () => {
    await log(hit(`/after/${made++}`))
    return store.of('http.hit').length > 1
  })
  await pipeline.drain()
  const { received, written, lost } = pipeline.counters('store')
  assert.equal(received, written)
  assert.equal(store.of('http.hit').length, pipeline.counters('web').sent! - lost!)
})
