import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { attach } from '../../lib/index.js'
import { findProgram, freePorts } from '../../servers/index.js'
import { until } from '../../testing/index.js'
import { Pipelines } from '../fixtures/pipelines.js'
import { fixture } from '../fixtures/program.js'

const pipelines = new Pipelines()
const { folder } = pipelines
after(() => pipelines.remove())

test('a new file changes what it changes, and a bad one nothing; the others lose nothing', async () => {
  const [sources, sinks, metrics] = await freePorts(3)
  const at = (port?: number) => `tcp://127.0.0.1:${port}`
  const pulse = (more: string) => `{ use: ${fixture('pulse')}, connect: '${at(sources)}'${more} }`
  const routers = `routers:\n  main: { bindSources: '${at(sources)}', bindSinks: '${at(sinks)}' }\n`
  const lines = (more: string) => `{ use: ${fixture('lines')}, connect: '${at(sinks)}'${more} }`
  const first = `${routers}sources:\n  kept: ${pulse(', source: kept, every: 1000')}\n  gone: ${pulse(', source: gone')}\nsinks:\n  out: ${lines(', mark: one')}\n`
  await using pipeline = await pipelines.up('first.yaml', first.replace('every: 1000', 'every: 2'), metrics!)
  // To one that asks before there are sources, what they send until that is heard is lost.
  await until('all is ready', async () => (await pipeline.health()).status === 200)
  const seen: { source: string; n: number }[] = []
  await using watcher = await attach(
    {
      write(batch) {
        for (const { source, data } of batch) seen.push({ source, n: (data as { n: number }).n })
      },
    },
    { connect: [at(sinks)], subscribe: ['pulse.**'] },
  )
  const of = (source: string) => seen.filter((each) => each.source === source)
  await until('events flow', () => of('kept').length > 20 && of('gone').length > 20)
  const epochs = () =>
    [...watcher.streams()].filter(({ source }) => source === 'kept').map(({ epoch }) => epoch)
  const before = epochs()

  pipeline.rewrite(`${routers}sources:\n  kept: { use: ${fixture('pulse')}, every: soon }\nsorces: {}\n`)
  await until(
    'the bad file was refused',
    () => pipeline.logged('the new file is bad; everything goes on as it was').length === 1,
  )
  const [refusal] = pipeline.logged('the new file is bad; everything goes on as it was')
  const problems = (refusal!.problems as string[]).join('\n')
  assert.match(problems, /first\.yaml:4:\d+ sources\.kept\.every: expected a length of time.*got "soon"/)
  assert.match(problems, /first\.yaml:5:1 sorces: a pipeline has no such part/)
  assert.equal(await pipeline.metric('eventstorm_reloads_total{result="refused"}'), 1)

  // The same in other words, one that is changed, one that is gone, and one that is new.
  pipeline.rewrite(
    `sinks:\n  out: ${lines(', mark: two')}\nsources:\n  kept: ${pulse(', source: kept, every: 2ms')}\n  fresh: ${pulse(', source: fresh')}\n${routers}logLevel: debug\n`,
  )
  await until('the good file was taken', () => pipeline.logged('the file was read again').length === 1)
  const [{ started, stopped, changed, kept }] = pipeline.logged('the file was read again') as [
    Record<string, unknown>,
  ]
  assert.deepEqual({ started, stopped, changed }, { started: ['fresh'], stopped: ['gone'], changed: ['out'] })
  assert.deepEqual([...(kept as string[])].sort(), ['kept', 'main'])
  await until('the new source is heard', () => of('fresh').length > 20)
  await until('the changed sink prints in its new way', () => pipeline.stdout.includes('\ntwo{'))
  await until('all is ready', async () => (await pipeline.health()).status === 200)
  const quiet = of('gone').length
  const heard = of('kept').length
  await until('the kept source goes on', () => of('kept').length > heard + 100)
  assert.equal(of('gone').length, quiet)
  assert.deepEqual(epochs(), before, 'one stream, from before to after')
  assert.equal(before.length, 1)
  const numbers = of('kept').map(({ n }) => n)
  assert.deepEqual(
    numbers,
    Array.from({ length: numbers.length }, (_, i) => numbers[0]! + i),
  )
  assert.equal(watcher.counters().lost, 0)
  assert.equal(await pipeline.metric('eventstorm_reloads_total{result="applied"}'), 1)
  for (const name of ['main', 'kept', 'fresh', 'out']) {
    const { parts } = await pipeline.health()
    const { kind } = parts.find((each) => each.name === name)!
    assert.equal(
      await pipeline.metric(`eventstorm_component_restarts_total{kind="${kind}",name="${name}"}`),
      0,
    )
  }
  // What the changed sink had counted before is not forgotten.
  const printed = pipeline.stdout.split('\n').length - 1
  assert.ok((await pipeline.metric('eventstorm_sink_written_total{name="out"}'))! >= printed)
  pipeline.signal('SIGTERM')
  assert.equal(await pipeline.exit, 0)
})

test('a component that fails is started again, and not ready meanwhile', async () => {
  const [sources, sinks, metrics] = await freePorts(3)
  const trip = join(folder, 'trip')
  const text = `routers:
  main: { bindSources: 'tcp://127.0.0.1:${sources}', bindSinks: 'tcp://127.0.0.1:${sinks}' }
sources:
  weak: { use: ${fixture('pulse')}, connect: 'tcp://127.0.0.1:${sources}', trip: ${trip} }
  strong: { use: ${fixture('pulse')}, connect: 'tcp://127.0.0.1:${sources}' }
restartWait: 20ms
maxRestartWait: 100ms
`
  await using pipeline = await pipelines.up('weak.yaml', text, metrics!)
  await until('it is ready', async () => (await pipeline.health()).status === 200)
  writeFileSync(trip, '')
  await until(
    'it has failed, and failed again',
    () => pipeline.logged('failed; it is started again').length > 1,
  )
  const { status, parts } = await pipeline.health()
  assert.equal(status, 503)
  const weak = parts.find(({ name }) => name === 'weak')!
  assert.deepEqual(
    { ...weak, again: typeof weak.again },
    {
      ...{ kind: 'source', name: 'weak', ready: false, state: 'waiting', again: 'string' },
      reason: 'tripped over its file',
    },
  )
  assert.equal(parts.find(({ name }) => name === 'strong')!.ready, true)
  assert.equal((await pipeline.get('/livez')).status, 200, 'alive, though not ready')
  assert.equal(await pipeline.metric('eventstorm_component_ready{kind="source",name="weak"}'), 0)
  rmSync(trip)
  await until('it is ready again', async () => (await pipeline.health()).status === 200)
  assert.equal(await pipeline.metric('eventstorm_component_restarts_total{kind="source",name="weak"}'), 1)
  assert.equal(await pipeline.metric('eventstorm_component_restarts_total{kind="source",name="strong"}'), 0)
  pipeline.signal('SIGTERM')
  assert.equal(await pipeline.exit, 0)
})

test('too many failures in a row end the program, and so does a part that cannot be started at all', async () => {
  const [sources, sinks, metrics] = await freePorts(3)
  const trip = join(folder, 'trip-once')
  const text = `routers:
  main: { bindSources: 'tcp://127.0.0.1:${sources}', bindSinks: 'tcp://127.0.0.1:${sinks}' }
sources:
  weak: { use: ${fixture('pulse')}, connect: 'tcp://127.0.0.1:${sources}', trip: ${trip} }
maxRestarts: 0
`
  await using pipeline = await pipelines.up('weak-once.yaml', text, metrics!)
  writeFileSync(trip, '')
  assert.equal(await pipeline.exit, 1)
  assert.match(pipeline.stderr, /tripped over its file/)
  assert.equal(pipeline.logged('failed; it is started again').length, 0)
  await using second = await pipelines.up('weak-once.yaml', text.replace('maxRestarts: 0', ''), metrics!)
  assert.equal(await second.exit, 1)
  assert.equal(second.logged('failed; it is started again').length, 0)
})

test('inside of the process, who dials a part that is new is started anew as well', async () => {
  const [port, metrics] = await freePorts(2)
  const text = (mark: string, depth: number) => `routers:
  main: { bindSources: 'inproc://in', bindSinks: 'inproc://out', maxStreams: ${depth} }
sources:
  near: { use: ${fixture('pulse')}, connect: 'inproc://in' }
  apart: { use: ${fixture('pulse')}, bind: 'tcp://127.0.0.1:${port}' }
sinks:
  out: { use: ${fixture('lines')}, connect: 'inproc://out', mark: ${mark} }
`
  await using pipeline = await pipelines.up('inproc.yaml', text('a', 1000), metrics!)
  await until('events arrive', () => pipeline.stdout.includes('a{'))
  pipeline.rewrite(text('a', 2000))
  await until('it was taken', () => pipeline.logged('the file was read again').length === 1)
  const [{ changed, kept }] = pipeline.logged('the file was read again') as [Record<string, string[]>]
  assert.deepEqual([changed!.sort(), kept], [['main', 'near', 'out'], ['apart']])
  const { length } = pipeline.stdout
  await until('events arrive again', () => pipeline.stdout.length > length + 1000)
  pipeline.signal('SIGTERM')
  assert.equal(await pipeline.exit, 0)
})

test('a terminal that is closed ends it, instead of having it read its file again', async (t) => {
  const script = findProgram('script')
  if (script === undefined) {
    assert.ok(!process.env.CI, 'script is missing: install bsdutils')
    return t.skip('NO SCRIPT HERE: install bsdutils to run this test')
  }
  const [sources, sinks] = await freePorts(2)
  const file = join(folder, 'terminal.yaml')
  const log = join(folder, 'typescript')
  writeFileSync(
    file,
    `routers:\n  main: { bindSources: 'tcp://127.0.0.1:${sources}', bindSinks: 'tcp://127.0.0.1:${sinks}' }\n`,
  )
  const code = join(folder, 'code')
  const program = fileURLToPath(new URL('../eventstorm.js', import.meta.url))
  const tell = `import { writeFileSync } from "node:fs"; process.on("exit", (code) => writeFileSync("${code}", String(code)))`
  const preload = `data:text/javascript,${encodeURIComponent(tell)}`
  // It has to lead the session, as what is signalled is the leader.
  const command = `exec ${process.execPath} --import '${preload}' ${program} up ${file}`
  const terminal = spawn(script, ['--quiet', '--flush', '--command', command, log], {
    stdio: ['pipe', 'ignore', 'ignore'],
  })
  const screen = () => (existsSync(log) ? readFileSync(log, 'utf8') : '')
  await until('it runs', () => screen().includes('Ctrl-C ends it'))
  terminal.kill('SIGKILL')
  await until('it has ended', () => existsSync(code) && readFileSync(code, 'utf8') !== '')
  assert.equal(readFileSync(code, 'utf8'), '0')
})
