import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { closeSync, mkdtempSync, openSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { gzipSync } from 'node:zlib'
import { type AuditedStream, type AuditedTotals, EventRouter, EventSource } from '../lib/index.js'
import { freePorts } from '../servers/index.js'
import { freeEndpoint, until } from '../testing/index.js'
import { fixture, Program, runToEnd } from './fixtures/program.js'

const TICKS = fixture('ticks')
/** For an `emit` that somebody listens to, sooner or later. */
const PATIENT = ['--wait', '30s']
const folder = mkdtempSync(join(tmpdir(), 'storm-tools-'))
after(() => rmSync(folder, { recursive: true }))

/** A router on free ports, and the flags that lead to it. */
function openRouter() {
  const router = new EventRouter({ bindSources: [freeEndpoint()], bindSinks: [freeEndpoint()] })
  const toSources = ['--connect', router.sourceEndpoints[0]!]
  const toSinks = ['--connect', router.sinkEndpoints[0]!]
  return { router, toSources, toSinks }
}

test('what is emitted is tapped, up to the limit', async () => {
  const { router, toSources, toSinks } = openRouter()
  await using _ = router
  await using tap = new Program(['tap', 'order.*', '--limit', '3', ...toSinks])
  await until('tap has subscribed', () => router.counters().subscriptions > 0)

  const args = ['emit', 'order.placed', ...toSources, '--source', 'shop', ...PATIENT]
  const one = await runToEnd([...args, '{"total": 12.5}', '--time', '2026-01-31T12:00:00Z'])
  assert.deepEqual([one.code, one.stdout, one.stderr], [0, '', ''])
  const three = await runToEnd([...args, '-'], { input: '{"n": 1}\n\n{"n": 2}\n{"n": 3}' })
  assert.equal(three.code, 0, three.stderr)

  assert.equal(await tap.exit, 0)
  assert.deepEqual(tap.events[0], {
    type: 'order.placed',
    source: 'shop',
    time: '2026-01-31T12:00:00.000Z',
    seq: 0,
    data: { total: 12.5 },
  })
  assert.deepEqual(
    tap.events.slice(1).map((event) => event.data),
    [{ n: 1 }, { n: 2 }],
  )
})

test('emit tells which lines were no JSON, and sends the others', async () => {
  const { router, toSources, toSinks } = openRouter()
  await using _ = router
  await using tap = new Program(['tap', '--limit', '2', ...toSinks])
  await until('tap has subscribed', () => router.counters().subscriptions > 0)
  const { code, stderr } = await runToEnd(['emit', 'a.b', '-', ...toSources, ...PATIENT], {
    input: '1\n{oops\n2\n',
  })
  assert.match(stderr, /^eventstorm: line 2: expected the data to be JSON, got "{oops"/)
  assert.match(stderr, /DATA_INVALID: 1 of 3 lines were left out\n$/)
  assert.notEqual(code, 0)
  assert.equal(await tap.exit, 0)
  assert.deepEqual(
    tap.events.map((event) => event.data),
    [1, 2],
  )
})

test('emit says so when nobody listens', async () => {
  const [port] = await freePorts(1)
  const args = ['emit', 'a.b', '{}', '--connect', `tcp://127.0.0.1:${port}`, '--wait', '50ms']
  const { code, stderr } = await runToEnd(args)
  assert.match(stderr, /^eventstorm: TIMEOUT: expected somebody to subscribe to "a\.b"/)
  assert.equal(code, 1)
})

const REFUSED: [string, string[], RegExp][] = [
  ['a type with a wildcard', ['emit', 'a.*', '{}'], /TYPE_INVALID/],
  ['data that is no JSON', ['emit', 'a.b', '{'], /DATA_INVALID/],
  ['a time that is none', ['emit', 'a.b', '{}', '--time', 'soon'], /TIME_INVALID: --time/],
  ['a bad pattern', ['tap', 'http..x'], /OPTIONS_INVALID: expected a pattern/],
  ['an unknown order', ['top', '--sort', 'los'], /--sort: expected one of .*Did you mean "lost"/],
  ['a source without a parser', ['parse', 'system'], /"system" has no parser/],
]
for (const [what, args, message] of REFUSED) {
  test(`${args[0]} refuses ${what}`, async () => {
    const { code, stderr } = await runToEnd(args)
    assert.match(stderr, message)
    assert.equal(code, 2)
  })
}

test('tap ends after its time', async () => {
  const { router, toSinks } = openRouter()
  await using _ = router
  const { code, stdout } = await runToEnd(['tap', '--for', '100ms', ...toSinks])
  assert.deepEqual([code, stdout], [0, ''])
})

test('top counts by stream, and a restarted source is one row without loss', async () => {
  const { router, toSinks } = openRouter()
  await using _ = router
  await using top = new Program(['top', '--interval', '200ms', '--sort', 'type', ...toSinks])
  await until('top has subscribed', () => router.counters().subscriptions > 0)
  for (const count of [300, 200]) {
    await using source = new EventSource({ source: 'clock', connect: [...router.sourceEndpoints] })
    await source.subscribed('tick.count', { timeout: 15_000 })
    for (let n = 0; n < count; n++) source.emit('tick.count', { n })
    source.emit('tick.about', {})
  }
  await until('all are counted', () => /received 502 /.test(top.stdout))
  const last = top.stdout.trimEnd().split('\n\n').at(-1)!.split('\n')
  assert.match(last[0]!, /^\d{4}-\d\d-\d\dT[\d:.]+Z$/)
  assert.match(last[1]!, /^type +source +rate\/s +received +lost +duplicate$/)
  assert.match(last[2]!, /^tick\.about +clock +[\d.]+ +2 +0 +0$/)
  assert.match(last[3]!, /^tick\.count +clock +[\d.]+ +500 +0 +0$/)
  assert.match(last[4]!, /events\/s {2}received 502 {2}lost 0 {2}duplicate 0 {2}malformed 0 {2}dropped 0$/)
  top.signal('SIGINT')
  assert.equal(await top.exit, 0)

  const counted = await runToEnd(['top', '--interval', '100ms', '--count', '2', ...toSinks])
  assert.equal(counted.code, 0)
  assert.equal(counted.stdout.match(/nothing yet/g)?.length, 2)
})

test('parse prints events, counts lines, and takes the options of the source', async () => {
  const input = 'one\r\nbad\nzwölf'
  const plain = await runToEnd(['parse', TICKS], { input })
  assert.equal(plain.code, 0)
  assert.equal(plain.stderr, 'lines=3 events=3 unparsed=1\n')
  const [first, unparsed, last, end] = plain.events
  assert.deepEqual(first, { type: 'tick.line', time: '1970-01-01T00:00:00.000Z', data: { text: 'one' } })
  assert.equal(unparsed!.type, 'log.unparsed')
  assert.deepEqual(unparsed!.data, { line: 'bad', reason: 'it says so itself', file: '-' })
  assert.deepEqual(last!.data, { text: 'zwölf' })
  assert.equal(end!.type, 'tick.end')

  const packed = join(folder, 'packed.log')
  writeFileSync(packed, Buffer.concat([gzipSync('one\n'), gzipSync('two\n')]))
  const quiet = await runToEnd(['parse', TICKS, packed, '--no-greet'])
  assert.equal(quiet.stderr, 'lines=2 events=1 unparsed=0\n')

  const missing = await runToEnd(['parse', TICKS, join(folder, 'missing.log')])
  assert.match(missing.stderr, /^eventstorm: FILE_UNREADABLE: cannot read .*missing\.log/)
  assert.equal(missing.code, 1)
})

test('parse ends quietly when its reader has left', async () => {
  const big = join(folder, 'big.log')
  writeFileSync(big, 'a line of a log\n'.repeat(200_000))
  await using parse = new Program(['parse', TICKS, big])
  await until('something is printed', () => parse.stdout !== '')
  parse.process.stdout.destroy()
  assert.equal(await parse.exit, 0)
  assert.doesNotMatch(parse.stderr, /EPIPE/)
})

test('a full disk under stdout is a failure, told in one line', () => {
  const full = openSync('/dev/full', 'w')
  const program = fileURLToPath(new URL('./eventstorm.js', import.meta.url))
  for (const args of [['components'], ['parse', TICKS, fileURLToPath(import.meta.url)]]) {
    const { status, stderr } = spawnSync(process.execPath, [program, ...args], {
      stdio: ['ignore', full, 'pipe'],
    })
    assert.match(String(stderr), /^eventstorm: SINK_FAILED: stdout takes no more: ENOSPC.*\n$/)
    assert.equal(status, 1)
  }
  closeSync(full)
})

test('a second signal ends a process that is still draining', async () => {
  const { router, toSinks } = openRouter()
  await using _ = router
  await using stuck = new Program(['sink', fixture('stuck'), ...toSinks])
  await until('the sink has subscribed', () => router.counters().subscriptions > 0)
  await using source = new EventSource({ connect: [...router.sourceEndpoints] })
  await source.subscribed('a.b', { timeout: 15_000 })
  source.emit('a.b', {})
  await until('a write hangs', () => stuck.stdout.includes('writing'))
  stuck.signal('SIGTERM')
  await until('it is draining', () => stuck.stderr.includes('stopping'))
  stuck.signal('SIGTERM')
  assert.equal(await stuck.exit, 'SIGTERM')
})

test('readyz tells what a sink lacks', async () => {
  const { router, toSinks } = openRouter()
  await using _ = router
  const [port] = await freePorts(1)
  const args = ['--closed', '--metrics', String(port), ...toSinks]
  await using sink = new Program(['sink', fixture('stuck'), ...args])
  await until('metrics are served', () => sink.stderr.includes('sink runs'))
  let answer: Response | undefined
  let told = ''
  await until('readyz answers, and it was tried', async () => {
    answer = await fetch(`http://127.0.0.1:${port}/readyz`).catch(() => undefined)
    told = (await answer?.text()) ?? ''
    return told.includes('"down"')
  })
  assert.equal(answer!.status, 503)
  assert.deepEqual(JSON.parse(told), {
    status: 'unready',
    parts: [
      {
        kind: 'sink',
        name: 'stuck',
        ready: false,
        state: 'down',
        reason: 'it cannot write to its target',
      },
    ],
  })
})

test('keys that keygen made lead from emit through a router to tap, and no other way', async () => {
  const made = await runToEnd(['keygen', 'router', '--out', folder])
  assert.equal(made.code, 0, made.stderr)
  assert.match(made.stdout, /router\.key {2}keep it secret/)
  const key = (name: string) => join(folder, `${name}.key`)
  assert.equal(statSync(key('router')).mode & 0o777, 0o600)
  for (const name of ['shop', 'viewer']) await runToEnd(['keygen', name, '--out', folder])
  const again = await runToEnd(['keygen', 'shop', '--out', folder])
  assert.match(again.stderr, /KEY_INVALID.*EEXIST/)
  assert.notEqual(again.code, 0)
  assert.doesNotMatch(made.stdout + again.stderr, /secret [^;]{40}/)

  const publicKey = (name: string) => join(folder, `${name}.pub`)
  await using router = new EventRouter({
    bindSources: [freeEndpoint()],
    bindSinks: [freeEndpoint()],
    key: key('router'),
    allowSources: [publicKey('shop')],
    allowSinks: [publicKey('viewer')],
  })
  const known = ['--server-key', publicKey('router')]
  await using tap = new Program([
    ...['tap', '--limit', '1', '--connect', router.sinkEndpoints[0]!],
    ...[...known, '--key', key('viewer')],
  ])
  await until('tap has subscribed', () => router.counters().subscriptions > 0)
  const emit = ['emit', 'order.placed', '{"n": 1}', '--connect', router.sourceEndpoints[0]!]
  const stranger = await runToEnd([...emit, '--wait', '300ms'])
  assert.match(stranger.stderr, /TIMEOUT/, 'without a key nobody listens')
  assert.notEqual(stranger.code, 0)
  const { code, stderr } = await runToEnd([...emit, ...known, '--key', key('shop'), ...PATIENT])
  assert.equal(code, 0, stderr)
  assert.equal(await tap.exit, 0)
  assert.deepEqual(
    tap.events.map((event) => event.data),
    [{ n: 1 }],
  )

  await until('nobody asks any more', () => router.counters().subscriptions === 0)
  await using top = new Program([
    ...['top', '--interval', '100ms', '--connect', router.sinkEndpoints[0]!],
    ...[...known, '--key', key('viewer')],
  ])
  // It asks for reports in a connection of their own.
  await until('top has subscribed', () => router.counters().subscriptions === 2)
  await runToEnd([...emit, ...known, '--key', key('shop'), ...PATIENT])
  await until('top has counted it', () => /received 1 /.test(top.stdout))
  const { refused } = router.counters().sinkConnections as { refused: number }
  const spies = [
    ['tap', '--key', key('shop'), ...known],
    ['top', '--interval', '100ms', '--key', key('shop'), ...known],
  ].map((args) => new Program([...args, '--connect', router.sinkEndpoints[0]!]))
  await until('a key of the other side is refused', () => {
    return (router.counters().sinkConnections as { refused: number }).refused >= refused + spies.length
  })
  for (const spy of spies) await spy[Symbol.asyncDispose]()
})

test('top --audit adds up what sources sent and sinks received', async () => {
  const { router, toSources, toSinks } = openRouter()
  await using _ = router
  const report = ['--report', router.sourceEndpoints[0]!]
  await using _sink = new Program(['sink', 'stdout', ...toSinks, ...report, '--name', 'printer'])
  await using _source = new Program(['source', TICKS, ...toSources, '--source', 'clockwork'])
  await until('events pass', () => router.counters().eventsOut > 0)
  await using top = new Program(['top', '--audit', '--output', 'json', ...toSinks, '--interval', '200ms'])
  let look: { streams: AuditedStream[]; sinks: AuditedTotals[] } = { streams: [], sinks: [] }
  const ofSource = () => look.streams.find(({ source }) => source === 'clockwork')
  await until('both have reported', () => {
    look = (top.events.at(-1) as unknown as typeof look | undefined) ?? look
    const stream = ofSource()
    return stream?.sent && stream.alive && stream.sinks.length > 0
  })
  const stream = ofSource()!
  assert.ok(stream.sent! > 0 && stream.alive)
  assert.match(stream.sinks[0]!.sink, /\/printer$/)
  assert.equal(stream.sinks[0]!.lost, 0)
  assert.equal(look.sinks[0]!.balance, 0)
  top.signal('SIGINT')
  assert.equal(await top.exit, 0, top.stderr)
})

test('a router that is named as sources and sinks are is told how it is done', async () => {
  const { code, stderr } = await runToEnd(['router', './sieve.js'])
  assert.equal(code, 2)
  assert.match(
    stderr,
    /OPTIONS_INVALID: expected options, got ".\/sieve.js".*eventstorm router --use .\/sieve.js/,
  )
})
