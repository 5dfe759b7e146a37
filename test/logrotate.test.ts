import assert from 'node:assert/strict'
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { type TestContext, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { attach } from '../lib/index.js'
import { Nginx } from '../servers/index.js'
import { freeEndpoint, until } from '../testing/index.js'

/** nginx under load, rotated by logrotate, followed by a process of its own that is killed without a word. */

const CLI = fileURLToPath(new URL('../cli/eventstorm.js', import.meta.url))
const logrotate = ['logrotate', '/usr/sbin/logrotate'].find(
  (path) => spawnSync(path, ['--version']).error === undefined,
)
const skip = Nginx.skip()

const ROUNDS = 3
const REQUESTS_A_ROUND = 300

async function stop(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const ended = once(child, 'exit')
  child.kill(signal)
  await ended
}

async function scene(t: TestContext, mode: 'create' | 'copytruncate') {
  const server = await Nginx.start()
  let follower: ChildProcess | undefined
  t.after(async () => {
    // It writes into the folder that goes with the server.
    if (follower) await stop(follower, 'SIGKILL')
    await server[Symbol.asyncDispose]()
  })
  const at = (name: string) => server.at(name)
  const reopen = `sharedscripts\n postrotate\n kill -USR1 $(cat ${at('pid')})\n endscript`
  writeFileSync(
    at('logrotate.conf'),
    `${at('access.log')} {\n rotate 20\n nocompress\n ${mode === 'create' ? `create 0644\n ${reopen}` : 'copytruncate'}\n}\n`,
    { mode: 0o600 },
  )
  let made = 0
  /** Requests in the log and in what was rotated away. */
  const logged = () => {
    const folder = dirname(at('access.log'))
    const files = readdirSync(folder).filter((name) => name.startsWith('access.log'))
    return files.reduce((sum, name) => sum + readFileSync(at(name), 'latin1').split('\n').length - 1, 0)
  }
  /** Makes numbered requests, and waits until all are answered and logged: nginx writes its line after the answer. */
  const load = async (count: number) => {
    const client = async (share: number) => {
      for (let i = 0; i < share; i++) await server.get(`/?id=${made++}`)
    }
    await Promise.all([client(count / 3), client(count / 3), client(count / 3)])
    await until('all are logged', () => logged() === made)
  }
  const rotate = () => {
    const run = spawnSync(logrotate!, ['--force', '--state', at('state'), at('logrotate.conf')])
    assert.equal(run.status, 0, run.stderr.toString())
  }

  const seen = new Map<number, number>()
  const sink = await attach(
    {
      write(batch) {
        for (const { data } of batch) {
          const id = Number((data as { query?: string }).query?.slice('id='.length))
          seen.set(id, (seen.get(id) ?? 0) + 1)
        }
      },
    },
    { bind: [freeEndpoint()], subscribe: ['http.hit'] },
  )
  t.after(() => sink.close())
  const follow = () => {
    const flags = [
      ...['--file', at('access.log'), '--from-start', '--checkpoint', at('places.json')],
      ...['--checkpoint-interval', '50ms', '--recheck', '50ms'],
      ...['--connect', sink.endpoints[0]!],
    ]
    follower = spawn(process.execPath, [CLI, 'source', 'nginx', ...flags], { stdio: 'ignore' })
  }
  const kill = () => stop(follower!, 'SIGKILL')
  /** Whether the checkpoint has the end of the log. */
  const allSaved = () => {
    const { places } = JSON.parse(readFileSync(at('places.json'), 'utf8'))
    return places.some((place: { offset: number }) => place.offset === statSync(at('access.log')).size)
  }
  return { load, rotate, seen, follow, kill, allSaved, made: () => made }
}

for (const mode of ['create', 'copytruncate'] as const) {
  test(`rotation by logrotate (${mode}) and kill -9 lose no request`, { skip }, async (t) => {
    if (logrotate === undefined) {
      assert.ok(!process.env.CI, 'expected logrotate in CI, found none')
      t.skip('NO LOGROTATE HERE: install it to run this test')
      return
    }
    const { load, rotate, seen, follow, kill, allSaved, made } = await scene(t, mode)
    await load(30)
    follow()
    await until('what was there before is read', () => seen.size === 30)
    for (let round = 1; round <= ROUNDS; round++) {
      if (mode === 'create') {
        const loaded = load(REQUESTS_A_ROUND)
        const before = seen.size
        await until('the load is under way', () => seen.size > before + 20)
        rotate()
        await loaded
      } else {
        // What is written between the copy and the truncation is lost to everybody, so the load pauses for it.
        await load(REQUESTS_A_ROUND)
        rotate()
      }
      await until('all are seen', () => seen.size === made())
    }
    const repeated = () => [...seen.values()].filter((times) => times > 1).length
    assert.equal(repeated(), 0)

    await load(30)
    await until('all are seen', () => seen.size === made())
    await until('the checkpoint has the place at the end', allSaved)
    const sinceSaved = made()
    await load(REQUESTS_A_ROUND)
    await until('some of them are seen', () => seen.size > sinceSaved)
    await kill()
    // Rotated twice while nobody looks.
    await load(REQUESTS_A_ROUND)
    rotate()
    await load(30)
    rotate()
    await load(30)
    follow()
    await until('all are seen', () => seen.size === made())
    const twice = [...seen].filter(([, times]) => times > 1).map(([id]) => id)
    assert.ok(
      twice.every((id) => id >= sinceSaved),
      `expected repeats from ${sinceSaved} on, got ${twice[0]}`,
    )
    assert.ok([...seen.values()].every((times) => times <= 2))
  })
}
