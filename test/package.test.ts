import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

const run = promisify(execFile)
const ROOT = fileURLToPath(new URL('../../', import.meta.url))

/** Kilobytes (1000 bytes) that the package may have, packed and unpacked; raised with a reason alone. */
const PACKED = 600
const UNPACKED = 2000

/** All that may be in it. */
const MAY_BE_PACKED = [
  /^(README|CHANGELOG|PROTOCOL)\.md$/,
  /^(LICENSE|package\.json)$/,
  /^dist\/(cli|lib|routers|sinks|sources|testing)\/([\w-]+\/)*[\w-]+(\.js|\.d\.ts)$/,
  /^dist\/sinks\/websocket\/page\/(index\.html|licenses\.md|assets\/[\w-]+\.(js|css|svg))$/,
  /^sources\/[\w-]+\/samples\/[\w-]+\.log$/,
  /^operations\/eventstorm@\.service$/,
]
const PAGE = 'dist/sinks/websocket/page/'

interface Manifest {
  version: string
  scripts: Record<string, string>
  exports: Record<string, unknown>
  dependencies: Record<string, string>
  peerDependencies: Record<string, string>
}

let manifest: Manifest
let folder: string
let tarball: string
let packed: string[]
let sizes: { size: number; unpackedSize: number }

/** A stranger's project: an empty folder, the tarball installed into it. */
before(async () => {
  manifest = JSON.parse(await readFile(join(ROOT, 'package.json'), 'utf8'))
  folder = await mkdtemp(join(tmpdir(), 'eventstorm-package-'))
  // What is tested is what was built for this test run.
  const pack = ['pack', '--json', '--ignore-scripts', '--pack-destination', folder]
  const { stdout } = await run('npm', pack, { cwd: ROOT })
  const [{ filename, files, size, unpackedSize }] = JSON.parse(stdout)
  packed = files.map((file: { path: string }) => file.path)
  sizes = { size, unpackedSize }
  tarball = join(folder, filename)
  await install(folder)
})

async function install(into: string, ...flags: string[]): Promise<void> {
  await writeFile(join(into, 'package.json'), '{ "private": true, "type": "module" }\n')
  await run('npm', ['install', '--no-audit', '--no-fund', '--prefer-offline', ...flags, tarball], {
    cwd: into,
  })
}

after(() => rm(folder, { recursive: true, force: true }))

test('the tarball holds what is needed, and no more', () => {
  for (const path of [
    'README.md',
    'LICENSE',
    'CHANGELOG.md',
    'PROTOCOL.md',
    'sources/nginx/samples/access.log',
    'operations/eventstorm@.service',
  ]) {
    assert.ok(packed.includes(path), `${path} is missing`)
  }
  const strangers = packed.filter(
    (path) => !MAY_BE_PACKED.some((may) => may.test(path)) || /\.test\.|\/fixtures\//.test(path),
  )
  assert.deepEqual(strangers, [])
  const modules = packed.filter((path) => /^dist\/.*\.js$/.test(path) && !path.startsWith(`${PAGE}assets/`))
  for (const path of modules) {
    assert.ok(packed.includes(path.replace(/\.js$/, '.d.ts')), `${path} has its types`)
  }
  assert.ok(modules.length > 200, `all modules, got ${modules.length}`)
  const page = packed.filter((path) => path.startsWith(PAGE))
  assert.ok(page.includes(`${PAGE}index.html`), 'the page is built')
  // What the page was before it was built into its assets is not there a second time.
  assert.equal(page.filter((path) => path.endsWith('.js')).length, 1)
})

test('the package is as small as it was', (t) => {
  const [size, unpacked] = [sizes.size / 1000, sizes.unpackedSize / 1000]
  t.diagnostic(`${size} kB packed, ${unpacked} kB unpacked, ${packed.length} files`)
  assert.ok(size <= PACKED, `expected at most ${PACKED} kB packed, got ${size}`)
  assert.ok(unpacked <= UNPACKED, `expected at most ${UNPACKED} kB unpacked, got ${unpacked}`)
})

test('nothing of ours runs when it is installed', () => {
  const automatic = ['preinstall', 'install', 'postinstall', 'prepare', 'preprepare', 'postprepare']
  assert.deepEqual(
    automatic.filter((name) => name in manifest.scripts),
    [],
  )
  // npm would build it.
  assert.ok(!packed.includes('binding.gyp'))
})

test('its types can be resolved at every subpath', async (t) => {
  const attw = join(ROOT, '.ci/tools/node_modules/@arethetypeswrong/cli/dist/index.js')
  if (!existsSync(attw)) {
    const why = 'THE TYPES ARE NOT CHECKED BY attw: npm ci --prefix .ci/tools'
    assert.ok(!process.env.CI, why)
    t.skip(why)
    return
  }
  const { stdout } = await run(process.execPath, [
    attw,
    tarball,
    '--profile',
    'esm-only',
    '-f',
    'json',
  ]).catch((error) => assert.fail(error.stdout || error.stderr))
  const { analysis } = JSON.parse(stdout)
  assert.deepEqual(Object.keys(analysis.entrypoints).sort(), Object.keys(manifest.exports).sort())
})

test('every subpath can be imported, and events travel from a source through a router to a sink', () =>
  runEvents(folder))

test('it does so where scripts of packages are ignored', async () => {
  const strict = await mkdtemp(join(tmpdir(), 'eventstorm-package-'))
  try {
    await install(strict, '--ignore-scripts')
    await runEvents(strict)
  } finally {
    await rm(strict, { recursive: true, force: true })
  }
})

/** Runs a program of a stranger's in his folder. */
async function runEvents(project: string): Promise<void> {
  const subpaths = Object.keys(manifest.exports).filter((path) => path !== './package.json')
  const script = `
import { attach, EventRouter, EventSource } from 'eventstorm'
for (const path of ${JSON.stringify(subpaths)}) {
  const module = await import('eventstorm' + path.slice(1))
  if (Object.keys(module).length === 0) throw new Error(path + ' exports nothing')
  if (/^.\\/(sources|routers|sinks)/.test(path) && !module.default.name) throw new Error(path + ' is no component')
}
const router = new EventRouter({ bindSources: ['tcp://127.0.0.1:0'], bindSinks: ['tcp://127.0.0.1:0'] })
let count = 0
let finish
const all = new Promise((resolve) => { finish = resolve })
const sink = await attach(
  { write: (batch) => { count += batch.size; if (count === 100) finish() } },
  { connect: [...router.sinkEndpoints] },
)
const source = new EventSource({ connect: [...router.sourceEndpoints] })
await source.subscribed('**', { timeout: 15000 })
for (let i = 0; i < 100; i++) source.emit('order.placed', { i })
await all
await source.drain()
await sink.drain()
await router.drain()
console.log(JSON.stringify(sink.counters()))`
  await writeFile(join(project, 'run.js'), script)
  const { stdout } = await run(process.execPath, ['run.js'], { cwd: project })
  const { received, written, lost } = JSON.parse(stdout)
  assert.deepEqual({ received, written, lost }, { received: 100, written: 100, lost: 0 })
}

test('what tests are made with works for others: the suites, and a pipeline file in virtual time', async () => {
  await writeFile(
    join(folder, 'pipeline.yaml'),
    'routers: { main: {} }\nsources: { cpu: { use: system } }\nsinks: { stdout: { batchWait: 1h } }\n',
  )
  const script = `
import forward from 'eventstorm/routers/forward'
import { CollectingSink, conformsAsRouter, ManualSource, testPipeline } from 'eventstorm/testing'
for (const { run } of conformsAsRouter({ definition: forward })) await run()
const [cpu, stdout] = [new ManualSource(), new CollectingSink()]
const pipeline = await testPipeline('pipeline.yaml', { replace: { cpu, stdout } })
await cpu.listenedTo('cpu.usage')
cpu.emit({ type: 'cpu.usage', data: { percent: 7 } })
await pipeline.until('it has come', () => pipeline.counters('stdout').received === 1, 0)
await pipeline.clock.advance(3_600_000)
await pipeline.drain()
console.log(JSON.stringify(stdout.events[0].data))`
  await writeFile(join(folder, 'checks.js'), script)
  const { stdout } = await run(process.execPath, ['checks.js'], { cwd: folder })
  assert.equal(stdout, '{"percent":7}\n')
})

test('its types are what a strict program needs', async () => {
  const program = `
import { attach, defineSink, EventSource, type StormEvent, subscribe, z } from 'eventstorm'
import { ControlledClock, type Check, conformsAsSink } from 'eventstorm/testing'
import system from 'eventstorm/sources/system'
import stdout from 'eventstorm/sinks/stdout'
const source: EventSource = new EventSource({ source: 'shop', clock: new ControlledClock() })
const sent: boolean = source.emit('order.placed', { total: 12.5 }, { time: new Date() })
// @ts-expect-error there is no such option
new EventSource({ sauce: 'shop' })
const options = z.strictObject({ depth: z.int() })
defineSink({ name: 'mine', summary: '.', options, create: ({ depth }) => ({ write: (batch) => { for (const event of batch) void [event.seq + depth] } }) })
for await (const batch of subscribe()) { const events: StormEvent[] = [...batch]; void [events, sent] }
const checks: Check[] = conformsAsSink({ definition: stdout, begin: () => ({ options: {}, folder: 'x' }), stored: ({ folder }) => [{ type: folder, source: 's', seq: 0, data: null }] })
void [checks, attach(stdout.create({ format: 'ndjson' })), system.types satisfies string[]]
`
  await writeFile(join(folder, 'program.ts'), program)
  const typescript = join(ROOT, 'node_modules/typescript/bin/tsc')
  const flags = [
    '--noEmit',
    '--strict',
    '--module',
    'nodenext',
    '--target',
    'es2023',
    '--lib',
    'es2023,esnext.disposable',
  ]
  const types = ['--types', 'node', '--typeRoots', join(ROOT, 'node_modules/@types')]
  await run(process.execPath, [typescript, ...flags, ...types, 'program.ts'], { cwd: folder }).catch(
    (error) => {
      assert.fail(error.stdout)
    },
  )
})

test('the command is there', async () => {
  const { stdout } = await run('npx', ['--no-install', 'eventstorm', '--version'], { cwd: folder })
  assert.equal(stdout.trim(), manifest.version)
})

test('its dependencies are what it imports, no less and no more', async () => {
  const imported = new Set<string>()
  for (const path of packed.filter((each) => each.endsWith('.js'))) {
    const text = await readFile(join(ROOT, path), 'utf8')
    for (const [, name] of text.matchAll(/(?:from|import\()\s*'((?:@[\w-]+\/)?[a-z][\w-]*)[^':]*'/g)) {
      imported.add(name!)
    }
  }
  imported.delete('node')
  const declared = { ...manifest.dependencies, ...manifest.peerDependencies }
  assert.deepEqual([...imported].sort(), Object.keys(declared).sort())
})
