/**
 * Where each microsecond goes: sender, router and receiver of `throughput` under V8's sampling profiler. The CPU of each
 * thread is what the system counts; that of the main thread is shared out by its samples, as self time by file and by
 * function. A first part of the events warms up and is not counted.
 */

import { readFileSync } from 'node:fs'
import type { Profiler } from 'node:inspector'
import { join } from 'node:path'
import { scratch } from './ceiling.js'
import { type SelfTime, selfTimes } from './cpu-profile.js'
import { threadTimes } from './cpu-time.js'
import { Checksum, pooledHit } from './event.js'
import { Line, type RoleProcess } from './processes.js'
import { finish, type Row, table } from './report.js'
import { size } from './size.js'

const COUNT = size('BENCH_EVENTS', 3_000_000, 5000)
const WARM_UP = COUNT / 5
/** Functions below this share of the main thread are left out of the table. */
const SHOWN = 0.01

const folder = scratch()
const program = './throughput-roles.js'

interface Profiled {
  who: string
  /** CPU of each kind of thread, microseconds of an event. */
  threads: Map<string, number>
  times: SelfTime[]
}

async function begin(role: RoleProcess): Promise<Map<string, number>> {
  role.tell({ profile: 'begin' })
  await role.report('profiling')
  return threadTimes(role.pid)
}

async function end(who: string, role: RoleProcess, before: Map<string, number>): Promise<Profiled> {
  const after = threadTimes(role.pid)
  const file = join(folder, `${who}.cpuprofile`)
  role.tell({ profile: file })
  await role.report('profiled')
  const profile = JSON.parse(readFileSync(file, 'utf8')) as Profiler.Profile
  const micros = [...after].map(([kind, seconds]): [string, number] => [
    kind,
    ((seconds - (before.get(kind) ?? 0)) * 1e6) / (COUNT - WARM_UP),
  ])
  return { who, threads: new Map(micros), times: selfTimes(profile) }
}

async function run(): Promise<{ right: boolean; all: Profiled[] }> {
  const sender = { role: 'sender', program }
  const receiver = { role: 'receiver', program, options: { look: 'all' } }
  await using line = await Line.start(sender, receiver, true, { count: COUNT, pauseAt: WARM_UP })
  const roles = Object.entries({ sender: line.sender, router: line.router!, receiver: line.receiver })
  line.sender.tell({ go: true })
  await line.sender.report('paused')
  const before = await Promise.all(roles.map(([, role]) => begin(role)))
  line.sender.tell({ go: true })
  const { checksum } = await line.receiver.report<{ checksum: string }>('received')
  const all = await Promise.all(roles.map(([who, role], i) => end(who, role, before[i]!)))
  return { right: checksum === Checksum.expected(COUNT, 'all', pooledHit), all }
}

const { right, all } = await run()
const show = (micros: number) => micros.toFixed(3)

for (const { who, threads, times } of all) {
  const main = threads.get('main') ?? 0
  const whole = [...threads.values()].reduce((sum, each) => sum + each, 0)
  const parts = new Map<string, number>()
  for (const { file, share } of times) parts.set(file, (parts.get(file) ?? 0) + share * main)
  for (const [kind, micros] of threads) if (kind !== 'main') parts.set(`(${kind})`, micros)
  const rows: Row[] = [...parts]
    .sort(([, a], [, b]) => b - a)
    .filter(([, micros], i) => i < 3 || micros >= SHOWN * whole)
    .map(([where, micros]) => ({
      where,
      'us/event': show(micros),
      '%': Math.round((100 * micros) / (whole || 1)),
    }))
  table(`${who}: ${whole.toFixed(2)} us of CPU an event`, rows)
  table(
    `${who}, the main thread by function`,
    times
      .filter(({ share }, i) => i < 3 || (share >= SHOWN && i < 25))
      .map(({ file, name, share }) => ({ function: name, where: file, 'us/event': show(share * main) })),
  )
}
finish('profile', { count: COUNT, warmUp: WARM_UP }, right)
