/** The pages of the components: what they show as examples runs, and what they say comes from the code. */
import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { appendFile, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { before, test } from 'node:test'
import { stringify } from 'yaml'
import { Program } from '../cli/fixtures/program.js'
import { componentPages, exampleOf, type Page } from '../docs/pages.js'
import { componentFolders, loadDefinition, ROOT } from '../docs/tables.js'
import { listOptions } from '../lib/index.js'
import { freePorts } from '../servers/index.js'
import { until } from '../testing/index.js'

const HIT = '192.0.2.7 - - [21/Nov/2026:12:00:00 +0000] "GET / HTTP/1.1" 200 612 "-" "curl"\n'
const read = (path: string) => readFile(new URL(path, ROOT), 'utf8')

let pages: Page[]
before(async () => {
  pages = await componentPages('dist/pages')
})

test('the pipeline examples of all components run together, and a line of a log becomes a line of JSON', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'eventstorm-pages-'))
  t.after(() => rm(folder, { recursive: true, force: true }))
  const [sources, sinks, syslog, page] = (await freePorts(4)).map((port) => `127.0.0.1:${port}`)
  const pipeline: Record<string, Record<string, object>> = { sources: {}, routers: {}, sinks: {} }
  for (const each of await componentFolders()) {
    const definition = await loadDefinition(each)
    const text = JSON.stringify(exampleOf(await read(`${each}/README.md`), definition))
    // As it stands there, but for folders and ports that others may have.
    const example = JSON.parse(
      text
        .replaceAll('"/var/', `"${folder}/`)
        .replaceAll('127.0.0.1:5514', syslog!)
        .replace('8080', page!.split(':')[1]!),
    )
    if (typeof example.file === 'string') {
      await mkdir(dirname(example.file), { recursive: true })
      await writeFile(example.file, '')
    }
    const ends = {
      source: { connect: `tcp://${sources}` },
      router: { bindSources: `tcp://${sources}`, bindSinks: `tcp://${sinks}` },
      sink: { connect: `tcp://${sinks}` },
    }
    pipeline[`${definition.kind}s`]![definition.name] = { ...example, ...ends[definition.kind] }
  }
  await mkdir(join(folder, 'lib/eventstorm'), { recursive: true })
  const file = join(folder, 'all.yaml')
  await writeFile(file, stringify(pipeline))
  await using program = new Program(['up', file])
  // What is appended before somebody has subscribed is not sent.
  await until(
    'a request is printed',
    async () => {
      await appendFile(join(folder, 'log/nginx/access.log'), HIT)
      return program.events.some(({ type }) => type === 'http.hit') || program.process.exitCode !== null
    },
    60_000,
  )
  assert.equal(program.process.exitCode, null, program.stderr)
  const hit = program.events.find(({ type }) => type === 'http.hit')!
  assert.match(String(hit.source), /\/nginx$/)
  program.signal('SIGTERM')
  assert.equal(await program.exit, 0, program.stderr)
})

test('each page has every option, the counters and the errors of its component', async () => {
  const folders = await componentFolders()
  assert.deepEqual(
    pages.map(({ path }) => path),
    folders.map((folder) => `dist/pages/${folder}.md`),
  )
  for (const [i, { path, text }] of pages.entries()) {
    for (const { flag } of listOptions((await loadDefinition(folders[i]!)).options))
      assert.ok(text.includes(flag) || text.includes(flag.replace('--', '--no-')), `${path} lacks ${flag}`)
    assert.match(text, /^## Counters\n\n\S/m, path)
    assert.match(text, /^\| `OPTIONS_INVALID` \| .+ \|$/m, path)
  }
  const page = (folder: string) => pages[folders.indexOf(folder)]!.text
  assert.match(page('sinks/stdout'), /^\| `unprintable` \|/m)
  assert.match(page('sources/nginx'), /^\| `unparsed` \|[\s\S]*^\| `rotations` \|/m)
  assert.match(page('sources/nginx'), /`FORMAT_INVALID`/)
  assert.doesNotMatch(page('sources/system'), /`FORMAT_INVALID`/)
  // Raised in what all sources share that follow files, and by no other source.
  for (const name of ['nginx', 'nginx-error', 'postfix', 'sshd'])
    assert.match(page(`sources/${name}`), /`FILE_UNREADABLE`/)
  for (const name of ['syslog', 'system']) assert.doesNotMatch(page(`sources/${name}`), /`FILE_UNREADABLE`/)
  assert.match(page('sinks/websocket'), /`BUSY`/)
})

test('ERRORS.md names every code that is answered over HTTP', async () => {
  const code = (
    await Promise.all(['sinks/websocket/http.ts', 'sinks/websocket/hub.ts', 'lib/ask/http.ts'].map(read))
  ).join('\n')
  const given = [...code.matchAll(/failure\(\s*\d+,\s*'([A-Z_]+)'|code: '([A-Z_]+)'|: '(INTERNAL)'/g)]
  const codes = new Set(given.map(([, ...found]) => found.find((each) => each !== undefined)!))
  assert.ok(codes.size >= 8, [...codes].join())
  const text = await read('docs/ERRORS.md')
  for (const each of codes) assert.match(text, new RegExp(`^\\| \`${each}\` \\|`, 'm'), each)
})

test('links of a page lead to files from where it lies', () => {
  for (const { path, text } of pages) {
    for (const [, target] of text.matchAll(/\]\((?!https?:|#)([^)\s#]+)/g))
      assert.ok(existsSync(new URL(`${dirname(path)}/${target}`, ROOT)), `${path} leads to ${target}`)
  }
})
