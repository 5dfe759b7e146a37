import assert from 'node:assert/strict'
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readdirSync } from 'node:fs'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { until } from '../testing/index.js'
import { built, cacheFolder } from './build.js'
import { freePort } from './free-port.js'
import { cassandra, ferretdb, mongoJavaServer, ServerKind } from './index.js'
import { findProgram } from './programs.js'
import { ServerProcess } from './server-process.js'

const fixture = (name: string) => fileURLToPath(new URL(`./fixtures/${name}`, import.meta.url))
const ECHO = fixture('echo-server.js')
const skip = findProgram('setpriv') && findProgram('flock') ? false : 'needs setpriv and flock of util-linux'

/** @param patience how long it waits for an answer, milliseconds */
async function ask(port: number, patience = 30_000): Promise<string> {
  const socket = connect(port, '127.0.0.1', () => socket.end('hello'))
  socket.setTimeout(patience, () => socket.destroy(new Error('no answer')))
  return (await socket.toArray()).join('')
}

const command = (port: number, ...more: string[]): [string, ...string[]] => [
  process.execPath,
  ECHO,
  String(port),
  ...more,
]

async function folderFor(t: TestContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'eventstorm-servers-'))
  t.after(() => rm(folder, { recursive: true, force: true }))
  return folder
}

const alive = (pid: number) => {
  try {
    // A process that has ended and was not waited for is there as a zombie.
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}

test('a server is there when it has started, stands still, is killed, and starts again', {
  skip,
}, async () => {
  const port = await freePort()
  await using server = await ServerProcess.start({
    name: 'echo',
    command: command(port),
    ready: () => ask(port),
  })
  assert.equal(await ask(port), 'hello')
  assert.match(server.output, /getting up/)
  await assert.rejects(server.start(), /echo is running/)
  server.pause()
  await assert.rejects(ask(port, 2000), /no answer/)
  server.resume()
  assert.equal(await ask(port), 'hello')
  await server.kill()
  await assert.rejects(ask(port), /ECONNREFUSED/)
  await server.start()
  assert.equal(await ask(port), 'hello')
  const { pid } = server
  await server.restart()
  assert.notEqual(server.pid, pid)
  assert.equal(await ask(port), 'hello')
})

test('one that does not come up says why', { skip }, async () => {
  const port = await freePort()
  const start = (mood: string, timeout = 60_000) =>
    ServerProcess.start({ name: 'echo', command: command(port, mood), ready: () => ask(port), timeout })
  await assert.rejects(start('crash'), /echo ended with 3 before it answered\n(.*\n)*no, not today/)
  await assert.rejects(
    start('never', 10_000),
    /echo did not answer within 10000 ms: .*ECONNREFUSED.*\ngetting up/,
  )
})

test('it dies with whoever started it', { skip }, async () => {
  const starter = fork(fixture('starter.js'), [String(await freePort())])
  const [{ pid }] = await once(starter, 'message')
  assert.ok(alive(pid))
  starter.kill('SIGKILL')
  await until('the server is gone', () => !alive(pid))
})

test('many who ask at once build once, and a changed recipe is built anew', { skip }, async (t) => {
  const folder = await folderFor(t)
  const from = await folderFor(t)
  await writeFile(join(from, 'recipe'), 'one')
  let builds = 0
  const recipe = {
    name: 'thing',
    from,
    files: ['recipe'],
    async build(_: string, into: string) {
      builds++
      await writeFile(join(into, 'made'), await readFile(join(from, 'recipe')))
    },
  }
  const paths = await Promise.all(Array.from({ length: 5 }, () => built(recipe, folder)))
  assert.equal(new Set(paths).size, 1)
  assert.equal(builds, 1)
  await writeFile(join(from, 'recipe'), 'two')
  const other = await built(recipe, folder)
  assert.notEqual(other, paths[0])
  assert.equal(await readFile(join(other, 'made'), 'utf8'), 'two')
  await writeFile(join(from, 'recipe'), 'three')
  const fails = { ...recipe, build: () => Promise.reject(new Error('no compiler')) }
  await assert.rejects(built(fails, folder), /no compiler/)
  assert.deepEqual(
    readdirSync(folder).filter((name) => name.includes('building')),
    [],
    'nothing half-made stays',
  )
  await built(recipe, folder)
  assert.equal(builds, 3)
})

test('the cache is where it was put, outside of the checkout', () => {
  assert.equal(cacheFolder({ EVENTSTORM_SERVERS: '/a', XDG_CACHE_HOME: '/b' }), '/a')
  assert.equal(cacheFolder({ XDG_CACHE_HOME: '/b' }), '/b/eventstorm/servers')
  assert.match(cacheFolder({}), /\/\.cache\/eventstorm\/servers$/)
})

test('what is missing is said, and fails in CI', (t) => {
  const kind = new ServerKind({
    name: 'strange',
    scheme: 'strange',
    programs: ['no-such-program'],
    from: '',
    files: [],
    build: async () => {},
    command: () => ['true'],
    ready: async () => {},
  })
  const { CI } = process.env
  t.after(() => {
    if (CI === undefined) delete process.env.CI
    else process.env.CI = CI
  })
  process.env.CI = 'true'
  assert.throws(() => kind.skip(), /strange needs .*no-such-program.* nothing is skipped/)
  delete process.env.CI
  assert.match(String(kind.skip()), /no-such-program/)
})

for (const kind of [cassandra, ferretdb, mongoJavaServer]) {
  test(`${kind.name} answers, from a folder of its own`, { skip: kind.skip() }, async () => {
    let data: string
    {
      await using server = await kind.start()
      assert.match(server.url, /^\w+:\/\/127\.0\.0\.1:\d+$/)
      data = server.place.data
      assert.ok(existsSync(data))
    }
    assert.ok(!existsSync(data), 'its folder went with it')
  })
}
