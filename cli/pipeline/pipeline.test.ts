import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { freePorts } from '../../servers/index.js'
import { until } from '../../testing/index.js'
import { fixture, Program, runToEnd } from '../fixtures/program.js'
import { quickStart } from '../quickstart.js'
import { sameParts } from './part.js'
import { readPipeline } from './pipeline.js'

const folder = mkdtempSync(join(tmpdir(), 'storm-pipeline-'))
after(() => rmSync(folder, { recursive: true }))

function write(name: string, text: string): string {
  const path = join(folder, name)
  writeFileSync(path, text)
  return path
}

test('check names every problem at its place and ends with 78', async () => {
  const file = write(
    'bad.yaml',
    `routers:
  main: {}
  other:
    bindSinks: tcp://0.0.0.0:5556
    connectSources: [tcp://127.0.0.1:6000]
sources:
  web:
    use: nginks
  ticks:
    use: ${fixture('ticks')}
    counts: 5
    connect:
      - tcp://127.0.0.1:5555
      - 127.0.0.1:5555
    batchEvents: many
sinks:
  out:
    use: ${fixture('lines')}
    subscribe: http..x
    mark: \${STORM_UNSET}
    connect: inproc://nowhere
sorces: {}
metrics: 99999
`,
  )
  const { code, stdout, stderr } = await runToEnd(['check', file])
  const told = [
    [4, 16, 'routers.other.bindSinks: tcp://0.0.0.0:5556 is taken by routers.main already'],
    [4, 16, 'routers.other.bindSinks: other machines can reach tcp://0.0.0.0:5556, and anybody there'],
    [8, 10, 'sources.web.use: no source is called "nginks". Did you mean "nginx"?'],
    [11, 5, 'sources.ticks.counts: the source ticks has no such option. Did you mean "count"?'],
    [14, 9, 'sources.ticks.connect.1: cannot connect "127.0.0.1:5555": expected tcp://host:port'],
    [15, 18, 'sources.ticks.batchEvents: expected number, got "many"'],
    [19, 16, 'sinks.out.subscribe: expected a pattern such as'],
    [20, 11, 'sinks.out.mark: the environment variable STORM_UNSET is not set'],
    [22, 1, 'sorces: a pipeline has no such part. Did you mean "sources"?'],
    [23, 10, 'metrics: expected at most 65535, got 99999'],
  ]
  const lines = stderr.trimEnd().split('\n')
  assert.equal(lines[0], `eventstorm: PIPELINE_INVALID: ${file} has ${told.length} problems`)
  for (const [i, [line, column, message]] of told.entries()) {
    const expected = `${file}:${line}:${column} ${message}`
    assert.equal(lines[i + 1]?.slice(0, expected.length), expected)
  }
  assert.equal(lines.length, told.length + 1)
  assert.equal(code, 78)
  assert.equal(stdout, '')
})

const REFUSED: [string, string, RegExp][] = [
  ['YAML that is none', 'sinks: [1\nrouters: }', /^2:1 /],
  ['an empty file', '', /^1:1 expected at least one router, source or sink, got none$/],
  ['empty maps', 'sinks:\nsources: {}\n', /expected at least one router/],
  ['a list', '- stdout', /^1:1 expected the maps routers, sources, sinks, got a list of 1$/],
  ['a key twice', 'sinks:\n  a: {}\n  a: {}\n', /^3:3 .*unique/],
  [
    'a use that is no text',
    'sinks:\n  a:\n    use: 5\n',
    /^3:10 expected the name, path or package of a sink, got 5$/,
  ],
  [
    'an id that is no component',
    'sinks:\n  teapot:\n',
    /^2:3 no sink is called "teapot".*An entry says with `use`/,
  ],
  ['a malformed placeholder', `metrics: \${1-x}\n`, /^1:10 expected \$\{NAME\} or \$\{NAME:-default\}/],
  [
    'an inproc endpoint that nobody holds',
    `sinks:\n  a:\n    use: ${fixture('lines')}\n    connect: inproc://x\n`,
    /^4:14 nothing in this file listens on inproc:\/\/x/,
  ],
]
test('what others can reach is taken with keys, or where it is said to be safe', async () => {
  const at = (rest: string) => readPipeline(`routers: { a: { bindSources: tcp://10.0.0.1:5555, ${rest} } }`)
  for (const rest of ['insecure: true', 'key: router.key'])
    assert.deepEqual((await at(rest)).faults, [], rest)
  const [fault] = (await at('insecure: false')).faults
  assert.match(fault!.message, /^other machines can reach tcp:\/\/10\.0\.0\.1:5555/)
})

for (const [what, text, message] of REFUSED) {
  test(`${what} is refused at its place`, async () => {
    const { faults } = await readPipeline(text)
    const told = faults.map((each) => `${each.line}:${each.column} ${each.message}`)
    assert.ok(
      told.some((each) => message.test(each)),
      told.join('\n'),
    )
  })
}

test('the environment fills in, and becomes the kind that the option wants', async () => {
  const { pipeline, faults } = await readPipeline(
    `sources:\n  a:\n    use: ${fixture('ticks')}\n    count: \${COUNT}\n    once: \${ONCE:-true}\n    source: '$\${plain}'\nmetrics: \${PORT:-9464}\n`,
    { COUNT: '7' },
  )
  assert.deepEqual(faults, [])
  assert.deepEqual(pipeline!.parts[0]!.own, { count: 7, once: true, greet: true })
  assert.equal(pipeline!.parts[0]!.framework.source, `\${plain}`)
  assert.equal(pipeline!.settings.metrics, 9464)
})

test('a file that is read twice has the same parts, whatever its components make of their options', async () => {
  const secret = write('mongo-url', 'mongodb://127.0.0.1/events')
  const text = `routers:
  main: {}
sources:
  nginx: { file: a.log }
  nginx-error: { file: b.log }
  postfix: { file: c.log }
  sshd: { file: d.log }
  syslog: { udp: '127.0.0.1:1514' }
  system: { interval: 5s }
sinks:
  cassandra: {}
  mongodb: { urlFile: ${secret} }
  segments: { path: ./data }
  stdout: { subscribe: ['http.**'] }
  websocket: {}
`
  const [one, other] = [await readPipeline(text), await readPipeline(text.replace('5s', '5000'))]
  assert.deepEqual([one.faults, other.faults], [[], []])
  assert.equal(one.pipeline!.parts.length, 12)
  for (const [i, part] of one.pipeline!.parts.entries()) {
    assert.ok(sameParts(part, other.pipeline!.parts[i]!), part.name)
  }
  const changed = (await readPipeline(text.replace('http.**', 'cpu.**'))).pipeline!.parts
  const names = one.pipeline!.parts.filter((part, i) => !sameParts(part, changed[i]!)).map(({ name }) => name)
  assert.deepEqual(names, ['stdout'])
})

test('the quick start is a good pipeline, with a sample under a name that says so', async () => {
  const log = write('access.log', '')
  const own = await readPipeline(quickStart(log, '/nowhere'))
  assert.deepEqual(own.faults, [])
  assert.deepEqual(
    own.pipeline!.parts.map((part) => part.name),
    ['router', 'system', 'nginx', 'stdout', 'segments', 'websocket'],
  )
  const sampled = await readPipeline(quickStart('/nowhere', log))
  assert.deepEqual(sampled.faults, [])
  const sample = sampled.pipeline!.parts.find((part) => part.definition.name === 'nginx')!
  assert.equal(sample.framework.source, 'sample/nginx')
  const bare = await readPipeline(quickStart('/nowhere', '/nowhere', false))
  assert.deepEqual(bare.faults, [])
  assert.deepEqual(
    bare.pipeline!.parts.map((part) => part.name),
    ['router', 'system', 'stdout', 'websocket'],
  )
  const { keep, keepBytes } = own.pipeline!.parts.find(({ name }) => name === 'segments')!.own
  assert.ok(keep && keepBytes, 'what it keeps is bounded')
})

test('up runs a file in one process, ends with its sources, and loses nothing on the way out', async () => {
  const [sources, sinks] = await freePorts(2)
  const file = write(
    'good.yaml',
    `routers:
  main: { bindSources: tcp://127.0.0.1:${sources}, bindSinks: tcp://127.0.0.1:${sinks} }
sources:
  clock: { use: ${fixture('ticks')}, connect: tcp://127.0.0.1:${sources}, count: 20000, greet: false, once: true }
sinks:
  out: { use: ${fixture('lines')}, connect: tcp://127.0.0.1:${sinks}, subscribe: 'tick.**' }
`,
  )
  const checked = await runToEnd(['check', file])
  assert.equal(checked.stdout, `${file}: ok (1 router, 1 source, 1 sink)\n`)
  assert.equal(checked.code, 0)
  const { code, events, stderr } = await runToEnd(['up', file])
  assert.equal(code, 0, stderr)
  assert.equal(events.length, 20_000)
  assert.match(String(events[0]!.source), /\/clock$/)
})

test('up ends quietly when the reader of its output has left', async () => {
  const [sources, sinks] = await freePorts(2)
  const file = write(
    'pipe.yaml',
    `routers:
  main: { bindSources: tcp://127.0.0.1:${sources}, bindSinks: tcp://127.0.0.1:${sinks} }
sources:
  clock: { use: ${fixture('ticks')}, connect: tcp://127.0.0.1:${sources}, count: 50000 }
sinks:
  stdout: { connect: tcp://127.0.0.1:${sinks} }
logLevel: warn
`,
  )
  await using program = new Program(['up', file])
  await until('something is printed', () => program.stdout !== '')
  program.process.stdout.destroy()
  assert.equal(await program.exit, 0)
  assert.equal(program.stderr, '')
})

test('schema prints a JSON Schema that knows the shipped components', async () => {
  const { stdout } = await runToEnd(['schema'])
  const schema = JSON.parse(stdout)
  assert.deepEqual(Object.keys(schema.properties), [
    ...['routers', 'sources', 'sinks'],
    ...['logLevel', 'metrics', 'restartWait', 'maxRestartWait', 'maxRestarts'],
  ])
  const stdoutEntry = schema.properties.sinks.properties.stdout.allOf[1].then
  assert.ok(stdoutEntry.properties.subscribe && stdoutEntry.properties.queueEvents)
  assert.equal(stdoutEntry.additionalProperties, false)
})

test('components lists what is shipped', async () => {
  const { stdout } = await runToEnd(['components'])
  assert.match(stdout, /^source +nginx +\S.*\.$/m)
  assert.match(stdout, /^sink +stdout +\S.*\.$/m)
  assert.doesNotMatch(stdout, /cannot be loaded/)
})
