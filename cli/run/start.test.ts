import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { freePorts } from '../../servers/index.js'
import { until } from '../../testing/index.js'
import { Pipelines } from '../fixtures/pipelines.js'
import { fixture, runToEnd } from '../fixtures/program.js'

const pipelines = new Pipelines()
after(() => pipelines.remove())

const at = (port?: number) => `tcp://127.0.0.1:${port}`

/** A server that takes connections and never says a word. */
async function mute(): Promise<{ port: number } & AsyncDisposable> {
  const sockets = new Set<{ destroy(): void }>()
  const server = createServer((socket) => void sockets.add(socket.on('error', () => {})))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    port: (server.address() as { port: number }).port,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

test('a store that does not answer holds up nobody: the rest runs, and it is said who is not ready', async () => {
  const [sources, sinks, metrics] = await freePorts(3)
  await using server = await mute()
  const sink = (options: string) => `{ connect: '${at(sinks)}', ${options} }`
  await using pipeline = await pipelines.up(
    'away.yaml',
    `routers:
  main: { bindSources: '${at(sources)}', bindSinks: '${at(sinks)}' }
sources:
  pulse: { use: ${fixture('pulse')}, connect: '${at(sources)}' }
sinks:
  cassandra: ${sink(`url: 'cassandra://127.0.0.1:${server.port}/x?timeout=60s'`)}
  mongodb: ${sink(`url: 'mongodb://127.0.0.1:${server.port}/x?serverSelectionTimeoutMS=500'`)}
  opening: ${sink(`use: ${fixture('stuck')}, opening: true, drainTimeout: 0`)}
  lines: ${sink(`use: ${fixture('lines')}`)}
`,
    metrics!,
  )
  await until('events are printed', () => pipeline.events.length > 10)
  const { status, parts } = await pipeline.health()
  assert.equal(status, 503)
  const states = Object.fromEntries(parts.map(({ name, state, reason }) => [name, [state, reason]]))
  assert.deepEqual(states.opening, ['connecting', 'it is starting'])
  assert.deepEqual(states.cassandra, ['connecting', 'it is starting'])
  assert.deepEqual(states.lines, ['up', undefined])
  assert.equal(await pipeline.metric('eventstorm_component_ready{kind="sink",name="opening"}'), 0)
  await until(
    'it is subscribed, and has something to write',
    async () => (await pipeline.metric('eventstorm_sink_queued{name="opening"}'))! > 0,
  )
  assert.equal(await pipeline.metric('eventstorm_sink_lost{name="opening"}'), 0)
  await until('the other store was tried', () =>
    pipeline.logged('sink is down; trying again').some(({ component }) => component === 'mongodb'),
  )
  const mongodb = (await pipeline.health()).parts.find(({ name }) => name === 'mongodb')!
  assert.deepEqual([mongodb.state, mongodb.reason], ['down', 'it cannot write to its target'])
  assert.equal(pipeline.process.exitCode, null, 'it goes on')
  pipeline.signal('SIGTERM')
  assert.equal(await pipeline.exit, 0)
})

test('a page begins whose store is only being made by another sink of the file, wherever that stands', async () => {
  const [sources, sinks, metrics] = await freePorts(3)
  const store = join(pipelines.folder, 'to-be-made')
  const connect = `connect: '${at(sinks)}'`
  await using pipeline = await pipelines.up(
    'page-first.yaml',
    `routers:
  main: { bindSources: '${at(sources)}', bindSinks: '${at(sinks)}' }
sinks:
  websocket: { ${connect}, port: 0, store: 'segments:${store}' }
  segments: { ${connect}, path: ${store} }
`,
    metrics!,
  )
  await until('both can do their work', async () => (await pipeline.health()).status === 200)
})

test('a sink that says it can never be opened ends the program at the start', async () => {
  const [sources, sinks, metrics] = await freePorts(3)
  await using pipeline = await pipelines.up(
    'never.yaml',
    `routers:
  main: { bindSources: '${at(sources)}', bindSinks: '${at(sinks)}' }
sinks:
  never: { use: ${fixture('stuck')}, connect: '${at(sinks)}', wrong: true }
`,
    metrics!,
  )
  assert.equal(await pipeline.exit, 1)
  assert.match(pipeline.stderr, /^eventstorm: SINK_FAILED: this is no store at all$/m)
})

test('the first event of a source comes to all sinks of the file, however far away they are', async () => {
  const ports = await freePorts(7)
  const metrics = ports.pop()!
  const [sources, near, far, last, beyond, end] = ports.map(at)
  const sink = (connect?: string) => `{ use: ${fixture('lines')}, connect: '${connect}' }`
  await using pipeline = await pipelines.up(
    'first.yaml',
    `routers:
  one: { bindSources: '${sources}', bindSinks: '${near}' }
  two: { connectSources: '${near}', bindSinks: '${far}' }
  three: { connectSources: '${far}', bindSinks: '${last}' }
  four: { connectSources: '${last}', bindSinks: '${beyond}' }
  five: { connectSources: '${beyond}', bindSinks: '${end}' }
sources:
  ticks: { use: ${fixture('ticks')}, connect: '${sources}', count: 100, greet: false }
sinks:
  near: ${sink(near)}
  far: ${sink(end)}
`,
    metrics!,
  )
  await until('all have come to both', () => pipeline.events.length === 200)
  for (const name of ['near', 'far']) {
    assert.equal(await pipeline.metric(`eventstorm_sink_received_total{name="${name}"}`), 100)
    assert.equal(await pipeline.metric(`eventstorm_sink_lost{name="${name}"}`), 0)
  }
  pipeline.signal('SIGTERM')
  assert.equal(await pipeline.exit, 0)
})

test('a port of /metrics that is taken ends the program before anything was started', async () => {
  await using server = await mute()
  const [sources, sinks] = await freePorts(2)
  const file = join(pipelines.folder, 'taken.yaml')
  writeFileSync(file, `routers:\n  main: { bindSources: '${at(sources)}', bindSinks: '${at(sinks)}' }\n`)
  const { code, stderr } = await runToEnd(['up', file, '--metrics', String(server.port)])
  assert.equal(code, 1)
  assert.match(stderr, /^eventstorm: BIND_FAILED: cannot serve metrics on 127\.0\.0\.1:\d+/m)
  assert.doesNotMatch(stderr, /runs/)
})

test('a signal ends what hangs while it starts or closes, in the time that a drain may take; the rest is drained', async () => {
  const [sources, sinks, metrics] = await freePorts(3)
  const source = (more: string) => `{ connect: '${at(sources)}', ${more} }`
  await using pipeline = await pipelines.up(
    'hanging.yaml',
    `routers:
  main: { bindSources: '${at(sources)}', bindSinks: '${at(sinks)}' }
sources:
  opens: ${source(`use: ${fixture('hanging')}, at: open`)}
  closes: ${source(`use: ${fixture('hanging')}, at: close`)}
sinks:
  lines: { use: ${fixture('lines')}, connect: '${at(sinks)}' }
`,
    metrics!,
  )
  const state = async (name: string) =>
    (await pipeline.health()).parts.find((each) => each.name === name)!.state
  await until('one runs', async () => (await state('closes')) === 'running')
  assert.equal(await state('opens'), 'starting')
  pipeline.signal('SIGTERM')
  assert.equal(await pipeline.exit, 0)
  const [late] = pipeline.logged('not drained in time; closing')
  assert.deepEqual(late!.parts, ['closes', 'opens'])
})
