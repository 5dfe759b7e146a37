/**
 * The soak: `npm run soak -- --minutes N [--seed N]`. Four sources with 20,000 events a second in all, two routers side
 * by side, the sinks segments and websocket as the program runs them, and something going wrong all the time. Who lives
 * through it must hold as much memory and as many descriptors at the end as in the tenth minute (of less than an hour, at
 * a sixth of the run, after a minute at the earliest), give or take a fifth; and everything must add up. Figures go to
 * bench/results/soak.json.
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { relaxCollector } from '../lib/index.js'
import { type Remote, seeded, until } from '../testing/index.js'
import { Bus } from './bus.js'
import { descriptors, memory } from './memory.js'

const { values } = parseArgs({
  options: { minutes: { type: 'string', default: '60' }, seed: { type: 'string' } },
})
const minutes = Number(values.minutes)
const seed = Number(values.seed ?? Date.now() % 1_000_000)
const random = seeded(seed)

const RATE = 5000
const SAMPLE_EVERY = 10_000
const TOLERANCE = 0.2

interface Series {
  name: string
  pid: number
  samples: { at: number; memory: number; descriptors: number }[]
}

// As the program and the roles do.
relaxCollector()
const folder = mkdtempSync(join(tmpdir(), 'storm-soak-'))
const started = performance.now()
const elapsed = () => performance.now() - started
const end = minutes * 60_000
const base = Math.min(600_000, Math.max(60_000, end / 6))
const series: Series[] = []
const faults: Record<string, number> = {}

const bus = new Bus()
const routers = [await bus.router(), await bus.router()]
const ends = (side: 0 | 1) => routers.map(({ endpoints }) => endpoints[side]!)
const sinks = [
  bus.programSink(
    'segments',
    ['segments', '--path', join(folder, 'store'), '--keep-bytes', '500MB'],
    ends(1),
  ),
  bus.programSink('websocket', ['websocket', '--port', '0'], ends(1)),
]
// The processes of the bus end with this one by themselves.
process.on('exit', () => rmSync(folder, { recursive: true, force: true }))
const sources: Remote[] = []
for (let i = 0; i < 4; i++) sources.push(await bus.source(`s${i}`, ends(0)))
await bus.flow(sources, RATE)
await until('both sinks report', () => bus.sinks().length === sinks.length, 30_000)
const watched: [string, number][] = [
  ['router 1', routers[1]!.pid],
  ...[1, 2, 3].map((i): [string, number] => [`source ${i}`, sources[i]!.pid]),
  ['segments', sinks[0]!.pid],
  ['websocket', sinks[1]!.pid],
  ['audit', process.pid],
]
for (const [name, pid] of watched) series.push({ name, pid, samples: [] })
console.log(`seed ${seed}, ${minutes} minutes`)

let nextFault = 15_000
while (elapsed() < end) {
  await sleep(SAMPLE_EVERY - (elapsed() % SAMPLE_EVERY))
  const at = Math.round(elapsed() / 1000)
  for (const { pid, samples } of series)
    samples.push({ at, memory: memory(pid), descriptors: descriptors(pid) })
  console.log(
    [at, ...series.map(({ name, samples }) => `${name} ${megabytes(samples.at(-1)!.memory)}`)].join('  '),
  )
  // Quiet at the end: what is held for somebody who stands still is no leak.
  if (elapsed() < nextFault || elapsed() > end - 30_000) continue
  await fault()
  nextFault = elapsed() + random() * 15_000
}
const outcome = await bus.settle()
await bus[Symbol.asyncDispose]()
report()

/** One thing that goes wrong. What is to be watched to the end is stopped and never killed. */
async function fault(): Promise<void> {
  const stopped = async (member: Pick<Remote, 'pause' | 'resume'>) => {
    member.pause()
    await sleep(500 + random() * 2500)
    member.resume()
  }
  const kinds: Record<string, () => Promise<void>> = {
    'router killed': async () => {
      await bus.kill(routers[0]!)
      await sleep(random() * 2000)
      routers[0] = await bus.restarted(routers[0]!)
    },
    'source killed': async () => {
      await bus.kill(sources[0]!)
      sources[0] = await bus.source('s0', ends(0))
      await bus.flow([sources[0]], RATE)
    },
    'router stopped': () => stopped(routers[Math.floor(random() * 2)]!),
    'source stopped': () => stopped(sources[Math.floor(random() * sources.length)]!),
    'sink stopped': () => stopped(sinks[Math.floor(random() * sinks.length)]!),
  }
  const names = Object.keys(kinds)
  const name = names[Math.floor(random() * names.length)]!
  faults[name] = (faults[name] ?? 0) + 1
  await kinds[name]!()
}

function megabytes(bytes: number): number {
  return Math.round(bytes / 1e5) / 10
}

/** The middle one of three samples: a collection of garbage is no trend. */
function around(samples: Series['samples'], of: 'memory' | 'descriptors', index: number): number {
  const three = samples.slice(Math.max(0, index - 2), index + 1).map((each) => each[of])
  return three.sort((a, b) => a - b)[three.length >> 1] ?? 0
}

function report(): never {
  const rows = series.map(({ name, samples }) => {
    const early = Math.max(
      0,
      samples.findIndex(({ at }) => at * 1000 >= base),
    )
    const figure = (of: 'memory' | 'descriptors') => {
      const [then, now] = [around(samples, of, early), around(samples, of, samples.length - 1)]
      return { then, now, right: now > 0 && now <= then * (1 + TOLERANCE) }
    }
    return { name, memory: figure('memory'), descriptors: figure('descriptors') }
  })
  console.log(`\nat ${Math.round(base / 1000)} s and at ${Math.round(end / 1000)} s\n`)
  console.log('| process | MB then | MB at the end | descriptors then | at the end | |')
  console.log('| --- | ---: | ---: | ---: | ---: | --- |')
  for (const { name, memory: held, descriptors: open } of rows) {
    const verdict = held.right && open.right ? 'level' : 'GROWS'
    console.log(
      `| ${name} | ${megabytes(held.then)} | ${megabytes(held.now)} | ${open.then} | ${open.now} | ${verdict} |`,
    )
  }
  console.log(`\nfaults ${JSON.stringify(faults)}\n${JSON.stringify(outcome)}`)
  const level = rows.every((each) => each.memory.right && each.descriptors.right)
  const right = level && outcome.balance === 0 && outcome.settled
  mkdirSync('bench/results', { recursive: true })
  const figures = { date: new Date().toISOString(), seed, minutes, faults, outcome, rows, series, right }
  writeFileSync('bench/results/soak.json', JSON.stringify(figures, undefined, 2))
  console.log(`figures: bench/results/soak.json\n${right ? 'right' : 'FAILED'}`)
  process.exit(right ? 0 : 1)
}
