import assert from 'node:assert/strict'
import { test } from 'node:test'
import { freePorts } from '../servers/index.js'
import { freeEndpoint, until } from '../testing/index.js'
import { fixture, Program, runToEnd } from './fixtures/program.js'

const TICKS = fixture('ticks')
const LINES = fixture('lines')
const ROUTER = ['router', '--use', fixture('pass')]

test('a source, a router and a sink as three processes', async () => {
  const [sources, sinks, metrics] = await freePorts(3)
  const sourcesEndpoint = `tcp://127.0.0.1:${sources}`
  const sinksEndpoint = `tcp://127.0.0.1:${sinks}`
  await using router = new Program([
    ...ROUTER,
    '--bind-sources',
    sourcesEndpoint,
    '--bind-sinks',
    sinksEndpoint,
  ])
  await using sink = new Program([
    ...['sink', LINES, '--connect', sinksEndpoint],
    ...['--subscribe', 'tick.**', '--metrics', String(metrics)],
  ])
  await using source = new Program([
    ...['source', TICKS, '--connect', sourcesEndpoint],
    ...['--source', 'clock', '--count', '500', '--no-greet', '--once'],
  ])

  assert.equal(await source.exit, 0, source.stderr)
  await until('all events are printed', () => sink.events.length === 500)
  const last = sink.events.at(-1)!
  assert.deepEqual(
    { ...last, time: typeof last.time },
    { type: 'tick.count', source: 'clock', time: 'string', seq: 499, data: { n: 499 } },
  )
  const read = async (path: string) => (await fetch(`http://127.0.0.1:${metrics}${path}`)).text()
  const text = await read('/metrics')
  for (const line of [
    'eventstorm_sink_received_total{name="lines"} 500',
    'eventstorm_sink_written_total{name="lines"} 500',
    'eventstorm_sink_lost{name="lines"} 0',
    'eventstorm_sink_dropped_total{name="lines",reason="overflow"} 0',
    'eventstorm_sink_queued{name="lines"} 0',
    'eventstorm_sink_stream_received_total{name="lines",source="clock",type="tick.count"} 500',
    'eventstorm_sink_streams_untold{name="lines"} 0',
  ]) {
    assert.ok(text.split('\n').includes(line), `${line} is missing in\n${text}`)
  }
  assert.match(text, /^# TYPE eventstorm_sink_lost gauge$/m)
  assert.match(text, /^# TYPE eventstorm_sink_received_total counter$/m)
  assert.match(text, /^process_resident_memory_bytes \d+$/m)
  assert.equal(await read('/livez'), '{"status":"alive"}')
  const ready = { status: 'ready', parts: [{ kind: 'sink', name: 'lines', ready: true, state: 'up' }] }
  for (const path of ['/readyz', '/healthz']) assert.deepEqual(JSON.parse(await read(path)), ready)
  const posted = await fetch(`http://127.0.0.1:${metrics}/metrics`, { method: 'POST' })
  assert.equal(posted.status, 405)

  for (const program of [sink, router]) {
    program.signal('SIGTERM')
    assert.equal(await program.exit, 0)
    assert.match(program.stderr, /"msg":"stopping; a second signal stops at once"/)
  }
  assert.equal(router.stdout, '', 'logs stay on stderr')
})

test('a component that cannot start is told in one line and ends with 1', async () => {
  const [port] = await freePorts(1)
  const endpoint = `tcp://127.0.0.1:${port}`
  await using holder = new Program([
    ...ROUTER,
    '--bind-sources',
    endpoint,
    '--bind-sinks',
    freeEndpoint('ipc'),
  ])
  await until('the router runs', () => holder.stderr.includes('router runs'))
  const second = await runToEnd([...ROUTER, '--bind-sources', endpoint])
  assert.equal(second.code, 1)
  assert.match(second.stderr, new RegExp(`^eventstorm: BIND_FAILED: cannot listen on ${endpoint}: `, 'm'))
  assert.doesNotMatch(second.stderr, /^ {4}at /m, 'no stack')
})

const BAD: [string, string[], RegExp][] = [
  ['an unknown command', ['sorce'], /unknown command 'sorce'\n\(Did you mean source\?\)/],
  [
    'an unknown flag',
    ['source', TICKS, '--conect', 'x'],
    /unknown option '--conect'\n\(Did you mean --connect\?\)/,
  ],
  [
    'two bad values',
    ['source', TICKS, '--count', 'many', '--heartbeat', 'soon'],
    /--count: .*"many"; --heartbeat: .*"soon"/,
  ],
  [
    'a bad endpoint',
    ['sink', LINES, '--connect', '127.0.0.1:5556'],
    /ENDPOINT_INVALID|--connect: .*expected tcp:\/\/host:port/,
  ],
  ['a bad pattern', ['sink', LINES, '--subscribe', 'http..x'], /--subscribe: expected a pattern such as/],
  ['an unknown component', ['source', 'nginks'], /COMPONENT_NOT_FOUND: .*Did you mean "nginx"\?/],
  ['a component of another kind', ['sink', TICKS], /COMPONENT_INVALID: .* got a source/],
  ['a port out of range', ['sink', LINES, '--metrics', '70000'], /--metrics: .*70000/],
  ['an unknown level', ['sink', LINES, '--log-level', 'loud'], /--log-level: expected one of .*"loud"/],
]
for (const [what, args, message] of BAD) {
  test(`${what} is a usage error`, async () => {
    const { code, stdout, stderr } = await runToEnd(args)
    assert.match(stderr, message)
    assert.equal(code, 2)
    assert.equal(stdout, '')
  })
}

test('help and version answer on stdout with 0', async () => {
  const [help, version, named] = await Promise.all([
    runToEnd(['--help']),
    runToEnd(['--version']),
    runToEnd(['source', TICKS, '--help']),
  ])
  assert.equal(help.code, 0)
  assert.match(help.stdout, /Examples:/)
  assert.match(version.stdout, /^\d+\.\d+\.\d+\n$/)
  assert.match(named.stdout, /--count <n> +Events to emit\. \(default: 100\)/)
  assert.match(named.stdout, /--no-greet +Emit a first tick\.hello\. \(default: on\)/)
  assert.match(named.stdout, /--connect <endpoint> /)
})
