import assert from 'node:assert/strict'
import { randomInt } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import { ask, attach, EventSource } from '../../lib/index.js'
import { checkReader, freeEndpoint, until } from '../../testing/index.js'
import segments from './segments.js'

const seed = Number(process.env.SEED ?? randomInt(2 ** 31))

for (const extract of [[], ['ms', 'user.name:text']]) {
  test(`the store answers as the events themselves do, with ${extract.length} columns for fields`, async (t) => {
    const path = await mkdtemp(join(tmpdir(), 'eventstorm-questions-'))
    t.after(() => rm(path, { recursive: true }))
    const sink = segments.create(segments.options.parse({ path, extract, rollRows: 100 }))
    const { answered, refused } = await checkReader(sink, () => segments.reader!(`segments:${path}`), {
      seed,
    })
    t.diagnostic(`seed ${seed}: ${answered} questions answered`)
    assert.ok(answered >= 30 && refused === 0, `${answered}, ${refused}`)
  })
}

test('hundreds of thousands of events of usual length are stored and merged within the default memory', async (t) => {
  const path = await mkdtemp(join(tmpdir(), 'eventstorm-many-'))
  t.after(() => rm(path, { recursive: true }))
  const count = 400_000
  const sink = await attach(segments.create(segments.options.parse({ path, rollRows: 20_000, roll: '1h' })), {
    ...segments.defaults,
    bind: [freeEndpoint()],
    queueEvents: count,
    queueBytes: '1GiB',
  })
  const source = new EventSource({ source: 'web', connect: [...sink.endpoints], sendHighWaterMark: 100_000 })
  await source.subscribed('http.hit', { timeout: 15_000 })
  const text = 'Mozilla/5.0 (X11; Linux x64) Gecko/20100101 '.repeat(7)
  for (let n = 0; n < count; n++) {
    source.emit('http.hit', { n, text, path: `/products/${n}`, ms: n / 7 })
    if (n % 1000 === 999) await turn()
  }
  await until(
    'all are taken, and files were merged',
    () => {
      const { written, merges } = sink.counters()
      return written === count && Number(merges) > 0
    },
    120_000,
  )
  const { mergesFailed, dropped } = sink.counters()
  assert.deepEqual([mergesFailed, dropped.failed, dropped.overflow], [0, 0, 0])
  await source.close()
  await sink.drain()
  await using reader = await segments.reader!(`segments:${path}`)
  const { rows } = await ask(reader, { measure: ['count', 'distinct(n)', 'sum(n)'] })
  assert.deepEqual(rows, [[count, count, (count * (count - 1)) / 2]])
})
