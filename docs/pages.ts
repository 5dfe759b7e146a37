import { readdir, readFile } from 'node:fs/promises'
import { dirname, join, relative } from 'node:path/posix'
import { parse } from 'yaml'
import { newFileCounters } from '../lib/follow/index.js'
import { type AnyDefinition, ERRORS, type ErrorCode, parseOptions } from '../lib/index.js'
import { componentFolders, loadDefinition, ROOT } from './tables.js'

/*
 * A page for each component: its README, and behind the options what the code tells of its counters and errors. Made when the
 * documents are built, and not kept.
 */

export interface Page {
  /** From the root of the repository, such as `dist/pages/sources/nginx.md`. */
  path: string
  text: string
}

const read = (path: string) => readFile(new URL(path, ROOT), 'utf8')

export async function componentPages(into: string): Promise<Page[]> {
  return Promise.all((await componentFolders()).map((folder) => pageOf(folder, into)))
}

async function pageOf(folder: string, into: string): Promise<Page> {
  const definition = await loadDefinition(folder)
  const readme = await read(`${folder}/README.md`)
  const path = `${into}/${folder}.md`
  const own = [
    counterSection(definition, exampleOf(readme, definition)),
    await errorSection(folder, definition),
  ]
  const [head, rest] = readme.split('<!-- /options -->') as [string, string]
  const text = `---\ntitle: ${folder}\ngroup: Components\n---\n\n${head}\n${own.join('\n')}${rest}`
  return { path, text: moveLinks(text, folder, dirname(path)) }
}

/** The options of the part that the README shows as a pipeline file. */
export function exampleOf(readme: string, { kind, name }: AnyDefinition): Record<string, unknown> {
  const block = /```yaml\n([\s\S]*?)```/.exec(readme)?.[1]
  const parts = (parse(block ?? '') as Record<string, Record<string, object>> | null)?.[`${kind}s`] ?? {}
  const part = Object.entries(parts).find(([key, value]) => ('use' in value ? value.use : key) === name)
  if (part === undefined) throw new Error(`expected a \`\`\`yaml block with a ${kind} ${name} in its README`)
  const { use: _, ...options } = part[1] as Record<string, unknown>
  return options
}

/** Whether it follows files, and so has the counters and errors of lib/follow/ beside its own. */
const followsFiles = ({ options }: AnyDefinition) => 'rotateWait' in options.shape

function counterSection(definition: AnyDefinition, example: Record<string, unknown>): string {
  const known = Object.fromEntries(
    Object.entries(example).filter(([name]) => name in definition.options.shape),
  )
  const component = definition.create(parseOptions(definition.options, known, definition.name))
  const counters = [
    ...('counters' in component ? Object.keys(component.counters?.() ?? {}) : []),
    // Those of the files that it follows, which it has once it is open.
    ...(followsFiles(definition) ? ['files', ...Object.keys(newFileCounters())] : []),
  ]
  const described = definition.counters ?? {}
  const rows = [...new Set([...counters, ...Object.keys(described)])].map(
    (name) => `| \`${name}\` | ${described[name]?.description ?? ''} |`,
  )
  const beside = `Those of every ${definition.kind}, and how they are shown: [METRICS.md](../../docs/METRICS.md).`
  if (rows.length === 0) return `## Counters\n\nNone of its own. ${beside}\n`
  return ['## Counters', '', '| counter | meaning |', '| --- | --- |', ...rows, '', beside, ''].join('\n')
}

/** The codes that the component's code raises, and those that every one of its kind can give. */
async function errorSection(folder: string, definition: AnyDefinition): Promise<string> {
  const folders = [folder, ...(followsFiles(definition) ? ['lib/follow'] : [])]
  const code = (await Promise.all(folders.map(codeOf))).join('\n')
  const raised = [...code.matchAll(/'([A-Z]+(?:_[A-Z]+)*)'/g)].map(([, word]) => word!)
  const always: ErrorCode[] = [
    'OPTIONS_INVALID',
    'ENDPOINT_INVALID',
    'BIND_FAILED',
    'BIND_INSECURE',
    'CONNECT_FAILED',
    'KEY_INVALID',
  ]
  const ofKind: ErrorCode[] = definition.kind === 'sink' ? ['SINK_FAILED', 'PATTERN_INVALID'] : []
  const codes = [...new Set([...raised, ...always, ...ofKind])].filter((each) => each in ERRORS).sort()
  const rows = codes.map((each) => `| \`${each}\` | ${ERRORS[each as ErrorCode]} |`)
  return ['## Errors', '', '| code | meaning |', '| --- | --- |', ...rows].join('\n')
}

/** All code of a folder, without tests, pages and what tests are fed with. */
async function codeOf(folder: string): Promise<string> {
  const names = await readdir(new URL(folder, ROOT), { recursive: true })
  const files = names.filter((name) => /\.ts$/.test(name) && !/\.test\.ts$|^(page|fixtures)\//.test(name))
  return (await Promise.all(files.map((name) => read(`${folder}/${name}`)))).join('\n')
}

/** Links that were right in the README's folder are made right in the page's. */
function moveLinks(text: string, from: string, to: string): string {
  return text.replace(
    /\]\((?!https?:|#)([^)\s]+)\)/g,
    (_, target) => `](${relative(to, join(from, target))})`,
  )
}
