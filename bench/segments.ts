/**
 * What the segments store carries, with the bounds that everybody has: events offered at a pace for so long, what was
 * dropped, and the memory it took; then how long a chart's question takes a process that has just been started.
 */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { median, RoleProcess } from './processes.js'
import { finish, type Row, table } from './report.js'
import { quick, size } from './size.js'

const PACES = (process.env.BENCH_PACES ?? (quick ? '2000x0.5' : '100000x50,150000x60'))
  .split(',')
  .map((pace) => pace.split('x').map(Number))
const ROUNDS = size('BENCH_ROUNDS', 5, 1)

interface Kept {
  received: number
  lost: number
  written: number
  dropped: Record<string, number>
  mergesFailed: number
  segments: number
  cpu: number
}

/** The most memory that a process has had, MB. */
function peakMemory(pid: number): number {
  const [, kilobytes] = /^VmHWM:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? []
  return Number(kilobytes) / 1000
}

async function keep(path: string, rate: number, seconds: number) {
  const count = rate * seconds
  const storing = new RoleProcess('store', { path, count }, './segments-roles.js')
  const { ready: endpoint } = await storing.report<{ ready: string }>('ready')
  const sending = new RoleProcess('send', { endpoint, rate, count }, './segments-roles.js')
  try {
    await sending.report('ready')
    sending.tell({ go: true })
    const { sent, seconds } = await sending.report<{ sent: number; seconds: number }>('sent')
    const memory = peakMemory(storing.pid)
    storing.tell({ go: true })
    return { sent, seconds, memory, ...(await storing.report<Kept & Record<string, unknown>>('written')) }
  } finally {
    await sending.stop()
    await storing.stop()
  }
}

async function askCold(path: string) {
  const asking = new RoleProcess('ask', { path }, './segments-roles.js')
  const answer = await asking.report<{ asked: number; sinceStart: number; rows: number; events: number }>(
    'asked',
  )
  await asking.stop()
  return answer
}

const rows: Row[] = []
const questions: Row[] = []
const figures: unknown[] = []
let right = true
for (const [rate, seconds] of PACES as [number, number][]) {
  const path = mkdtempSync(join(tmpdir(), 'eventstorm-bench-segments-'))
  try {
    const kept = await keep(path, rate, seconds)
    const gone = Object.values(kept.dropped).reduce((sum, each) => sum + each, 0)
    const answers = []
    for (let round = 0; round < ROUNDS; round++) answers.push(await askCold(path))
    const whole = kept.sent === rate * seconds && kept.received + kept.lost === kept.sent
    right &&= whole && answers.every(({ events }) => events === kept.written)
    rows.push({
      'offered/s': Math.round(kept.sent / kept.seconds),
      seconds: Math.round(kept.seconds),
      sent: kept.sent,
      lost: kept.lost,
      dropped: gone,
      written: kept.written,
      files: kept.segments,
      'merges failed': kept.mergesFailed,
      'us CPU/event': ((kept.cpu * 1e6) / kept.sent).toFixed(2),
      'peak MB': Math.round(kept.memory),
    })
    questions.push({
      events: kept.written,
      rows: answers[0]!.rows,
      'ms, opened and asked': Math.round(median(answers.map(({ asked }) => asked))),
      'ms, since the process began': Math.round(median(answers.map(({ sinceStart }) => sinceStart))),
    })
    figures.push({ rate, kept, answers })
  } finally {
    rmSync(path, { recursive: true })
  }
}
table('events of 15 fields and 20 types, offered at a pace', rows)
table(
  `count by type and minute, in a process that has just been started, ${ROUNDS} rounds, medians`,
  questions,
)
finish('segments', { figures }, right)
