import assert from 'node:assert/strict'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { attach, EventSource, parseOptions } from 'eventstorm'
import { conformsAsSink, freeEndpoint, until } from 'eventstorm/testing'
import tally from './tally.js'

async function folder() {
  const path = await mkdtemp(join(tmpdir(), 'tally-'))
  return { file: join(path, 'tally.json'), end: () => rm(path, { recursive: true, force: true }) }
}

// What any sink has to hold. The file has numbers alone, so there are no events to be read back from it.
const checks = conformsAsSink({
  definition: tally,
  async begin() {
    const { file, end } = await folder()
    return { options: { file }, end }
  },
  refused: [{}, { file: 'x', depth: 0 }],
})
for (const { name, run } of checks) test(name, run)

// What this one does.
test('the file has the number of events by type, and is gone on with', async (t) => {
  const { file, end } = await folder()
  t.after(end)
  await writeFile(file, '{"order":5}')
  const component = tally.create(parseOptions(tally.options, { file, depth: 1 }, 'tally'))
  const sink = await attach(component, { bind: [freeEndpoint()] })
  const source = new EventSource({ source: 'shop', connect: [...sink.endpoints] })
  await source.subscribed()
  for (let i = 0; i < 10; i++) source.emit('order.placed', { i })
  source.emit('http.hit', {})
  await until('all are written', () => sink.counters().written === 11)
  await Promise.all([source.drain(), sink.drain()])
  assert.deepEqual(JSON.parse(await readFile(file, 'utf8')), { order: 15, http: 1 })
})

test('a file that cannot be read stops it, with the reason', async (t) => {
  const { file, end } = await folder()
  t.after(end)
  const component = tally.create(parseOptions(tally.options, { file: join(file, '..') }, 'tally'))
  await assert.rejects(attach(component, { bind: [freeEndpoint()] }), {
    code: 'SINK_FAILED',
    message: /EISDIR/,
  })
})
