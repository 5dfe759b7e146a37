import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { Program } from '../cli/fixtures/program.js'
import { ROOT } from '../docs/tables.js'
import { findProgram, freePorts } from '../servers/index.js'
import { until } from '../testing/index.js'

const folder = mkdtempSync(join(tmpdir(), 'storm-metrics-'))
after(() => rmSync(folder, { recursive: true }))

/** `name: type meaning` of every metric in a text for Prometheus. */
function printed(text: string): Map<string, string> {
  const types = new Map([...text.matchAll(/^# TYPE (\S+) (\S+)$/gm)].map(([, name, type]) => [name, type]))
  return new Map(
    [...text.matchAll(/^# HELP (\S+) (.*)$/gm)].map(([, name, help]) => [
      name!,
      `${types.get(name!)} ${help}`,
    ]),
  )
}

/** The same of the page. */
function documented(): Map<string, string> {
  const page = readFileSync(new URL('docs/METRICS.md', ROOT), 'utf8')
  const rows = page.matchAll(/^\| `(\w+)` \| (\w+) \| [^|]+ \| (.*) \|$/gm)
  return new Map([...rows].map(([, name, type, help]) => [name!, `${type} ${help}`]))
}

/** Every shipped component at once; the stores are not there, which takes no metric away. */
function everything([sources, sinks, page, syslog, dead]: number[]): string {
  const toSources = `connect: 'tcp://127.0.0.1:${sources}'`
  const toSinks = `connect: 'tcp://127.0.0.1:${sinks}', report: 'tcp://127.0.0.1:${sources}'`
  const log = (name: string) => `file: '${join(folder, name)}', ${toSources}`
  const sample = new URL('sources/nginx/samples/access.log', ROOT).pathname
  return `routers:
  main: { bindSources: 'tcp://127.0.0.1:${sources}', bindSinks: 'tcp://127.0.0.1:${sinks}' }
sources:
  nginx: { ${log('access.log')} }
  replayed: { use: nginx, file: '${sample}', replay: 100, ${toSources} }
  nginx-error: { ${log('error.log')} }
  postfix: { ${log('mail.log')} }
  sshd: { ${log('auth.log')} }
  syslog: { udp: '127.0.0.1:${syslog}', parser: nginx, ${toSources} }
  system: { interval: 1s, ${toSources} }
sinks:
  cassandra: { url: 'cassandra://127.0.0.1:${dead}/events', ${toSinks} }
  mongodb: { url: 'mongodb://127.0.0.1:${dead}/events', ${toSinks} }
  segments: { path: '${join(folder, 'data')}', ${toSinks} }
  stdout: { ${toSinks} }
  websocket: { port: ${page}, ${toSinks} }
`
}

test('the rules of the page are about metrics of the page, and Prometheus takes them', (t) => {
  const page = readFileSync(new URL('docs/METRICS.md', ROOT), 'utf8')
  const [, rules] = /<!-- rules -->\s+```yaml\n(.*?)```/s.exec(page)!
  const names = new Set([...rules!.matchAll(/\b(eventstorm_\w+)/g)].map(([, name]) => name!))
  assert.ok(names.size > 8, `only ${[...names]}`)
  assert.deepEqual(
    [...names].filter((name) => !documented().has(name)),
    [],
  )
  const promtool = findProgram('promtool')
  if (promtool === undefined) {
    assert.ok(!process.env.CI, 'promtool is missing: install prometheus')
    return t.skip('NO PROMTOOL HERE: install prometheus to run this test')
  }
  const check = (text: string) => {
    const file = join(folder, 'rules.yaml')
    writeFileSync(file, text)
    return spawnSync(promtool, ['check', 'rules', file], { encoding: 'utf8' })
  }
  const { status, stdout, stderr } = check(rules!)
  assert.equal(status, 0, stdout + stderr)
  assert.notEqual(check(rules!.replace('increase(', 'increase(5 ')).status, 0, 'it would say so')
})

test('what a running program prints and docs/METRICS.md are the same, in both directions', async () => {
  const [metrics, audit, ...ports] = await freePorts(7)
  const file = join(folder, 'everything.yaml')
  writeFileSync(file, everything(ports))
  await using up = new Program(['up', file, '--metrics', String(metrics)])
  await using top = new Program([
    ...['top', '--audit', '--output', 'none', '--metrics', String(audit)],
    ...['--connect', `tcp://127.0.0.1:${ports[1]}`],
  ])
  const read = (port?: number) =>
    fetch(`http://127.0.0.1:${port}/metrics`).then(
      (answer) => answer.text(),
      () => '',
    )
  const over = () => up.process.exitCode ?? top.process.exitCode
  const everybody = /eventstorm_sink_browsers\{name="websocket"\}/
  await until(
    'all components are told of',
    async () => everybody.test(await read(metrics)) || over() !== null,
    60_000,
  )
  assert.equal(over(), null, up.stderr + top.stderr)
  const told = /eventstorm_audit_stream_received_total\{[\s\S]*eventstorm_audit_sink_dropped_total\{/
  await until(
    'sources and sinks have reported',
    async () => told.test(await read(audit)) || over() !== null,
    60_000,
  )
  const page = documented()
  assert.ok(page.size > 100, `only ${page.size} metrics in the page`)
  const sorted = (metrics: Map<string, string>) => [...metrics].map((each) => each.join(': ')).sort()
  // Who starts last has its numbers last.
  let all: string[] = []
  await until('all is told that the page has', async () => {
    all = sorted(new Map([...printed(await read(metrics)), ...printed(await read(audit))]))
    return all.length >= page.size
  }).catch(() => {})
  assert.deepEqual(all, sorted(page))
})
