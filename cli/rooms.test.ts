import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { pathToFileURL } from 'node:url'
import type { Running } from '../lib/index.js'
import { ControlledClock } from '../testing/index.js'
import { fixture } from './fixtures/program.js'
import { toRegistry } from './http/metrics.js'
import { createLog } from './logging.js'
import { resolveComponent } from './resolve.js'
import { tableLines } from './top/top-text.js'

const folder = mkdtempSync(join(tmpdir(), 'storm-rooms-'))
after(() => rmSync(folder, { recursive: true }))

/** Installs a package that exports the test sink. */
function install(name: string, manifest: object): void {
  const home = join(folder, 'node_modules', name)
  mkdirSync(home, { recursive: true })
  writeFileSync(join(home, 'package.json'), JSON.stringify({ name, type: 'module', ...manifest }))
  writeFileSync(join(home, 'sink.js'), `export { default } from '${pathToFileURL(fixture('lines'))}'`)
}

test('packages are found from the current folder, by their full or short names', async () => {
  install('eventstorm-sink-foo', { exports: { '.': { import: './sink.js' }, './deep': './sink.js' } })
  install('@shop/lines', { main: 'sink.js' })
  install('not-a-sink', { exports: './none.js' })
  writeFileSync(join(folder, 'node_modules/not-a-sink/none.js'), 'export const a = 1')
  writeFileSync(join(folder, 'broken.js'), 'export default (')
  for (const name of ['foo', 'eventstorm-sink-foo', 'eventstorm-sink-foo/deep', '@shop/lines']) {
    assert.equal((await resolveComponent('sink', name, folder)).name, 'lines', name)
  }
  const refused: [string, string, RegExp][] = [
    ['not-a-sink', 'COMPONENT_INVALID', /made with defineSink\(\.\.\.\), got undefined/],
    ['./broken.js', 'COMPONENT_INVALID', /cannot be loaded/],
    ['./missing.js', 'COMPONENT_NOT_FOUND', /no such file/],
    ['bar', 'COMPONENT_NOT_FOUND', /no sink is called "bar"/],
    ['../..', 'COMPONENT_INVALID', /cannot be loaded/],
    ['nginx', 'COMPONENT_NOT_FOUND', /There is a source of that name/],
  ]
  for (const [name, code, message] of refused) {
    await assert.rejects(resolveComponent('sink', name, folder), { code, message })
  }
})

test('a line for the journal has its priority in front', () => {
  const lines: string[] = []
  const to = { write: (line: string) => void lines.push(line) }
  for (const priorities of [true, false]) {
    const log = createLog({ level: 'debug', readable: false, priorities, to }).of('web')
    log.debug({}, 'a')
    log.info({ level: 'error' }, 'b')
    log.warn({}, 'c')
    log.error({}, 'd')
  }
  const heads = lines.map((line) => line.slice(0, line.indexOf('{')))
  assert.deepEqual(heads, ['<7>', '<6>', '<4>', '<3>', '', '', '', ''])
  assert.deepEqual(
    lines.slice(0, 4).map((line) => line.slice(3).replace(/"time":"[^"]*"/, '')),
    lines.slice(4).map((line) => line.replace(/"time":"[^"]*"/, '')),
  )
})

test('the same message is logged once a second, with how many there were', async () => {
  const clock = new ControlledClock()
  const lines: string[] = []
  const to = { write: (line: string) => void lines.push(line) }
  const log = createLog({ level: 'info', readable: false, to, clock }).of('web')
  const seen = () => lines.splice(0).map((line) => JSON.parse(line))
  for (let n = 0; n < 1000; n++) log.warn({ n }, 'write failed')
  log.info({}, 'another')
  log.debug({}, 'not at this level')
  assert.deepEqual(
    seen().map(({ msg, n, component }) => [component, msg, n]),
    [
      ['web', 'write failed', 0],
      ['web', 'another', undefined],
    ],
  )
  await clock.advance(1000)
  assert.deepEqual(
    seen().map(({ msg, n, repeated, level }) => [level, msg, n, repeated]),
    [['warn', 'write failed', 999, 999]],
  )
  await clock.advance(2000)
  assert.equal(clock.pending, 0)
  log.warn({}, 'write failed')
  assert.equal(seen().length, 1)
})

test('on a terminal a log line is for people', () => {
  const lines: string[] = []
  const to = { write: (line: string) => void lines.push(line) }
  const clock = new ControlledClock(new Date(2026, 0, 1, 12, 4, 31).getTime())
  const log = createLog({ level: 'info', readable: true, colors: false, to, clock })
  log.of('web').warn({ error: 'a "b"', attempt: 2 }, 'write failed')
  log.silence()
  log.of('web').error({}, 'nobody reads this')
  assert.deepEqual(lines, ['12:04:31 warn  web write failed error="a \\"b\\"" attempt=2\n'])
})

function observed(streams: number) {
  const stream = (n: number, epoch: number) => {
    return { source: 's', type: `t.${n}`, epoch, received: 5, lost: 1, duplicate: 2 }
  }
  const all = Array.from({ length: streams }, (_, n) => [stream(n, 1), stream(n, 2)]).flat()
  const running = {
    status: 'running',
    counters: () => ({ received: 7, queuedBytes: 3, dropped: { overflow: 4, failed: 0 } }),
    streams: () => all,
  }
  return { kind: 'sink' as const, name: 'out', running: running as unknown as Running }
}

test('metrics add up the incarnations of a source, and are bounded', async () => {
  const text = await toRegistry([observed(600)]).metrics()
  const lines = text.split('\n')
  for (const line of [
    'eventstorm_sink_queued_bytes{name="out"} 3',
    'eventstorm_sink_dropped_total{name="out",reason="overflow"} 4',
    'eventstorm_sink_stream_received_total{name="out",source="s",type="t.0"} 10',
    'eventstorm_sink_stream_lost{name="out",source="s",type="t.499"} 2',
    'eventstorm_sink_streams_untold{name="out"} 100',
  ]) {
    assert.ok(lines.includes(line), line)
  }
  assert.equal(lines.filter((line) => line.startsWith('eventstorm_sink_stream_lost{')).length, 500)
})

test('a table keeps within its width and its rows, and paints losses', () => {
  const look = {
    bold: (text: string) => text,
    dim: (text: string) => text,
    red: (text: string) => `!${text}!`,
  }
  const row = { rate: 1234.5, received: 1_000_000, lost: 3, duplicate: 0 }
  const rows = ['a', 'b', 'c'].map((name) => ({ type: name.repeat(80), source: 'web-1/nginx', ...row }))
  const totals = { rate: 0.5, received: 3_000_000, lost: 9, duplicate: 0, malformed: 0, dropped: 0 }
  const lines = tableLines(rows, totals, { look, width: 80, maxRows: 2, grouped: true })
  assert.equal(lines.length, 5)
  for (const line of lines.slice(0, 3)) assert.ok(line.replaceAll('!', '').length <= 80, line)
  assert.match(lines[1]!, /^a+… {2}web-1\/nginx {2} 1 235 {2}1 000 000 {2}! +3! +0$/)
  assert.equal(lines[3], 'and 1 more')
  assert.match(lines[4]!, /^0\.5 events\/s {2}received 3 000 000 {2}!lost 9! /)
})
