import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { findParser } from '../cli/find-parser.js'
import { attach, parseOptions, type StormEvent, startSource } from '../lib/index.js'
import { Nginx } from '../servers/index.js'
import syslog, { SyslogSource } from '../sources/syslog/syslog.js'
import { freeEndpoint, until } from '../testing/index.js'

type Fields = Record<string, unknown>

/** A syslog source that works with another source's parser, and what arrives from it. */
async function start(t: TestContext, given: object) {
  const directory = mkdtempSync(join(tmpdir(), 'storm-forward-'))
  t.after(() => rmSync(directory, { recursive: true }))
  const events: StormEvent<Fields>[] = []
  const sink = await attach(
    { write: (batch) => void events.push(...(batch as Iterable<StormEvent<Fields>>)) },
    { bind: [freeEndpoint()], subscribe: ['**'] },
  )
  t.after(() => sink.close())
  const component = new SyslogSource(parseOptions(syslog.options, given, 'syslog'))
  const source = await startSource(component, { source: 'net', connect: [...sink.endpoints], findParser })
  t.after(() => source.close())
  return { events, source, listening: component.listening, at: (name: string) => join(directory, name) }
}

/** Starts a server for the length of a test. */
function run(t: TestContext, command: string, parameters: string[]): void {
  const child = spawn(command, parameters, { stdio: ['ignore', 'ignore', 'inherit'] })
  const ended = once(child, 'exit')
  t.after(async () => {
    child.kill('SIGTERM')
    await ended
  })
}

/** A test that needs a program; where it is missing it is skipped, and fails in CI. */
function withProgram(
  command: string,
  path: string,
  name: string,
  body: (t: TestContext) => Promise<void>,
): void {
  test(name, async (t) => {
    if (spawnSync(path, ['-v']).error === undefined) return body(t)
    assert.ok(!process.env.CI, `expected ${command} in CI, found none`)
    t.skip(`NO ${command.toUpperCase()} HERE: install ${command} to run this test`)
  })
}

test('nginx forwards its requests without a file', { skip: Nginx.skip() }, async (t) => {
  const given = { udp: '0', parser: 'nginx', program: 'nginx' }
  const { events, source, listening } = await start(t, given)
  const server = await Nginx.start({
    http: () => `access_log syslog:server=${listening.udp[0]},facility=local7,tag=nginx combined;`,
  })
  t.after(() => server[Symbol.asyncDispose]())
  await until('somebody listens', async () => {
    await server.get('/hello')
    return events.length > 0
  })
  const wanted = Array.from({ length: 200 }, (_, i) => `/page?id=${i}`)
  for (const path of wanted) await server.get(path)
  const pages = () => events.filter((event) => event.data.path === '/page')
  await until('every request has become an event', () => pages().length === wanted.length)
  assert.deepEqual(
    pages().map((event) => event.data.target),
    wanted,
  )
  assert.ok(pages().every((event) => event.type === 'http.hit' && event.data.status === 200))
  assert.deepEqual([source.counters().unparsed, source.counters().overRate], [0, 0])
})

for (const framing of ['octet-counted', 'traditional']) {
  withProgram('rsyslog', 'rsyslogd', `rsyslog forwards over TCP, framing ${framing}`, async (t) => {
    const { events, source, listening, at } = await start(t, { tcp: '0', parser: 'sshd', program: 'sshd' })
    const [host, port] = listening.tcp[0]!.split(':')
    writeFileSync(
      at('rsyslog.conf'),
      `module(load="imuxsock" SysSock.Use="off")
      input(type="imuxsock" Socket="${at('log')}" RateLimit.Interval="0")
      *.* action(type="omfwd" target="${host}" port="${port}" protocol="tcp" TCP_Framing="${framing}"
        template="RSYSLOG_SyslogProtocol23Format")`,
    )
    run(t, 'rsyslogd', ['-n', '-f', at('rsyslog.conf'), '-i', at('rsyslog.pid')])
    await until('rsyslog has opened its socket', () => existsSync(at('log')))
    const log = (lines: string[]) => {
      const parameters = ['-u', at('log'), '-t', 'sshd', '--id=7', '-p', 'auth.info']
      const { status, stderr } = spawnSync('logger', parameters, {
        input: lines.join('\n'),
        encoding: 'utf8',
      })
      assert.equal(status, 0, stderr)
    }
    await until('somebody listens', () => {
      log(['hello'])
      return events.some((event) => event.type === 'ssh.line')
    })
    const users = Array.from({ length: 300 }, (_, i) => `user ${i} from 192.0.2.9 port 1 ssh2`)
    log(users.map((user, i) => `Failed password for invalid user ${user} from 192.0.2.1 port ${i} ssh2`))
    const logins = () => events.filter((event) => event.type === 'ssh.login')
    await until('every line has become an event', () => logins().length === users.length)
    assert.deepEqual(
      logins().map(({ data }) => [data.user, data.address, data.port, data.pid]),
      users.map((user, i) => [user, '192.0.2.1', i, 7]),
    )
    assert.deepEqual([source.counters().unparsed, source.counters().connectionsBroken], [0, 0])
  })
}
