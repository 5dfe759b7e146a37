/**
 * What an event costs a source in C, in Ruby and in TypeScript: the same events, made in each language, into the same sink,
 * in turns; in C with documents of `eventstorm_document.h` and of libbson. What counts is the CPU of the source's process:
 * from the first event to the last byte, all threads. The sink keeps what comes and looks at it afterwards, since what it
 * does not take at once piles up in the source, which costs memory that only a burst would need. A longer run tells what
 * an event costs once Node.js has compiled what it runs often: what it took beyond the shorter one.
 */
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { attach, EventBatch } from '../lib/index.js'
import { freeEndpoint, until } from '../testing/index.js'
import { scratch } from './ceiling.js'
import { Checksum, EVENT_TYPE, type Hit } from './event.js'
import { median } from './processes.js'
import { finish, NOT_HERE, type Row, table } from './report.js'
import { size } from './size.js'

const COUNT = size('BENCH_EVENTS', 200_000, 2000)
const ROUNDS = size('BENCH_ROUNDS', 5, 1)
const LONG = 4 * COUNT
const CLIENTS = fileURLToPath(new URL('../../clients/', import.meta.url))

/** What has no compiler to wait for is not run for long. */
const WARMED = ['TypeScript', 'C', 'C, libbson']

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

const c = compiled(scratch())
/** How each is started; undefined for what is not here. */
const commands: Record<string, string[] | undefined> = {
  TypeScript: [process.execPath, fileURLToPath(new URL('./clients-source.js', import.meta.url))],
  C: c && [...c, 'eventstorm'],
  'C, libbson': c && [...c, 'libbson'],
  Ruby: ruby(),
}

async function run([command, ...args]: string[], events: number): Promise<Told & { right: boolean }> {
  const came: EventBatch[] = []
  await using sink = await attach(
    { write: (batch) => void came.push(batch) },
    { bind: [freeEndpoint()], subscribe: [EVENT_TYPE], queueEvents: 10 * events, queueBytes: '4GiB' },
  )
  const child = spawn(command!, [...args, sink.endpoints[0]!, String(events)], {
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
  await until('everything has come', () => counted() === events, 60_000)
  const checksum = new Checksum()
  // Message by message, so that no more than one is decoded at a time.
  for (const message of came.flatMap(({ messages }) => messages)) {
    for (const { data } of new EventBatch([message])) checksum.add(data as Hit)
  }
  return { ...told, right: told.sent === events && checksum.value === Checksum.expected(events) }
}

type Results = Record<string, (Told & { right: boolean })[]>
const results: Results = {}
const long: Results = {}
for (let round = 0; round < ROUNDS; round++) {
  for (const [name, command] of Object.entries(commands)) {
    if (command === undefined) continue
    const result = await run(command, COUNT)
    results[name] = [...(results[name] ?? []), result]
    if (WARMED.includes(name)) long[name] = [...(long[name] ?? []), await run(command, LONG)]
    process.stderr.write(
      `round ${round + 1}/${ROUNDS}  ${name}: ${((result.cpu / COUNT) * 1e6).toFixed(2)} us/event\n`,
    )
  }
}

const seconds = (all: Told[]) => median(all.map(({ cpu }) => cpu))
const cpu = (name: string) => (seconds(results[name]!) / COUNT) * 1e6
const warm = (name: string) => ((seconds(long[name]!) - seconds(results[name]!)) / (LONG - COUNT)) * 1e6
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
    'warm, us/event': name in long ? warm(name).toFixed(2) : '',
    'warm, x TypeScript': name in long ? (warm('TypeScript') / warm(name)).toFixed(2) : '',
    right: [...all, ...(long[name] ?? [])].every((each) => each.right) ? 'yes' : 'NO',
  }
})
table(`${COUNT} events of 15 fields from a source into a sink over tcp, ${ROUNDS} rounds, medians`, rows)
finish(
  'clients',
  { results, long },
  [...Object.values(results), ...Object.values(long)].flat().every(({ right }) => right),
)
