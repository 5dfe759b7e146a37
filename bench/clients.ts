/**
 * What an event costs a source in C, in Ruby and in TypeScript: the same events, made in each language, into the same sink,
 * in turns. The sink may be what bounds the rate, so CPU of the source's process is what counts: from the first event to
 * the last byte, all threads.
 */
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { attach } from '../lib/index.js'
import { freeEndpoint, until } from '../testing/index.js'
import { scratch } from './ceiling.js'
import { Checksum, EVENT_TYPE, type Hit } from './event.js'
import { median } from './processes.js'
import { finish, NOT_HERE, type Row, table } from './report.js'
import { size } from './size.js'

const COUNT = size('BENCH_EVENTS', 200_000, 2000)
const ROUNDS = size('BENCH_ROUNDS', 5, 1)
const CLIENTS = fileURLToPath(new URL('../../clients/', import.meta.url))

interface Told {
  sent: number
  cpu: number
  seconds: number
}

/** Compiles the C source; undefined where that cannot be done. */
function compiled(folder: string): string[] | undefined {
  const program = join(folder, 'clients-source')
  const c = join(CLIENTS, 'c')
  const files = `-I${c} ${c}/programs/bench.c ${c}/eventstorm.c -o ${program}`
  const made = spawnSync('sh', [
    '-c',
    `cc -std=c11 -O3 ${files} $(pkg-config --cflags --libs libzmq libbson-1.0) -pthread`,
  ])
  return made.status === 0 ? [program] : undefined
}

function ruby(): string[] | undefined {
  const found = spawnSync('ruby', ['-rffi-rzmq', '-rbson', '-e', '']).status === 0
  return found ? ['ruby', `-I${CLIENTS}ruby/lib`, `${CLIENTS}ruby/bench.rb`] : undefined
}

/** How each is started; undefined for what is not here. */
const commands: Record<string, string[] | undefined> = {
  TypeScript: [process.execPath, fileURLToPath(new URL('./clients-source.js', import.meta.url))],
  C: compiled(scratch()),
  Ruby: ruby(),
}

async function run([command, ...args]: string[]): Promise<Told & { right: boolean }> {
  const checksum = new Checksum()
  await using sink = await attach(
    {
      write(batch) {
        for (const { data } of batch) checksum.add(data as Hit)
      },
    },
    { bind: [freeEndpoint()], subscribe: [EVENT_TYPE], queueEvents: 10 * COUNT, queueBytes: '4GiB' },
  )
  const child = spawn(command!, [...args, sink.endpoints[0]!, String(COUNT)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  let output = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    output += text
  })
  const [code] = await once(child, 'close')
  if (code !== 0) throw new Error(`${command} ended with ${code}`)
  const told: Told = JSON.parse(output)
  const counted = () => sink.counters().written + sink.counters().lost
  await until('everything has come', () => counted() === COUNT, 60_000)
  return { ...told, right: told.sent === COUNT && checksum.value === Checksum.expected(COUNT) }
}

const results: Record<string, (Told & { right: boolean })[]> = {}
for (let round = 0; round < ROUNDS; round++) {
  for (const [name, command] of Object.entries(commands)) {
    if (command === undefined) continue
    const result = await run(command)
    results[name] = [...(results[name] ?? []), result]
    process.stderr.write(
      `round ${round + 1}/${ROUNDS}  ${name}: ${((result.cpu / COUNT) * 1e6).toFixed(2)} us/event\n`,
    )
  }
}

const cpu = (name: string) => (median(results[name]!.map((each) => each.cpu)) / COUNT) * 1e6
const rows = Object.keys(commands).map((name): Row => {
  const all = results[name]
  if (all === undefined) {
    process.stderr.write(`NOT COMPARED: ${name}, whose compiler, interpreter or libraries are not here\n`)
    return { client: name, 'events/s': NOT_HERE }
  }
  return {
    client: name,
    'events/s': Math.round(COUNT / median(all.map((each) => each.seconds))),
    'CPU us/event': cpu(name).toFixed(2),
    'events/s of a core': Math.round(1e6 / cpu(name)),
    'x TypeScript': (cpu('TypeScript') / cpu(name)).toFixed(2),
    right: all.every((each) => each.right) ? 'yes' : 'NO',
  }
})
table(`${COUNT} events of 15 fields from a source into a sink over tcp, ${ROUNDS} rounds, medians`, rows)
finish(
  'clients',
  results,
  Object.values(results).every((all) => all.every((each) => each.right)),
)
