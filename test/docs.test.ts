import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { before, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { componentFolders, generatedDocuments, loadDefinition, ROOT } from '../docs/tables.js'

const run = promisify(execFile)
const root = fileURLToPath(ROOT)
const ROOMS =
  'lib|sources|routers|sinks|testing|cli|test|docs|examples|bench|faults|clients|protocol|operations'

let files: Set<string>
let documents: { path: string; text: string }[]
let manifest: { scripts: Record<string, string>; exports: Record<string, unknown> }

before(async () => {
  const entries = await readdir(root, { withFileTypes: true })
  const folders = entries.filter((each) => each.isDirectory() && new RegExp(`^(${ROOMS})$`).test(each.name))
  const inside = await Promise.all(
    folders.map(async ({ name }) =>
      (await readdir(join(root, name), { recursive: true }))
        .filter((path) => !path.includes('node_modules'))
        .map((path) => `${name}/${path}`),
    ),
  )
  files = new Set([...entries.map(({ name }) => name), ...inside.flat()])
  documents = await Promise.all(
    [...files].filter((path) => path.endsWith('.md')).map(async (path) => ({ path, text: await read(path) })),
  )
  manifest = JSON.parse(await read('package.json'))
  assert.ok(documents.length >= 8)
})

const read = (path: string) => readFile(new URL(path, ROOT), 'utf8')

/** Whether the repository has such a file or folder; what is built exists when its source does. */
function exists(path: string): boolean {
  const source = path.startsWith('dist/') ? path.slice(5).replace(/\.js$/, '.ts') : path
  return files.has(source.replace(/\/$/, ''))
}

/** Everything that `find` finds in the documents and `isThere` does not know, as `README.md: word`. */
function unknown(find: RegExp, isThere: (word: string, path: string, text: string) => boolean): string[] {
  let seen = 0
  const missing = documents.flatMap(({ path, text }) =>
    [...text.matchAll(find)].flatMap(([, word]) => {
      seen++
      return isThere(word!, path, text) ? [] : [`${path}: ${word}`]
    }),
  )
  assert.ok(seen > 0, `nothing in the documents looks like ${find}`)
  return missing
}

/** The anchors of a document's headings, as forges make them. */
function anchorsOf(path: string): string[] {
  const text = documents.find((each) => each.path === path)?.text ?? ''
  const headings = text.replace(/^```[\s\S]*?^```$/gm, '').matchAll(/^#+ +(.*)$/gm)
  return [...headings].map(([, heading]) =>
    heading!
      .toLowerCase()
      .replace(/[^\p{L}\p{N}\s_-]/gu, '')
      .replaceAll(' ', '-'),
  )
}

test('every link leads to a file, and to a heading in it', () => {
  const leads = (target: string, path: string) => {
    if (/^https?:/.test(target)) return true
    const [file, anchor] = target.split('#')
    const aim = file ? join(dirname(path), file) : path
    return exists(aim) && (anchor === undefined || anchorsOf(aim).includes(anchor))
  }
  assert.deepEqual(unknown(/\]\(([^)\s]+)\)/g, leads), [])
})

test('every picture is there, and small', async () => {
  const there = (target: string, path: string) => exists(join(dirname(path), target))
  assert.deepEqual(unknown(/(?:src|srcset)="([^"]+)"/g, there), [])
  for (const path of files) {
    if (!path.startsWith('docs/images/')) continue
    const { length } = await readFile(new URL(path, ROOT))
    assert.ok(length < 150_000, `${path} has ${length} bytes`)
    assert.ok(
      documents.some(({ text }) => text.includes(path)),
      `no document shows ${path}`,
    )
  }
})

test('every path that is named exists', () => {
  const paths = new RegExp(`(?<![\\w./@-])((?:dist/)?(?:${ROOMS})/[\\w./@-]*[\\w/])`, 'g')
  // Files that a document itself gives the text of are examples.
  const given = (word: string, text: string) =>
    [...text.matchAll(/<!-- file: (\S+) -->/g)].some(([, file]) => file!.startsWith(word))
  assert.deepEqual(
    unknown(paths, (word, _, text) => exists(word) || given(word, text)),
    [],
  )
})

test('every subpath of the package that is named is exported', () => {
  const subpaths = /(?<![\w./:-])eventstorm(\/[\w./-]*\w)/g
  assert.deepEqual(
    unknown(subpaths, (word) => `.${word}` in manifest.exports),
    [],
  )
})

test('every script that is named is in package.json', () => {
  assert.deepEqual(
    unknown(
      /npm (?:run )?(?:--silent )?(test|start|(?<=run |silent )[\w:-]+)/g,
      (word) => word in manifest.scripts,
    ),
    [],
  )
})

/** Help texts by command: `source nginx`. All from one process; `cli/processes.test.ts` asks the program itself. */
const helps = new Map<string, string>()

before(async () => {
  const { stdout } = await run(process.execPath, [join(root, 'dist/docs/help-texts.js')])
  const parts = stdout.split('\0')
  for (let i = 0; i + 1 < parts.length; i += 2) helps.set(parts[i]!, parts[i + 1]!)
  assert.ok(helps.size > 20)
})

const flagsOf = (text: string): string[] => text.match(/(?<![\w-])--[a-z][\w-]*/g) ?? []

/** The commands themselves, as the program lists them. */
function commandNames(): string[] {
  const [, list] = helps.get('')!.split('\nCommands:\n')
  return [...list!.matchAll(/^ {2}(\w+)/gm)].map(([, name]) => name!).filter((name) => name !== 'help')
}

test('every command line that is given is one that the program understands', () => {
  const commands = commandNames()
  const faults: string[] = []
  let seen = 0
  for (const { path, text } of documents) {
    // In a line of its own, after a prompt or a pipe, or in backquotes; up to a comment, a pipe or the quote's end.
    for (const [, line] of text.matchAll(/(?:^|`|\||\$ |npx )[ ]*eventstorm +([^`#|\n]+)/gm)) {
      seen++
      const [command, name] = line!.trim().split(/\s+/)
      if (command!.startsWith('-')) continue
      if (!commands.includes(command!)) {
        faults.push(`${path}: no command ${command}`)
        continue
      }
      const isComponent = /^(source|sink|parse)$/.test(command!) && /^[a-z]/.test(name ?? '')
      const text = helps.get(isComponent ? `${command} ${name}` : command!)
      if (text === undefined) faults.push(`${path}: no ${command} ${name}`)
      if (text === undefined || (/^(source|sink|parse)$/.test(command!) && !isComponent)) continue
      const known = flagsOf(text)
      for (const flag of flagsOf(line!)) {
        if (!known.includes(flag)) faults.push(`${path}: eventstorm ${command} has no ${flag}`)
      }
    }
  }
  assert.deepEqual(faults, [])
  assert.ok(seen >= 5, `only ${seen} command lines were found`)
})

test('every flag that is mentioned alone belongs to some command', () => {
  const known = new Set([...helps.values()].flatMap(flagsOf))
  assert.deepEqual(
    unknown(/`(--[a-z][\w-]*)[^`]*`/g, (flag) => known.has(flag)),
    [],
  )
})

test('the examples of README.md run and print what they should', async () => {
  const text = await read('README.md')
  const examples = [...text.matchAll(/```js\n([\s\S]*?)```/g)].map(([, code]) => code!)
  assert.equal(examples.length, 1)
  assert.ok(examples[0]!.split('\n').filter((line) => line.trim() !== '').length <= 12)
  const { stdout } = await run(process.execPath, ['--input-type=module', '--eval', examples[0]!], {
    cwd: root,
    timeout: 30_000,
  })
  assert.equal(stdout, 'order.placed 0 { number: 1, total: 12.5 }\n')
})

test('the pipeline file of README.md is a good one', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'eventstorm-readme-'))
  t.after(() => rm(folder, { recursive: true, force: true }))
  const files = [...(await read('README.md')).matchAll(/```yaml\n([\s\S]*?)```/g)]
  assert.equal(files.length, 1)
  const path = join(folder, 'pipeline.yaml')
  await writeFile(path, files[0]![1]!)
  // It ends with 78 when there is a problem, and that rejects.
  await run(process.execPath, [
    fileURLToPath(new URL('../cli/eventstorm.js', import.meta.url)),
    'check',
    path,
  ])
})

test('the component of CONTRIBUTING.md compiles, and its test passes', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'eventstorm-contributing-'))
  t.after(() => rm(folder, { recursive: true, force: true }))
  // Beside what is built, as it will be there: it sees the types of it, and runs with it.
  for (const room of ['lib', 'testing']) await symlink(join(root, 'dist', room), join(folder, room))
  await symlink(join(root, 'node_modules'), join(folder, 'node_modules'))
  const text = await read('CONTRIBUTING.md')
  const given = [...text.matchAll(/<!-- file: (\S+) -->\n\n```ts\n([\s\S]*?)```/g)]
  assert.equal(given.length, 2)
  for (const [, path, code] of given) {
    await mkdir(join(folder, dirname(path!)), { recursive: true })
    await writeFile(join(folder, path!), code!)
  }
  await writeFile(join(folder, 'package.json'), '{ "type": "module" }')
  const { compilerOptions } = JSON.parse(await read('tsconfig.json'))
  const { incremental, tsBuildInfoFile, ...options } = compilerOptions
  const config = {
    compilerOptions: { ...options, outDir: '.' },
    files: given.map(([, path]) => path),
  }
  await writeFile(join(folder, 'tsconfig.json'), JSON.stringify(config))
  const tsc = join(root, 'node_modules/typescript/bin/tsc')
  await run(process.execPath, [tsc], { cwd: folder }).catch((error) => assert.fail(error.stdout))
  const compiled = given.map(([, path]) => path!.replace(/ts$/, 'js'))
  const tests = compiled.filter((path) => path.endsWith('.test.js'))
  // The runner of this very test would otherwise take the other one's output for its own.
  const { NODE_TEST_CONTEXT: _, ...env } = process.env
  const { stdout } = await run(process.execPath, ['--test', '--test-reporter=tap', ...tests], {
    cwd: folder,
    env,
  })
  assert.match(stdout, /^# pass 1$/m)
})

test('tables that come from the code are up to date: npm run docs', async () => {
  for (const { path, text, expected } of await generatedDocuments()) assert.equal(text, expected, path)
})

test('the README of a source names every type it emits, and shows one', async () => {
  for (const folder of await componentFolders()) {
    const definition = await loadDefinition(folder)
    if (definition.kind !== 'source') continue
    const text = await read(`${folder}/README.md`)
    for (const type of definition.types) assert.ok(text.includes(`\`${type}\``), `${folder} emits ${type}`)
    const samples = [...text.matchAll(/```json\n(\{[\s\S]*?)```/g)].flatMap(([, lines]) =>
      lines!.trim().split('\n'),
    )
    assert.ok(samples.length > 0, `${folder}/README.md needs a sample event`)
    for (const sample of samples) {
      const { type, source, time, seq, data } = JSON.parse(sample)
      assert.ok(definition.types.includes(type), `${folder} emits ${type}`)
      assert.equal(new Date(time).toISOString(), time)
      assert.ok(typeof source === 'string' && Number.isInteger(seq) && data !== undefined, sample)
    }
  }
})

test('every component, and every client, is listed in README.md', async () => {
  const text = await read('README.md')
  const rows = [...text.matchAll(/^\| \[([\w-]+\/[\w-]+)\]\(\1\/README\.md\)/gm)].map(([, folder]) => folder)
  assert.deepEqual(rows.sort(), await componentFolders())
  const clients = [...text.matchAll(/^\| \[\w+\]\((clients\/\w+)\/README\.md\)/gm)].map(
    ([, folder]) => folder,
  )
  const folders = (await readdir(join(root, 'clients'), { withFileTypes: true })).filter((each) =>
    each.isDirectory(),
  )
  assert.deepEqual(clients.sort(), folders.map((each) => `clients/${each.name}`).sort())
})

test('every runtime dependency has its reason in ARCHITECTURE.md', async () => {
  const text = await read('ARCHITECTURE.md')
  const { dependencies } = JSON.parse(await read('package.json'))
  const reasons = [...text.matchAll(/^- `([\w-]+)`: \w/gm)].map(([, name]) => name)
  assert.deepEqual(reasons.sort(), Object.keys(dependencies).sort())
})
