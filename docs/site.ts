import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { Application } from 'typedoc'
import { componentPages } from './pages.js'
import { ROOT } from './tables.js'

/*
 * All documents as a folder of HTML: the API reference from the doc comments of what the package exports, a page for each
 * component, and the documents that are written by hand. `npm run docs`; a warning is a failure.
 */

const at = (path: string) => fileURLToPath(new URL(path, ROOT))
const PAGES = 'dist/pages'
const OUT = 'dist/site'
const DOCUMENTS = [
  'docs/FAQ.md',
  'ARCHITECTURE.md',
  'PROTOCOL.md',
  'SECURITY.md',
  'CONTRIBUTING.md',
  'CHANGELOG.md',
  'docs/*.md',
]
/** What has a name has a doc comment. Of the members, what is called; a field often needs no more than its name. */
const DOCUMENTED = [
  'Class',
  'Interface',
  'TypeAlias',
  'Enum',
  'Function',
  'Variable',
  'Method',
  'Accessor',
] as const
/** Types that only serve to write others down. */
const INNER = [
  'StartPart',
  'PlacedPart',
  'Report',
  'Flow',
  'PropertySchema',
  'Head',
  'schema',
  'options',
  'Output',
  'RollReason',
  'Driver',
]

async function entryPoints(): Promise<string[]> {
  const { exports } = JSON.parse(await readFile(at('package.json'), 'utf8')) as {
    exports: Record<string, unknown>
  }
  const files = Object.values(exports).flatMap((each) =>
    typeof each === 'object' ? [(each as { default: string }).default] : [],
  )
  return files.map((file) => at(file.replace('./dist/', '').replace(/\.js$/, '.ts')))
}

const pages = await componentPages(PAGES)
for (const { path, text } of pages) {
  await mkdir(at(`${path}/..`), { recursive: true })
  await writeFile(at(path), text)
}
const app = await Application.bootstrap({
  name: 'Eventstorm',
  entryPoints: await entryPoints(),
  tsconfig: at('tsconfig.json'),
  readme: at('README.md'),
  projectDocuments: [...pages.map(({ path }) => at(path)), ...DOCUMENTS.map(at)],
  disableSources: true,
  disableGit: true,
  excludeExternals: true,
  excludePrivate: true,
  excludeInternal: true,
  requiredToBeDocumented: [...DOCUMENTED],
  intentionallyNotExported: INNER,
  // Links to files are looked at by test/docs.test.ts, and may lead to what is no document.
  validation: { notDocumented: true, invalidLink: true, notExported: true, invalidPath: false },
  highlightLanguages: [
    'typescript',
    'javascript',
    'bash',
    'console',
    'json',
    'yaml',
    'sql',
    'c',
    'ruby',
    'ini',
  ],
  treatWarningsAsErrors: true,
  treatValidationWarningsAsErrors: true,
})
const project = await app.convert()
if (project === undefined) process.exit(1)
app.validate(project)
if (app.logger.hasErrors() || app.logger.hasWarnings()) process.exit(1)
await app.generateDocs(project, at(OUT))
