/**
 * How many events a second go from an object in one process to an object in another over tcp: directly and
 * through a router, against the program a user would write (one event a message). All in one run, in turns, so
 * that the ratios hold on a noisy machine.
 */
import { Checksum } from './event.js'
import { Line, median } from './processes.js'
import { finish, type Row, table } from './report.js'

const COUNT = Number(process.env.BENCH_EVENTS ?? 300_000)
const ROUNDS = Number(process.env.BENCH_ROUNDS ?? 5)

interface Result {
  rate: number
  received: number
  lost: number | undefined
  right: boolean
  cpu: { sender: number; router?: number; receiver: number }
}

const expected = Checksum.expected(COUNT)

async function run(senderRole: string, receiverRole: string, routed: boolean): Promise<Result> {
  await using line = await Line.start(senderRole, receiverRole, routed, { count: COUNT })
  // The naive program has no way to know when its subscriber is there.
  if (senderRole === 'naiveSender') await new Promise((resolve) => setTimeout(resolve, 500))
  line.sender.tell({ go: true })
  const [sent, got] = await Promise.all([
    line.sender.report<{ sent: number; cpu: number }>('sent'),
    line.receiver.report<{ received: number; checksum: string; seconds: number; cpu: number; lost?: number }>(
      'received',
    ),
  ])
  line.router?.tell({ report: true })
  const passed = await line.router?.report<{ cpu: number }>('cpu')
  return {
    rate: got.received / got.seconds,
    received: got.received,
    lost: got.lost,
    right: got.checksum === expected && sent.sent === COUNT,
    cpu: { sender: sent.cpu, receiver: got.cpu, ...(passed && { router: passed.cpu }) },
  }
}

const cases: Record<string, () => Promise<Result>> = {
  'naive zeromq + bson, direct': () => run('naiveSender', 'naiveReceiver', false),
  'eventstorm, direct': () => run('sender', 'receiver', false),
  'eventstorm, through a router': () => run('sender', 'receiver', true),
}

const results: Record<string, Result[]> = {}
for (let round = 0; round < ROUNDS; round++) {
  for (const [name, measure] of Object.entries(cases)) {
    const result = await measure()
    results[name] = [...(results[name] ?? []), result]
    process.stderr.write(`round ${round + 1}/${ROUNDS}  ${name}: ${Math.round(result.rate)} events/s\n`)
  }
}

const rate = (name: string) => median(results[name]!.map((each) => each.rate))
const [naive, direct] = Object.keys(cases) as [string, string]
const microseconds = (seconds: number | undefined) =>
  seconds === undefined ? '' : ((seconds * 1e6) / COUNT).toFixed(2)
const rows: Row[] = Object.entries(results).map(([name, all]) => ({
  case: name,
  'events/s': Math.round(rate(name)),
  min: Math.round(Math.min(...all.map((each) => each.rate))),
  max: Math.round(Math.max(...all.map((each) => each.rate))),
  'x naive': (rate(name) / rate(naive)).toFixed(2),
  'x direct': (rate(name) / rate(direct)).toFixed(2),
  'sender us/event': microseconds(median(all.map((each) => each.cpu.sender))),
  'router us/event': microseconds(all[0]!.cpu.router && median(all.map((each) => each.cpu.router!))),
  'receiver us/event': microseconds(median(all.map((each) => each.cpu.receiver))),
  lost: all.reduce((sum, each) => sum + (COUNT - each.received), 0),
  right: all.every((each) => each.right) ? 'yes' : 'NO',
}))
table(`${COUNT} events of 15 fields, object to object over tcp, ${ROUNDS} rounds, medians`, rows)

// A receiver that stands still: its sender goes on, and what it holds is bounded.
const stalled = await Line.start('watchedSender', 'receiver', false, { count: COUNT * 4 })
stalled.receiver.signal('SIGSTOP')
stalled.sender.tell({ go: true })
const { sent, memory } = await stalled.sender.report<{ sent: number; memory: number[] }>('sent')
stalled.receiver.signal('SIGCONT')
const got = await stalled.receiver.report<{ received: number; lost: number }>('received')
await stalled[Symbol.asyncDispose]()
const megabytes = (bytes: number) => Math.round(bytes / 1e6)
const flat = Math.max(...memory.slice(10)) <= 1.25 * Math.max(...memory.slice(2, 10))
const balance = sent - got.received - got.lost
table('a receiver that stands still', [
  {
    sent,
    'received afterwards': got.received,
    lost: got.lost,
    'sent - received - lost': balance,
    'sender MB at 10 %': megabytes(memory[2]!),
    'at 50 %': megabytes(memory[10]!),
    'at the end': megabytes(memory.at(-1)!),
    flat: flat ? 'yes' : 'NO',
  },
])
const right = rows.every((row) => row.right === 'yes') && flat && balance === 0
finish(
  'throughput',
  { count: COUNT, rounds: ROUNDS, rows, results, stalled: { sent, ...got, memory } },
  right,
)
