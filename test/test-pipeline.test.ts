/** What `testPipeline` of eventstorm/testing makes of a file; examples/own-pipeline shows how it is used. */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { attach } from '../lib/index.js'
import { CollectingSink, ManualSource, testPipeline } from '../testing/index.js'

const folder = mkdtempSync(join(tmpdir(), 'storm-test-pipeline-'))
after(() => rmSync(folder, { recursive: true }))

function write(text: string): string {
  const file = join(folder, 'pipeline.yaml')
  writeFileSync(file, text)
  return file
}

const FILE = `
routers:
  near: { bindSources: 'tcp://*:5555', bindSinks: tcp://127.0.0.1:7000, insecure: true }
  far: { connectSources: tcp://127.0.0.1:7000 }
sources:
  ticks: { use: system }
  stdout: { use: system, connect: tcp://127.0.0.1:5555 }
sinks:
  stdout: { queueEvents: 10 }
`

test('every endpoint of a file is one of the test, however it is written there, twice at the same time', async () => {
  const file = write(FILE)
  const run = async () => {
    const [one, two, sink] = [new ManualSource(), new ManualSource(), new CollectingSink()]
    const replace = { ticks: one, 'sources.stdout': two, 'sinks.stdout': sink }
    return { one, two, sink, pipeline: await testPipeline(file, { replace }) }
  }
  const [a, b] = await Promise.all([run(), run()])
  await using _a = a.pipeline
  await using _b = b.pipeline
  for (const { one, two } of [a, b]) {
    await one.listenedTo('cpu.usage')
    await two.listenedTo('cpu.usage')
  }
  a.one.emit({ type: 'cpu.usage', data: 1 })
  a.two.emit({ type: 'cpu.usage', data: 2 })
  b.one.emit({ type: 'cpu.usage', data: 3 })
  const seen = ({ events }: CollectingSink) => events.map(({ data }) => data).sort()
  await a.pipeline.until('both have come', () => a.sink.events.length === 2)
  await b.pipeline.until('the other has come', () => b.sink.events.length === 1)
  assert.deepEqual(seen(a.sink), [1, 2])
  assert.deepEqual(seen(b.sink), [3])
  assert.equal(a.pipeline.counters('sinks.stdout').lost, 0)
  // Another sink, at the router in the middle of one of the two.
  const tapped = new CollectingSink()
  await using _tap = await attach(tapped, {
    connect: [a.pipeline.endpoint('tcp://127.0.0.1:7000')],
    clock: a.pipeline.clock,
  })
  await a.pipeline.until('it hears that one', () => {
    a.two.emit({ type: 'cpu.usage', data: 4 })
    return seen(tapped).includes(4)
  })
  await a.pipeline.drain()
  assert.ok(seen(a.sink).includes(4) && !seen(b.sink).includes(4))
})

test('a part that is stopped is missed, and one that starts again is not', async () => {
  const [ticks, sink] = [new ManualSource(), new CollectingSink()]
  const file = write(FILE)
  await using pipeline = await testPipeline(file, {
    options: { 'sinks.stdout': { queueEvents: 20, batchWait: '1h' } },
    replace: { ticks, 'sources.stdout': new ManualSource(), 'sinks.stdout': sink },
  })
  await ticks.listenedTo('cpu.usage')
  ticks.emit({ type: 'cpu.usage', data: 0 })
  const counters = () => pipeline.counters('sinks.stdout')
  await pipeline.until('it has come', () => counters().received === 1, 0)
  assert.equal(sink.events.length, 0, 'an hour has not passed')
  await pipeline.clock.advance(3_600_000)
  assert.equal(sink.events.length, 1)
  await pipeline.restart('near')
  let emitted = 0
  await pipeline.until('events pass again', () => {
    ticks.emit({ type: 'cpu.usage', data: ++emitted })
    return counters().received! > 1
  })
  await pipeline.stop('sinks.stdout')
  assert.ok(sink.closed)
})

test('names that are none, and options that a part has not, are refused', async () => {
  const file = write(FILE)
  const refused = (options: Parameters<typeof testPipeline>[1], message: RegExp) =>
    assert.rejects(testPipeline(file, options), { code: 'OPTIONS_INVALID', message })
  await refused({ replace: { tikcs: new ManualSource() } }, /none of its parts.*sources\.ticks/)
  await refused({ replace: { stdout: new ManualSource() } }, /more than one/)
  await refused({ options: { ticks: { interval: 'soon' } } }, /ticks: interval: expected a length of time/)
  await refused({ options: { ticks: { intervall: '1s' } } }, /no such option\. Did you mean "interval"/)
  await assert.rejects(testPipeline(write('sinks: { x: {} }')), { code: 'PIPELINE_INVALID' })
})
