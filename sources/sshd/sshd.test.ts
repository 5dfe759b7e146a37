import assert from 'node:assert/strict'
import { type SpawnSyncReturns, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { attach, type NewEvent, parseOptions, type StormEvent, startSource } from '../../lib/index.js'
import { freePort } from '../../servers/index.js'
import { conformsAsLogSource, freeEndpoint, until } from '../../testing/index.js'
import sshd from './sshd.js'

const SAMPLES = new URL('../../../sources/sshd/samples/', import.meta.url)
const SCRIPT = fileURLToPath(new URL('real-sshd.sh', SAMPLES))
const FILE = fileURLToPath(new URL('auth.log', SAMPLES))

type Event = NewEvent & { data: Record<string, unknown> }

/** What the source's parser makes of all lines of a file that are whole. */
function parseFile(path: string): Event[] {
  const parser = sshd.parser!(parseOptions(sshd.options, {}, 'sshd'))
  parser.begin?.(Date.now())
  return readFileSync(path, 'utf8')
    .split('\n')
    .slice(0, -1)
    .flatMap((line) => {
      const events = parser.line(line)
      assert.ok(Array.isArray(events), line)
      return events as Event[]
    })
}

function count(events: readonly { type: string }[]): Record<string, number> {
  const counts: Record<string, number> = {}
  for (const { type } of events) counts[type] = (counts[type] ?? 0) + 1
  return counts
}

test('the sample gives the events that the README tells of', () => {
  const events = parseFile(FILE)
  const lines = readFileSync(FILE, 'utf8').trimEnd().split('\n')
  assert.equal(events.length, lines.length)
  for (const type of sshd.types) {
    if (type !== 'log.unparsed')
      assert.ok(
        events.some((event) => event.type === type),
        type,
      )
  }
  const readme = readFileSync(fileURLToPath(new URL('../README.md', SAMPLES)), 'utf8')
  const shown = /This line\n\n```\n(.*)\n```\n\nbecomes\n\n```json\n(.*)\n```/.exec(readme)
  assert.ok(shown, 'a sample line and its event')
  const at = lines.indexOf(shown[1]!)
  assert.ok(at >= 0, 'the line is one of the sample')
  const { type, time, data } = JSON.parse(shown[2]!)
  assert.deepEqual({ type, time, data }, JSON.parse(JSON.stringify(events[at])))
})

test('bad options are told in one sentence', () => {
  assert.throws(() => parseOptions(sshd.options, { zone: 'Mars' }, 'sshd'), /zone: expected "local"/)
  assert.throws(
    () => parseOptions(sshd.options, { maxConnections: 0 }, 'sshd'),
    /maxConnections: expected at least 1, got 0/,
  )
})

const MISSING = missing()

/** What keeps a real sshd from running here. */
function missing(): string | undefined {
  if (process.getuid?.() !== 0) return 'root'
  const needed = { sshd: ['/usr/sbin/sshd', '-V'], ssh: ['ssh', '-V'], rsyslogd: ['rsyslogd', '-v'] }
  for (const [name, [command, ...parameters]] of Object.entries(needed)) {
    if (spawnSync(command!, parameters).error) return name
  }
  const apart = spawnSync('unshare', ['--mount', '--propagation', 'private', 'true'])
  return apart.status === 0 ? undefined : 'the right to make a mount namespace'
}

function withSshd(name: string, body: (t: TestContext) => Promise<void>): void {
  test(name, async (t) => {
    if (MISSING === undefined) return body(t)
    assert.ok(!process.env.CI, `expected a real sshd in CI, but there is no ${MISSING}`)
    t.skip(`NO REAL SSHD HERE for want of ${MISSING}: install openssh-server and rsyslog, and run it as root`)
  })
}

async function realSshd(t: TestContext) {
  const folder = mkdtempSync(join(tmpdir(), 'storm-sshd-'))
  const at = (name: string) => join(folder, name)
  const port = await freePort()
  const child = spawn(
    'unshare',
    ['--mount', '--propagation', 'private', 'sh', SCRIPT, folder, String(port)],
    {
      stdio: ['pipe', 'ignore', 'inherit'],
    },
  )
  const exited = once(child, 'exit')
  const end = async () => {
    child.stdin!.end()
    await exited
  }
  t.after(async () => {
    await end()
    rmSync(folder, { recursive: true, force: true })
  })
  const log = () => (existsSync(at('new.log')) ? readFileSync(at('new.log'), 'utf8') : '')
  await until('sshd listens', () => {
    assert.equal(child.exitCode, null, existsSync(at('sshd.err')) ? readFileSync(at('sshd.err'), 'utf8') : '')
    return log().includes('Server listening')
  })
  /** Logs in with the real client; status 255 is a refusal. */
  const ssh = (user: string, keys: string[], more: string[] = []): SpawnSyncReturns<string> =>
    spawnSync(
      'ssh',
      [
        ...['-F', 'none', '-p', String(port), '-l', user, '-o', 'BatchMode=yes', '-o', 'IdentitiesOnly=yes'],
        ...['-o', 'StrictHostKeyChecking=no', '-o', 'UserKnownHostsFile=/dev/null', '-o', 'LogLevel=ERROR'],
        ...keys.flatMap((key) => ['-i', at(key)]),
        ...more,
        '127.0.0.1',
        'true',
      ],
      { encoding: 'utf8', timeout: 20_000, env: { PATH: process.env.PATH } },
    )
  const raw = async (bytes: string) => {
    const socket = connect(port, '127.0.0.1')
    socket.on('error', () => {})
    socket.end(bytes)
    socket.resume()
    // Not `once`, which fails when sshd resets the connection.
    await new Promise((resolve) => socket.on('close', resolve))
  }
  return { at, port, ssh, raw, end, log }
}

withSshd('what a real sshd logs is what its clients saw, in both forms of stamps', async (t) => {
  const { at, ssh, raw, end, log, port } = await realSshd(t)
  const events: StormEvent<Record<string, unknown>>[] = []
  const sink = await attach(
    { write: (batch) => void events.push(...(batch as Iterable<StormEvent<Record<string, unknown>>>)) },
    { bind: [freeEndpoint()], subscribe: ['**'] },
  )
  t.after(() => sink.close())
  const options = parseOptions(sshd.options, { file: at('new.log'), once: true }, 'sshd')
  const NAME = 'x from 192.0.2.99 port 22 ssh2'

  assert.equal(ssh('root', ['good']).status, 0)
  assert.equal(ssh('root', ['good']).status, 0)
  assert.equal(ssh('root', ['bad']).status, 255)
  assert.equal(ssh('nobody-of-that-name', ['bad']).status, 255)
  assert.equal(ssh(NAME, ['bad']).status, 255)
  assert.equal(ssh('root', ['bad', 'worse', 'good']).status, 255, 'more keys than it is patient for')
  assert.equal(ssh('root', ['good'], ['-o', 'Ciphers=aes128-cbc']).status, 255)
  await raw('GET / HTTP/1.1\r\n\r\n')
  await raw('')
  // Each connection has a process of its own, which may log its end some time after the client has gone.
  const ended = () => count(parseFile(at('new.log')))['ssh.disconnect']
  await until('the end of each is logged', () => Number(ended()) >= 9)
  await until('sessions are closed', () => log().split('session closed for user root').length === 3)
  await end()

  const source = await startSource(sshd.create(options), { source: 'srv/sshd', connect: [...sink.endpoints] })
  t.after(() => source.close())
  await source.ended
  const lines = log().trimEnd().split('\n')
  await until('every line has become an event', () => events.length === lines.length)
  const { unparsed, passedBy, lines: read } = source.counters()
  assert.deepEqual([unparsed, passedBy, read], [0, 0, lines.length])

  const of = (type: string, fields: Record<string, unknown> = {}) =>
    events.filter(
      (event) =>
        event.type === type && Object.entries(fields).every(([key, value]) => event.data[key] === value),
    )
  const fingerprint = spawnSync('ssh-keygen', ['-l', '-f', at('good.pub')], {
    encoding: 'utf8',
  }).stdout.split(' ')[1]
  const accepted = of('ssh.login', { outcome: 'accepted' })
  assert.equal(accepted.length, 2)
  for (const { data } of accepted) {
    assert.deepEqual(
      [data.user, data.validUser, data.method, data.keyType, data.fingerprint, data.address, data.count],
      ['root', true, 'publickey', 'ED25519', fingerprint, '127.0.0.1', 1],
    )
  }
  const failed = of('ssh.login', { outcome: 'failed' })
  assert.ok(failed.length >= 2)
  assert.ok(failed.every(({ data }) => data.user === 'root' && data.fingerprint !== fingerprint))
  assert.deepEqual(
    of('ssh.warning', { kind: 'invalidUser' }).map(({ data }) => [data.user, data.validUser, data.address]),
    [
      ['nobody-of-that-name', false, '127.0.0.1'],
      [NAME, false, '127.0.0.1'],
    ],
  )
  assert.equal(of('ssh.warning', { kind: 'tooManyFailures', user: 'root' }).length, 1)
  assert.equal(of('ssh.session', { action: 'opened', user: 'root' }).length, 2)
  const closed = of('ssh.session', { action: 'closed', user: 'root' })
  assert.equal(closed.length, 2)
  assert.ok(closed.every(({ data }) => typeof data.duration === 'number'))
  assert.equal(of('ssh.connect', { localPort: port }).length, 9)
  const ends = of('ssh.disconnect')
  assert.equal(ends.length, 9, 'every connection ends once')
  assert.equal(new Set(ends.map(({ data }) => data.port)).size, 9)
  // Each connection has a process of its own, so that the ends of two may be logged in either order.
  const reasons = ends.filter(({ data }) => data.by === 'server').map(({ data }) => data.reason)
  assert.deepEqual(reasons.sort(), [
    'Too many authentication failures',
    'banner exchange: invalid format',
    'no matching cipher found',
  ])
  assert.deepEqual(of('ssh.disconnect', { preauth: false }).length, 2)

  const [old, now] = [parseFile(at('old.log')), parseFile(at('new.log'))]
  const without = ({ type, data: { duration: _, ...data } }: Event) => ({ type, data })
  assert.deepEqual(old.map(without), now.map(without))
  assert.deepEqual(
    old.map(({ time }) => time!.getTime()),
    now.map(({ time }) => Math.floor(time!.getTime() / 1000) * 1000),
  )
  assert.deepEqual(count(now), count(events))
})

const sample = readFileSync(FILE, 'utf8').trimEnd().split('\n')
const checks = conformsAsLogSource({
  definition: sshd,
  line: (number) => sample[number % sample.length]!,
  refused: [{ zone: 'Mars' }, { once: true, checkpoint: 'x' }],
})
for (const { name, run } of checks) test(name, run)
