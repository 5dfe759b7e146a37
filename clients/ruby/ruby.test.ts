import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { type StormEvent, subscribe } from '../../lib/index.js'
import { freeEndpoint, Remote, until } from '../../testing/index.js'
import { interoperability } from '../interop.js'
import { lacking } from '../tools.js'

const run = promisify(execFile)
const HERE = fileURLToPath(new URL('../../../clients/ruby/', import.meta.url))
const LIB = ['-I', join(HERE, 'lib')]

/** Ruby, and Debian's ruby-ffi-rzmq, ruby-bson and ruby-minitest. */
const skip = lacking('RUBY', [
  ['ruby', '-e', 'exit RUBY_VERSION >= "3.1"'],
  ...['ffi-rzmq', 'bson', 'minitest'].map((library) => ['ruby', '-r', library, '-e', ''] as const),
])

for (const file of readdirSync(join(HERE, 'test')).filter((name) => name.endsWith('_test.rb'))) {
  test(`Ruby: ${file}`, { skip }, async () => {
    const path = join(HERE, 'test', file)
    const options = { timeout: 120_000 }
    const done = await run('ruby', ['-w', ...LIB, path], options).catch((error) => error)
    const { stdout, stderr } = done as { stdout: string; stderr: string }
    const summary = /^(\d+) runs, \d+ assertions, (\d+) failures, (\d+) errors, (\d+) skips$/m.exec(stdout)
    assert.ok(summary && !(done instanceof Error), `${stdout}${stderr}`)
    const [runs, ...others] = summary.slice(1).map(Number)
    const written = (await readFile(path, 'utf8')).match(/^ {2}def test_/gm)!.length
    assert.ok(runs! >= written, `${runs} of ${written} tests ran`)
    assert.deepEqual(others, [0, 0, 0])
    assert.deepEqual(
      stderr.split('\n').filter((line) => line.includes(HERE)),
      [],
      'Ruby warns',
    )
  })
}

test('Ruby: the example of the README runs', { skip }, async () => {
  const text = await readFile(join(HERE, 'README.md'), 'utf8')
  const example = /```ruby\n(require "eventstorm"\n[\s\S]*?)```/.exec(text)![1]!
  assert.ok(example.split('\n').filter((line) => line.trim() !== '').length <= 10)
  const bound = { bindSources: [freeEndpoint()], bindSinks: [freeEndpoint()] }
  await using router = await Remote.start('router', bound)
  const [toSources, toSinks] = router.endpoints as [string, string]
  const events: StormEvent[] = []
  await using orders = subscribe({ connect: [toSinks], subscribe: ['order.*'] })
  const reading = (async () => {
    for await (const batch of orders) events.push(...batch)
  })()
  const env = { ...process.env, EVENTSTORM: toSources }
  await run('ruby', ['-w', ...LIB, '-e', example], { env, timeout: 60_000 })
  await until('both have come', () => events.length === 2)
  await orders.close()
  await reading
  const [placed, shipped] = events.sort((a, b) => (a.type < b.type ? -1 : 1))
  assert.deepEqual([placed!.type, placed!.source, placed!.seq], ['order.placed', 'shop', 0])
  assert.deepEqual(placed!.data, { number: 1, total: 12.5 })
  assert.deepEqual([shipped!.type, shipped!.data], ['order.shipped', { number: 1, by: 'bike' }])
  assert.equal(shipped!.time.getTime(), Date.UTC(2026, 0, 2))
})

test('Ruby: the gem can be built and installed', { skip }, async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'eventstorm-gem-'))
  t.after(() => rm(folder, { recursive: true, force: true }))
  const built = join(folder, 'eventstorm.gem')
  await run('gem', ['build', 'eventstorm.gemspec', '--output', built], { cwd: HERE })
  const into = ['--install-dir', folder, '--local', '--ignore-dependencies', '--no-document']
  await run('gem', ['install', ...into, built], { cwd: folder })
  const gems = await readdir(join(folder, 'gems'))
  assert.deepEqual(gems, ['eventstorm-0.1.0'])
  const installed = join(folder, 'gems', gems[0]!, 'lib')
  const { stdout } = await run('ruby', ['-I', installed, '-r', 'eventstorm', '-e', 'puts Eventstorm::Source'])
  assert.equal(stdout, 'Eventstorm::Source\n')
})

interoperability('Ruby', () => ({ command: 'ruby', args: [...LIB, join(HERE, 'interop.rb')] }), {
  skip,
})
