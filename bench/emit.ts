/**
 * What one `emit` costs who calls it: when nobody listens, when somebody listens to something else, and with one listener
 * in another process; and whether anything is left behind in the heap. Beside it, what a call of Node's own EventEmitter
 * costs, and a naive publisher, which serializes before it can know that nobody is there. What was emitted must be what was
 * sent and what nobody wanted, and what was sent what the listener received and lost.
 */
import { median, RoleProcess } from './processes.js'
import { finish, type Row, table } from './report.js'
import { size } from './size.js'

const CALLS = size('BENCH_EVENTS', 2_000_000, 5000)
const ROUNDS = size('BENCH_ROUNDS', 5, 1)
/** More than this, and something is kept for each call: bytes of heap between the first part and the last. */
const GROWTH = 500_000

interface Case {
  what: string
  listened: boolean
  /** Where the calls are slow. */
  share?: number
}

interface Result {
  /** A call, by the clock. */
  nanoseconds: number
  /** A call, by the CPU of the whole process: encoding, sending, collecting. */
  cpu: number
  /** Bytes that a call leaves to be collected. */
  made: number
  /** Bytes after a collection, at five moments. */
  heap: number[]
  sent: number
  unwanted: number
  emitted: number
  right: boolean
}

const cases: Record<string, Case> = {
  'eventstorm, nobody listens': { what: 'nobody', listened: false },
  'eventstorm, somebody listens to another type': { what: 'other', listened: true },
  'eventstorm, one listener, one field': { what: 'small', listened: true },
  'eventstorm, one listener, 15 fields': { what: 'fifteen', listened: true, share: 0.5 },
  'EventEmitter of Node, nobody listens': { what: 'emitter', listened: false },
  'naive zeromq + bson, nobody listens, 15 fields': { what: 'naive', listened: false, share: 0.1 },
}

async function run({ what, listened, share = 1 }: Case): Promise<Result> {
  const started: RoleProcess[] = []
  const start = (role: string, options: object, nodeOptions: string[] = []) => {
    const process = new RoleProcess(role, options, './emit-roles.js', nodeOptions)
    started.push(process)
    return process
  }
  try {
    const listener = listened ? start('listen', {}) : undefined
    const endpoint = (await listener?.report<{ ready: string }>('ready'))?.ready
    // Room for what a portion makes, so that no collection falls into one.
    const emitting = start('emit', { what, calls: CALLS * share, endpoint }, [
      '--expose-gc',
      '--max-semi-space-size=64',
    ])
    const result = await emitting.report<Result & Record<string, unknown>>('nanoseconds')
    const { sent, unwanted, emitted } = result
    let heard = 0
    for (const deadline = performance.now() + 20_000; heard < sent && performance.now() < deadline; ) {
      listener!.tell({})
      const { received, lost } = await listener!.report<{ received: number; lost: number }>('received')
      heard = received + lost
      await new Promise((resolve) => setTimeout(resolve, 10))
    }
    return { ...result, right: emitted === sent + unwanted && heard === sent }
  } finally {
    for (const each of started) await each.stop()
  }
}

const results: Record<string, Result[]> = {}
for (let round = 0; round < ROUNDS; round++) {
  for (const [name, each] of Object.entries(cases)) {
    const result = await run(each)
    results[name] = [...(results[name] ?? []), result]
    process.stderr.write(`round ${round + 1}/${ROUNDS}  ${name}: ${result.nanoseconds.toFixed(0)} ns\n`)
  }
}

const growth = ({ heap }: Result) => heap.at(-1)! - heap[1]!
const rows: Row[] = Object.entries(results).map(([name, all]) => ({
  case: name,
  'ns/emit': Math.round(median(all.map((each) => each.nanoseconds))),
  'CPU ns/emit': Math.round(median(all.map((each) => each.cpu))),
  'garbage B/emit': Math.round(median(all.map((each) => each.made))),
  'heap after 20 % KB': Math.round(median(all.map(({ heap }) => heap[1]!)) / 1000),
  'at the end': Math.round(median(all.map(({ heap }) => heap.at(-1)!)) / 1000),
  flat: median(all.map(growth)) < GROWTH ? 'yes' : 'NO',
  right: all.every(({ right }) => right) ? 'yes' : 'NO',
}))
table(`the cost of one emit, ${CALLS} calls in portions of 1000, ${ROUNDS} rounds, medians`, rows)
finish(
  'emit',
  { calls: CALLS, rounds: ROUNDS, results },
  rows.every((row) => row.flat === 'yes' && row.right === 'yes'),
)
