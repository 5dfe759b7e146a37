import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import ts from 'typescript'

const ROOT = fileURLToPath(new URL('../../', import.meta.url))
const COMPONENTS = ['sources', 'routers', 'sinks']
const ROOMS = ['lib', ...COMPONENTS, 'testing', 'servers', 'cli', 'faults', 'clients']

/** The only files that may import these, types left out. */
const OWNERS: Record<string, string[]> = {
  zeromq: ['lib/sockets/sockets', 'lib/sockets/zap'],
  bson: ['lib/codec/codec', 'clients/wanted'],
  zod: ['lib/options'],
}
/** What tests of the whole are made of, without being a test. */
const TESTING = ['faults', 'clients']
const CLI_PACKAGES = ['commander', 'pino', 'prom-client', 'yaml', 'picocolors']
/** The page runs in browsers: it has packages of its own, and of its sink nothing but what both say to each other. */
const PAGE = /^sinks\/[\w-]+\/page\//
const PAGE_PACKAGES = ['preact', 'preact/hooks', 'uplot', 'uplot/dist/uPlot.min.css']
/** A pipeline file is tested by what reads it, starts its parts, knows their ends and stops them in order; by no twin of it. */
const PIPELINE = [
  'cli/pipeline/pipeline',
  'cli/pipeline/part',
  'cli/pipeline/part-ends',
  'cli/resolve',
  'cli/run/quiet',
]
const PIPELINE_TESTERS = ['testing/pipeline', 'testing/own-endpoints']
/** What rooms of lib keep to themselves: how bytes are read and written fast, and the sockets with all that ZeroMQ wants. */
const INNER =
  /^lib\/codec\/(event-layout|event-reader|event-writer|shape-writer|shape-reader|field-reader|generated|kept-texts)$|^lib\/sockets\/(sockets|door|zap|memory-watch|seldom)$/
const FRONT_DOOR = /^lib\/(\w+\/)?index$/

/** Says what is wrong when `file` imports `target`, both without ending; undefined when it may. */
function fault(file: string, target: string, kind: 'package' | 'file', typeOnly = false): string | undefined {
  const [room, noun] = file.split('/')
  const isTest = file.endsWith('.test')
  if (PAGE.test(file)) return pageFault(file, target, kind)
  if (PAGE.test(target)) return 'only the page imports the page'
  if (kind === 'package') {
    if (target.startsWith('node:') || (isTest && room === 'lib')) return
    if (target in OWNERS) {
      return OWNERS[target]!.includes(file) || (room === 'lib' && target === 'zod' && typeOnly)
        ? undefined
        : `only ${OWNERS[target]!.join(' and ')} imports it`
    }
    if (room === 'cli') return CLI_PACKAGES.includes(target) ? undefined : 'not a package of the cli'
    return room === 'lib' || room === 'testing' || room === 'servers'
      ? `${room} has no further packages`
      : undefined
  }
  if (target.endsWith('.test')) return 'nobody imports a test'
  if (TESTING.includes(room!) && target === 'testing/index') return
  if (isTest && (target === 'testing/index' || (room === 'lib' && target.startsWith('testing/')))) return
  if (isTest && target === 'servers/index' && room !== 'lib') return
  if (FRONT_DOOR.test(target)) return
  if (PIPELINE_TESTERS.includes(file) && PIPELINE.includes(target)) return
  if (INNER.test(target) && dirname(file) !== dirname(target)) return `${dirname(target)} keeps it to itself`
  const home = COMPONENTS.includes(room!) ? `${room}/${noun}` : room
  return target.startsWith(`${home}/`) ? undefined : `only the front door of lib, and ${home} itself`
}

function pageFault(file: string, target: string, kind: 'package' | 'file'): string | undefined {
  const home = PAGE.exec(file)![0]
  if (kind === 'file') {
    const inside = target.startsWith(home) || target === home.replace('page/', 'protocol')
    return inside ? undefined : `only the page itself, and the sink's protocol`
  }
  if (file.endsWith('.test') && target.startsWith('node:')) return
  return PAGE_PACKAGES.includes(target) ? undefined : 'not a package of the page'
}

/** Everything a file imports in any way. */
function imports(text: string): { specifier: string; typeOnly: boolean }[] {
  const found = ts.preProcessFile(text, true, true).importedFiles.map(({ fileName }) => fileName)
  return found.map((specifier) => ({
    specifier,
    typeOnly: new RegExp(`import type (\\w+|{[^}]*}) from '${specifier}'`).test(text),
  }))
}

/** All files of these rooms with what they import, both without ending. */
const graph = new Map(
  ROOMS.flatMap((room) =>
    readdirSync(join(ROOT, room), { recursive: true, encoding: 'utf8' })
      .filter((name) => /\.tsx?$/.test(name))
      .map((name) => {
        const path = join(room, name)
        const file = path.replace(/\.tsx?$/, '')
        const found = imports(readFileSync(join(ROOT, path), 'utf8')).map(({ specifier, typeOnly }) => {
          const inside = specifier.startsWith('.')
          const target = inside ? join(dirname(file), specifier).replace(/\.js$/, '') : specifier
          return { target, kind: inside ? ('file' as const) : ('package' as const), typeOnly }
        })
        return [file, found] as const
      }),
  ),
)

test('every import goes inward, through a front door', () => {
  const faults = [...graph].flatMap(([file, found]) =>
    found.flatMap(({ target, kind, typeOnly }) => {
      const wrong = fault(file, target, kind, typeOnly)
      return wrong ? [`${file} imports ${target}: ${wrong}`] : []
    }),
  )
  assert.deepEqual(faults, [])
  const seen = [...graph.values()].flat().length
  assert.ok(seen > 100, `only ${seen} imports were found`)
})

/** The first circle found on the ways from `file` on: the files of it, in order. */
function circleFrom(
  file: string,
  targets: (file: string) => string[],
  done: Set<string>,
  way: string[] = [],
): string[] | undefined {
  if (way.includes(file)) return [...way.slice(way.indexOf(file)), file]
  if (done.has(file)) return undefined
  for (const target of targets(file)) {
    const circle = circleFrom(target, targets, done, [...way, file])
    if (circle) return circle
  }
  done.add(file)
  return undefined
}

test('no imports go round in a circle, not even those of types', () => {
  const done = new Set<string>()
  const targets = (file: string) =>
    (graph.get(file) ?? []).flatMap(({ target, kind }) => (kind === 'file' ? [target] : []))
  assert.deepEqual(
    [...graph.keys()].flatMap((file) => circleFrom(file, targets, done) ?? []),
    [],
  )
  const rounds: Record<string, string[]> = { a: ['b'], b: ['c', 'd'], c: [], d: ['b'] }
  assert.deepEqual(
    circleFrom('a', (file) => rounds[file]!, new Set()),
    ['b', 'd', 'b'],
  )
})

test('the law knows what is forbidden', () => {
  const forbidden: [string, string, 'package' | 'file'][] = [
    ['lib/source', 'zeromq', 'package'],
    ['lib/sink', 'bson', 'package'],
    ['lib/sink', 'zod', 'package'],
    ['lib/sink', 'pino', 'package'],
    ['lib/sink', 'cli/run/run', 'file'],
    ['lib/sink', 'lib/sink.test', 'file'],
    ['lib/source', 'lib/sockets/sockets', 'file'],
    ['lib/batch', 'lib/codec/shape-reader', 'file'],
    ['sources/nginx/nginx', 'zod', 'package'],
    ['sources/nginx/nginx', 'lib/source', 'file'],
    ['sources/nginx/nginx', 'lib/follow/lines', 'file'],
    ['sources/nginx/nginx', 'sources/system/system', 'file'],
    ['sources/nginx/nginx', 'testing/index', 'file'],
    ['sources/nginx/nginx.test', 'testing/clock', 'file'],
    ['cli/run/run', 'sources/nginx/nginx', 'file'],
    ['cli/run/run', 'zeromq', 'package'],
    ['cli/run/run', 'systeminformation', 'package'],
    ['testing/clock', 'lib/clock', 'file'],
    ['testing/clock', 'servers/index', 'file'],
    ['testing/clock', 'cli/pipeline/part', 'file'],
    ['testing/pipeline', 'cli/run/run', 'file'],
    ['testing/own-endpoints', 'cli/run/supervise', 'file'],
    ['sinks/mongodb/mongodb', 'servers/index', 'file'],
    ['sinks/mongodb/mongodb.test', 'servers/build', 'file'],
    ['servers/build', 'mongodb', 'package'],
    ['sinks/websocket/page/live', 'sinks/websocket/websocket', 'file'],
    ['sinks/websocket/page/live', 'lib/index', 'file'],
    ['sinks/websocket/page/live', 'node:fs', 'package'],
    ['sinks/websocket/websocket', 'sinks/websocket/page/store', 'file'],
  ]
  for (const [file, target, kind] of forbidden) assert.ok(fault(file, target, kind), `${file} -> ${target}`)
  assert.deepEqual(
    imports("import type { a } from './a.js'\nexport * from './b.js'\nconst c = await import('./c.js')").map(
      ({ specifier, typeOnly }) => [specifier, typeOnly],
    ),
    [
      ['./a.js', true],
      ['./b.js', false],
      ['./c.js', false],
    ],
  )
})
