/**
 * What a router costs at batches of 100: ours, which is JavaScript and looks at every header, against libzmq's own proxy,
 * in Node and in C. The same sender and receiver, which hand over bytes and read a number of each event, with nothing
 * else changed; the CPU is that of the router's process, for an event.
 */
import { buildCeiling, scratch } from './ceiling.js'
import { Checksum, pooledHit } from './event.js'
import { Line, median, type Player } from './processes.js'
import { finish, NOT_HERE, type Row, table } from './report.js'
import { size } from './size.js'

const COUNT = size('BENCH_EVENTS', 2_000_000, 5000)
const ROUNDS = size('BENCH_ROUNDS', 5, 1)
const BATCH = 100

interface Result {
  rate: number
  cpu: number
  right: boolean
}

const program = './throughput-roles.js'
const built = buildCeiling(scratch())
const native: Player | undefined = 'program' in built ? { role: 'proxy', program: built.program } : undefined
const OURS = 'eventstorm router'
const PROXY = 'zmq.Proxy in Node'
const C_PROXY = 'zmq_proxy in C'
const routers: Record<string, boolean | Player | undefined> = {
  'none, direct': false,
  [OURS]: true,
  [PROXY]: { role: 'proxy', program },
  [C_PROXY]: native,
}

async function run(routing: boolean | Player): Promise<Result> {
  const receiver = { role: 'receiver', program, options: { look: 'number' } }
  const sender = { role: 'bytesSender', program, options: { batchEvents: BATCH } }
  await using line = await Line.start(sender, receiver, routing, { count: COUNT })
  await line.router?.used()
  line.sender.tell({ go: true })
  const [sent, got] = await Promise.all([
    line.sender.report<{ sent: number; batches: number }>('sent'),
    line.receiver.report<{ received: number; checksum: string; seconds: number }>('received'),
  ])
  const whole = sent.sent === COUNT && Math.abs(sent.batches - COUNT / BATCH) < 2
  return {
    rate: got.received / got.seconds,
    cpu: (await line.router?.used()) ?? 0,
    right: whole && got.checksum === Checksum.expected(COUNT, 'number', pooledHit),
  }
}

const results: Record<string, Result[]> = {}
for (let round = 0; round < ROUNDS; round++) {
  for (const [name, routing] of Object.entries(routers)) {
    if (routing === undefined) continue
    const result = await run(routing)
    results[name] = [...(results[name] ?? []), result]
    process.stderr.write(`round ${round + 1}/${ROUNDS}  ${name}: ${Math.round(result.rate)} events/s\n`)
  }
}

/** Of neighbours in time, since the machine's load changes from round to round. */
const ratio = (of: (result: Result) => number, name: string, to: string) =>
  results[name] && results[to] && results[name].every((each) => of(each) > 0)
    ? median(results[name].map((each, round) => of(each) / of(results[to]![round]!))).toFixed(2)
    : ''

const rows: Row[] = Object.keys(routers).map((name) => {
  const all = results[name]
  if (all === undefined) return { router: name, 'events/s': NOT_HERE }
  return {
    router: name,
    'events/s': Math.round(median(all.map((each) => each.rate))),
    'x C proxy': ratio((each) => each.rate, name, C_PROXY),
    'router us/event': ((median(all.map((each) => each.cpu)) * 1e6) / COUNT).toFixed(3),
    'x CPU of zmq.Proxy': ratio((each) => each.cpu, name, PROXY),
    'x CPU of C proxy': ratio((each) => each.cpu, name, C_PROXY),
    right: all.every((each) => each.right) ? 'yes' : 'NO',
  }
})
if ('missing' in built) console.error(`NOT COMPARED: ${C_PROXY}: ${built.missing}`)
table(`${COUNT} events of 15 fields in messages of ${BATCH}, as bytes, ${ROUNDS} rounds, medians`, rows)
finish(
  'router',
  { count: COUNT, batch: BATCH, rounds: ROUNDS, results },
  rows.every((row) => row.right !== 'NO'),
)
