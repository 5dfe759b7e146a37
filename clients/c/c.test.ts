/** The C library: built as its users build it, checked by its own programs, and run against the real bus. */
import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { attach, EventRouter, type StormEvent } from '../../lib/index.js'
import { step } from '../../servers/index.js'
import { freeEndpoint, until } from '../../testing/index.js'
import { interoperability } from '../interop.js'
import { lacking } from '../tools.js'

const HERE = fileURLToPath(new URL('../../../clients/c/', import.meta.url))
const VECTORS = fileURLToPath(new URL('../../../protocol/vectors/', import.meta.url))
const CHECKS = ['check-wire', 'check-source'] as const

const folder = mkdtempSync(join(tmpdir(), 'storm-c-'))
after(() => rmSync(folder, { recursive: true }))

const skip = lacking('C', [
  ['cc', '--version'],
  ['cmake', '--version'],
  ['pkg-config', '--exists', 'libzmq', 'libbson-1.0'],
])
const skipValgrind = skip || lacking('C', [['valgrind', '--version']])

const builds = new Map<string, Promise<string>>()
/** The folder of a build by CMake, with the programs of the tests; each set of flags is built once. */
function built(flags = ''): Promise<string> {
  const known = builds.get(flags)
  if (known !== undefined) return known
  const into = join(folder, `build-${builds.size}`)
  const made = build(into, flags).then(() => into)
  builds.set(flags, made)
  return made
}

async function build(into: string, flags: string): Promise<void> {
  const places = [`-DCMAKE_INSTALL_PREFIX=${join(into, 'prefix')}`, '-DCMAKE_INSTALL_LIBDIR=lib']
  const options = ['-DEVENTSTORM_PROGRAMS=ON', `-DCMAKE_C_FLAGS=${flags}`, ...places]
  await step(['cmake', '-S', HERE, '-B', into, ...options], folder)
  await step(['cmake', '--build', into], folder)
}

/** Runs both checks. @param through a program that runs them */
async function check(build: string, through: string[] = [], env = {}): Promise<void> {
  const files = mkdtempSync(join(folder, 'files-'))
  const seed = process.env.SEED ?? '20261121'
  for (const program of CHECKS) {
    const args = program === 'check-wire' ? [VECTORS, seed] : [files]
    const [command, ...rest] = [...through, join(build, program), ...args]
    await step([command!, ...rest], folder, env)
  }
}

const SANITIZERS = '-fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer -g'

test('C: bytes, bad input, numbers, overflow and threads are right', { skip }, async () =>
  check(await built()),
)

test('C: the sanitizers find nothing', { skip }, async () => {
  // Freed memory that is kept to catch its use would look like memory that grows.
  await check(await built(SANITIZERS), [], { ASAN_OPTIONS: 'quarantine_size_mb=1' })
})

test('C: valgrind finds nothing, and no byte that is not given back', { skip: skipValgrind }, async () => {
  const leaks = ['--leak-check=full', '--show-leak-kinds=all', '--errors-for-leak-kinds=all']
  await check(await built(), [
    ...['valgrind', '-q', '--error-exitcode=99', '--child-silent-after-fork=yes', '--fair-sched=yes'],
    ...leaks,
  ])
})

for (const linked of ['shared', 'static'] as const) {
  test(`C: the example of the README runs as it stands, ${linked}`, { skip }, async () => {
    const made = await built()
    await step(['cmake', '--install', made], folder)
    const library = join(made, 'prefix', 'lib')
    const readme = readFileSync(join(HERE, 'README.md'), 'utf8')
    const [example, document] = [...readme.matchAll(/```c\n([\s\S]*?)```/g)].map(([, code]) => code!)
    assert.ok(example!.split('\n').length < 16, 'about ten lines')
    const shop = join(mkdtempSync(join(folder, 'example-')), 'shop')
    // The other example goes into the same program as a function; that what it calls does its work, the checks say.
    const beside = `void hit(eventstorm_source *source);\nvoid hit(eventstorm_source *source) {\n${document}}\n`
    writeFileSync(`${shop}.c`, `${example}#include <eventstorm_document.h>\n${beside}`)
    const libraries = {
      shared: '$(pkg-config --libs eventstorm)',
      static: `${library}/libeventstorm.a $(pkg-config --libs libzmq libbson-1.0) -pthread`,
    }
    const flags = '-std=c11 -Wall -Wextra -Werror $(pkg-config --cflags eventstorm)'
    await step(['sh', '-c', `cc ${flags} ${shop}.c -o ${shop} ${libraries[linked]}`], folder, {
      PKG_CONFIG_PATH: join(library, 'pkgconfig'),
    })

    await using router = new EventRouter({ bindSources: [freeEndpoint()], bindSinks: [freeEndpoint()] })
    const events: StormEvent[] = []
    await using _sink = await attach(
      { write: (batch) => void events.push(...batch) },
      { connect: [...router.sinkEndpoints] },
    )
    await step([shop, router.sourceEndpoints[0]!], folder, { LD_LIBRARY_PATH: library })
    await until('the order has arrived', () => events.length === 1)
    const [{ type, source, data }] = events as [StormEvent]
    assert.deepEqual([type, source, data], ['order.placed', 'shop', { number: 1, total: 12.5 }])
  })
}

interoperability('C', async () => ({ command: join(await built(), 'interop') }), { skip })
