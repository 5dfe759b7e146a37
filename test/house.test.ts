import assert from 'node:assert/strict'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { basename } from 'node:path'
import { test } from 'node:test'
import { componentFolders, loadDefinition, ROOT } from '../docs/tables.js'

const ROOMS = [
  'lib',
  'sources',
  'routers',
  'sinks',
  'testing',
  'servers',
  'cli',
  'test',
  'docs',
  'examples',
  'bench',
  'faults',
  'clients',
].filter((room) => existsSync(new URL(room, ROOT)))

const read = (path: string) => readFileSync(new URL(path, ROOT), 'utf8')

const files = ROOMS.flatMap((room) =>
  readdirSync(new URL(room, ROOT), { recursive: true, encoding: 'utf8' })
    .filter((name) => /\.(tsx?|css)$/.test(name) && !name.includes('node_modules'))
    .map((name) => `${room}/${name}`),
)

test('no file is longer than 500 lines', () => {
  const lengths = files.map((path) => ({ path, lines: read(path).split('\n').length - 1 }))
  assert.deepEqual(
    lengths.filter(({ lines }) => lines > 500),
    [],
  )
})

test('every file is named for its one thought', () => {
  const vague = /^(utils?|helpers?|common|misc|base|types|manager)\b/
  assert.deepEqual(
    files.filter((path) => vague.test(basename(path))),
    [],
  )
})

test('the folder test/ holds tests only', () => {
  // Some versions of node's runner take every file in a folder of that name for a test.
  const others = files.filter((path) => /(^|\/)test\//.test(path) && !path.endsWith('.test.ts'))
  assert.deepEqual(others, [])
})

test('bson is there once, so that its types are the same everywhere', () => {
  const { packages } = JSON.parse(read('package-lock.json')) as { packages: object }
  const copies = Object.keys(packages).filter((path) => path.endsWith('node_modules/bson'))
  assert.deepEqual(copies, ['node_modules/bson'])
})

test('the lock files serve every platform, and any registry', () => {
  type Entry = { resolved?: string; optionalDependencies?: object }
  for (const lock of ['package-lock.json', 'bench/peers/package-lock.json', '.ci/tools/package-lock.json']) {
    const { packages } = JSON.parse(read(lock)) as { packages: Record<string, Entry> }
    for (const [path, { resolved, optionalDependencies = {} }] of Object.entries(packages)) {
      assert.equal(resolved, undefined, `${path} comes from one registry: --omit-lockfile-registry-resolved`)
      for (const name of Object.keys(optionalDependencies)) {
        assert.ok(packages[`node_modules/${name}`], `npm ci would miss ${name}`)
      }
    }
  }
})

test('every component has its furniture', async () => {
  const { exports } = JSON.parse(read('package.json')) as { exports: Record<string, { default: string }> }
  const table = read('cli/resolve.ts')
  const folders = await componentFolders()
  assert.ok(folders.length >= 3)
  for (const folder of folders) {
    const [room, name] = folder.split('/') as [string, string]
    for (const path of [`${name}.ts`, `${name}.test.ts`, 'README.md']) {
      assert.ok(existsSync(new URL(`${folder}/${path}`, ROOT)), `${folder} needs a ${path}`)
    }
    assert.ok(table.includes(`'../${folder}/${name}.js'`), `cli/resolve.ts needs a row for ${folder}`)
    assert.equal(
      exports[`./${folder}`]?.default,
      `./dist/${folder}/${name}.js`,
      `package.json needs exports for ${folder}`,
    )
    const definition = await loadDefinition(folder)
    assert.equal(definition.name, name)
    assert.equal(`${definition.kind}s`, room)
    assert.match(definition.summary, /\.$/)
    for (const [option, schema] of Object.entries(definition.options.shape)) {
      assert.ok((schema as { description?: string }).description, `${folder}: ${option} needs a description`)
    }
  }
  for (const [, row] of table.matchAll(/'\.\.\/([a-z]+\/[\w-]+)\/[\w-]+\.js'/g)) {
    assert.ok(folders.includes(row!), `cli/resolve.ts names ${row}, which is not there`)
  }
})
