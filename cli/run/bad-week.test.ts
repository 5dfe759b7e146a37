import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { after, test } from 'node:test'
import { freePorts } from '../../servers/index.js'
import { until } from '../../testing/index.js'
import { type Pipeline, Pipelines } from '../fixtures/pipelines.js'
import { fixture } from '../fixtures/program.js'

const pipelines = new Pipelines()
after(() => pipelines.remove())

const at = (port?: number) => `tcp://127.0.0.1:${port}`
const router = (sources?: number, sinks?: number) =>
  `routers:\n  main: { bindSources: '${at(sources)}', bindSinks: '${at(sinks)}' }\n`

const last = (pipeline: Pipeline) => JSON.parse(pipeline.stderr.trimEnd().split('\n').at(-1)!)

test('whatever is put in the place of the file is refused with a reason, and everything goes on', async () => {
  const [sources, sinks, metrics] = await freePorts(3)
  const text = `${router(sources, sinks)}sources:
  pulse: { use: ${fixture('pulse')}, connect: '${at(sources)}' }
sinks:
  lines: { use: ${fixture('lines')}, connect: '${at(sinks)}' }
`
  await using pipeline = await pipelines.up('replaced.yaml', text, metrics!)
  await until('events are printed', () => pipeline.events.length > 0)
  const { file } = pipeline
  const refused = () => pipeline.logged('the new file is bad; everything goes on as it was')
  const odd: [string, () => void, RegExp][] = [
    [
      'an empty file',
      () => writeFileSync(file, ''),
      /expected at least one router, source or sink, got none/,
    ],
    ['nothing', () => {}, /ENOENT/],
    ['a folder', () => mkdirSync(file), /EISDIR/],
    ['a pipe', () => void execFileSync('mkfifo', [file]), /got a pipe/],
    [
      'a file with a component that is not installed',
      () => writeFileSync(file, text.replace(fixture('lines'), 'not-installed')),
      /sinks\.lines\.use: no sink is called "not-installed".*install a package/,
    ],
  ]
  for (const [i, [what, put, reason]] of odd.entries()) {
    rmSync(file, { recursive: true, force: true })
    put()
    pipeline.signal('SIGHUP')
    // The same message is told once a second at most.
    await until(`${what} was refused`, async () => {
      const count = await pipeline.metric('eventstorm_reloads_total{result="refused"}')
      return count === i + 1 && refused().some(({ problems }) => reason.test(String(problems)))
    })
    const { length } = pipeline.events
    await until('events go on', () => pipeline.events.length > length)
  }
  rmSync(file)
  writeFileSync(file, text.replace('pulse: {', 'pulse: { every: 20,'))
  for (let i = 0; i < 10; i++) pipeline.signal('SIGHUP')
  await until('it was taken', () => pipeline.logged('the file was read again').length > 0)
  // What the file has changed starts now, and has to dial.
  await until('all is ready', async () => (await pipeline.health()).status === 200)
  pipeline.signal('SIGTERM')
  assert.equal(await pipeline.exit, 0)
  const { msg, parts } = last(pipeline)
  assert.equal(msg, 'stopped')
  assert.equal(parts.lines.written, pipeline.events.length)
  assert.deepEqual(parts.lines.dropped, {})
  assert.equal(parts.pulse.sent, parts.lines.received)
})

test('a signal to end goes before a reload that hangs, and what is not written is told in the last line', async () => {
  const [sources, sinks, metrics] = await freePorts(3)
  const text = (more: string) => `${router(sources, sinks)}sources:
  ticks: { use: ${fixture('ticks')}, connect: '${at(sources)}', count: 5000, greet: false }
  hanging: { use: ${fixture('hanging')}, connect: '${at(sources)}', at: close }
sinks:
  stuck: { use: ${fixture('stuck')}, connect: '${at(sinks)}', drainTimeout: 10 }
${more}`
  await using pipeline = await pipelines.up('loss.yaml', text(''), metrics!)
  const received = () => pipeline.metric('eventstorm_sink_received_total{name="stuck"}')
  await until('all has come', async () => (await received()) === 5000)
  const fresh = `  fresh: { use: ${fixture('lines')}, connect: '${at(sinks)}', mark: fresh }\n`
  pipeline.rewrite(text(fresh).replace(/ {2}hanging: .*\n/, ''))
  await until('the file was read', () => pipeline.logged('the file was read again').length === 1)
  pipeline.signal('SIGTERM')
  assert.equal(await pipeline.exit, 0)
  const [told] = pipeline.logged('stopped before all was written')
  assert.deepEqual([told!.component, told!.dropped], ['stuck', 5000])
  const { msg, parts } = last(pipeline)
  assert.equal(msg, 'stopped')
  const { received: got, written, dropped } = parts.stuck
  assert.deepEqual([got, written, dropped], [5000, 0, { shutdown: 5000 }])
  assert.deepEqual(parts.fresh, {}, 'it was not started any more')
})
