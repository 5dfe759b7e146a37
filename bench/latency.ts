/**
 * How long an event is on its way, from `emit` in one process until it is an object in another over tcp, at a
 * steady pace: directly and through a router.
 */
import { Checksum } from './event.js'
import { Line, median } from './processes.js'
import { finish, type Row, table } from './report.js'
import { quick, size } from './size.js'

const RATES = quick ? [1000] : [1000, 10_000, 100_000]
const SECONDS = size('BENCH_SECONDS', 4, 0.1)
const ROUNDS = size('BENCH_ROUNDS', 3, 1)

interface Result {
  received: number
  lost: number
  right: boolean
  p50: number
  p99: number
  max: number
}

async function run(rate: number, routed: boolean): Promise<Result> {
  const count = rate * SECONDS
  await using line = await Line.start('pacedSender', 'latencyReceiver', routed, { count, rate })
  line.sender.tell({ go: true })
  const [sent, got] = await Promise.all([
    line.sender.report<{ sent: number }>('sent'),
    line.receiver.report<Omit<Result, 'right'> & { checksum: string }>('received'),
  ])
  return { ...got, right: got.checksum === Checksum.expected(count) && sent.sent === count }
}

const milliseconds = (microseconds: number) => (microseconds / 1000).toFixed(2)
const rows: Row[] = []
const results: Record<string, Result[]> = {}
for (const rate of RATES) {
  for (const routed of [false, true]) {
    const name = `${rate}/s ${routed ? 'through a router' : 'direct'}`
    const all: Result[] = []
    results[name] = all
    for (let round = 0; round < ROUNDS; round++) {
      all.push(await run(rate, routed))
      process.stderr.write(`${name}: p99 ${milliseconds(all.at(-1)!.p99)} ms\n`)
    }
    rows.push({
      case: name,
      'p50 ms': milliseconds(median(all.map((each) => each.p50))),
      'p99 ms': milliseconds(median(all.map((each) => each.p99))),
      'worst p99 ms': milliseconds(Math.max(...all.map((each) => each.p99))),
      'max ms': milliseconds(Math.max(...all.map((each) => each.max))),
      received: all.reduce((sum, each) => sum + each.received, 0),
      lost: all.reduce((sum, each) => sum + each.lost, 0),
      right: all.every((each) => each.right) ? 'yes' : 'NO',
    })
  }
}
table(`emit to object over tcp, ${SECONDS} s at a steady pace, ${ROUNDS} rounds, medians`, rows)
finish(
  'latency',
  { rates: RATES, seconds: SECONDS, rounds: ROUNDS, results },
  rows.every((row) => row.right === 'yes'),
)
