import { readdir, readFile, writeFile } from 'node:fs/promises'
import { pathToFileURL } from 'node:url'
import {
  type AnyDefinition,
  ERRORS,
  listOptions,
  type OptionSchema,
  optionsTable,
  routerOptions,
  showDefault,
  sinkOptions,
} from '../lib/index.js'
import { dependenciesTable } from './dependencies.js'
import { metricsTables } from './metrics.js'

/**
 * The tables that documents share with the code, written by the code: `npm run docs` puts them between their
 * markers, and a test finds those that are out of date.
 */

/** The repository, from `dist/docs/tables.js`. */
export const ROOT = new URL('../../', import.meta.url)

/** Every shipped component as `sources/nginx`, read from the folders. */
export async function componentFolders(): Promise<string[]> {
  const folders = await Promise.all(
    ['sources', 'routers', 'sinks'].map(async (room) => {
      const entries = await readdir(new URL(room, ROOT), { withFileTypes: true })
      return entries.filter((each) => each.isDirectory()).map((each) => `${room}/${each.name}`)
    }),
  )
  return folders.flat().sort()
}

/** The definition that `sources/nginx` exports. */
export async function loadDefinition(folder: string): Promise<AnyDefinition> {
  const name = folder.split('/')[1]
  const module = (await import(new URL(`dist/${folder}/${name}.js`, ROOT).href)) as { default: AnyDefinition }
  return module.default
}

function optionRows(schema: OptionSchema): string {
  return Object.keys(schema.shape).length === 0 ? 'It has no options of its own.' : optionsTable(schema)
}

export function errorsTable(): string {
  const rows = Object.entries(ERRORS).map(([code, meaning]) => `| \`${code}\` | ${meaning} |`)
  return ['| code | meaning |', '| --- | --- |', ...rows].join('\n')
}

/** Options that are bounds, and where it is counted when they are reached. */
const COUNTED_AS: Record<string, string> = {
  maxMessageBytes: '`connections.disconnected`',
  maxTopicBytes: '`malformed.topic`, `limitedSubscriptions.tooLong`',
  maxDepth: '`dropped.undecodable`',
  handshakeTimeout: '`connections.timedOut`',
  maxConnections: '`connections.overCount`',
  maxConnectionRate: '`connections.overRate`',
  maxSubscriptions: '`limitedSubscriptions.tooMany`',
  sendHighWaterMark: '`lost`, at that subscriber',
  maxStreams: '`forgottenStreams`',
  maxMemory: '`resets`, and what was dropped as `lost`',
  queueEvents: '`dropped.overflow`',
  queueBytes: '`dropped.overflow`',
}

export function limitsTable(): string {
  const options = [...listOptions(routerOptions), ...listOptions(sinkOptions)]
  const rows = Object.entries(COUNTED_AS).map(([name, counted]) => {
    const option = options.find((each) => each.name === name)
    if (option === undefined) throw new Error(`no option is called ${name}`)
    return `| \`${name}\` | \`${showDefault(option)}\` | ${option.description} | ${counted} |`
  })
  return ['| option | default | meaning | counted as |', '| --- | --- | --- | --- |', ...rows].join('\n')
}

/** Puts `table` between `<!-- name -->` and `<!-- /name -->`. */
export function insertTable(text: string, name: string, table: string): string {
  const [before, after] = text.split(`<!-- ${name} -->`)
  const [, rest] = after?.split(`<!-- /${name} -->`) ?? []
  if (rest === undefined) throw new Error(`expected the markers <!-- ${name} --> and <!-- /${name} -->`)
  return `${before}<!-- ${name} -->\n\n${table}\n\n<!-- /${name} -->${rest}`
}

export interface GeneratedDocument {
  path: string
  text: string
  expected: string
}

/** Every document with a generated table: as it is, and as it should be. */
export async function generatedDocuments(): Promise<GeneratedDocument[]> {
  const check = async (path: string, name: string, table: string) => {
    const text = await readFile(new URL(path, ROOT), 'utf8')
    return { path, text, expected: insertTable(text, name, table) }
  }
  const readmes = (await componentFolders()).map(async (folder) =>
    check(`${folder}/README.md`, 'options', optionRows((await loadDefinition(folder)).options)),
  )
  const security = async () => {
    const { path, text, expected } = await check('SECURITY.md', 'limits', limitsTable())
    return { path, text, expected: insertTable(expected, 'dependencies', dependenciesTable(ROOT)) }
  }
  const metrics = async () => {
    const definitions = await Promise.all((await componentFolders()).map(loadDefinition))
    const path = 'docs/METRICS.md'
    const text = await readFile(new URL(path, ROOT), 'utf8')
    const tables = Object.entries(await metricsTables(definitions))
    return {
      path,
      text,
      expected: tables.reduce((all, [name, table]) => insertTable(all, name, table), text),
    }
  }
  return Promise.all([...readmes, check('docs/ERRORS.md', 'errors', errorsTable()), security(), metrics()])
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  for (const { path, text, expected } of await generatedDocuments()) {
    if (text === expected) continue
    await writeFile(new URL(path, ROOT), expected)
    process.stdout.write(`${path}\n`)
  }
}
