/**
 * How many events a second each sink stores, end to end from the wire, against the driver's own best loop: that has its
 * events at hand, the sink has to receive, queue and decode them. In turns, in one run, so that the ratios hold on a noisy
 * machine; everything is read back. `BENCH_STORES=mongodb` picks stores.
 */
import { Checksum } from './event.js'
import { median, RoleProcess } from './processes.js'
import { finish, type Row, table } from './report.js'
import { quick, size } from './size.js'
import { loadStore, type StoreBench } from './store.js'

const STORES =
  process.env.BENCH_STORES?.split(',') ?? (quick ? ['segments'] : ['segments', 'mongodb', 'cassandra'])
const COUNT = size('BENCH_EVENTS', 200_000, 1000)
const ROUNDS = size('BENCH_ROUNDS', 5, 1)
const WANTED = 0.85

const expected = Checksum.expected(COUNT)

interface Result {
  rate: number
  cpu: number
  right: boolean
}

type Stored = { stored: number; seconds: number; cpu: number }

async function verified(
  store: StoreBench,
  place: unknown,
  { stored, seconds, cpu }: Stored,
): Promise<Result> {
  const sum = new Checksum()
  for await (const each of store.take(place)) sum.add(each)
  return { rate: stored / seconds, cpu, right: stored === COUNT && sum.value === expected }
}

async function measure(
  role: 'loop' | 'sink',
  name: string,
  store: StoreBench,
  place: unknown,
): Promise<Result> {
  const options = { store: name, place, count: COUNT }
  const storing = new RoleProcess(role, options, './store-roles.js')
  const started = [storing]
  try {
    const { ready } = await storing.report<{ ready: string }>('ready')
    if (role === 'sink') {
      const sender = new RoleProcess('sender', { count: COUNT, endpoint: ready })
      started.push(sender)
      await sender.report('ready')
      sender.tell({ go: true })
    } else {
      storing.tell({ go: true })
    }
    return await verified(store, place, await storing.report<Stored>('stored'))
  } finally {
    for (const each of started) await each.stop()
  }
}

const rows: Row[] = []
const figures: Record<string, unknown> = {}
let right = true
for (const name of STORES) {
  const store = await loadStore(name)
  const started = await store.start()
  if (typeof started === 'string') {
    console.error(`NOT MEASURED: ${name}: ${started}`)
    continue
  }
  const results: Record<'loop' | 'sink', Result[]> = { loop: [], sink: [] }
  try {
    // The first round warms the server up.
    for (let round = 0; round <= ROUNDS; round++) {
      for (const role of ['loop', 'sink'] as const) {
        const result = await measure(role, name, store, started.place)
        if (round > 0) results[role].push(result)
        process.stderr.write(
          `round ${round}/${ROUNDS}  ${name} ${role}: ${Math.round(result.rate)} events/s\n`,
        )
      }
    }
  } finally {
    await started.stop()
  }
  const rate = (role: 'loop' | 'sink') => median(results[role].map((each) => each.rate))
  // Of neighbours in time, since the machine's load changes from round to round.
  const ratio = median(results.sink.map((sink, i) => sink.rate / results.loop[i]!.rate))
  for (const role of ['loop', 'sink'] as const) {
    const all = results[role]
    rows.push({
      store: name,
      what: role === 'sink' ? `eventstorm: ${name}, from the wire` : store.loop,
      'events/s': Math.round(rate(role)),
      min: Math.round(Math.min(...all.map((each) => each.rate))),
      max: Math.round(Math.max(...all.map((each) => each.rate))),
      'us CPU/event': ((median(all.map((each) => each.cpu)) * 1e6) / COUNT).toFixed(2),
      ratio: role === 'sink' ? `${ratio.toFixed(2)}${ratio >= WANTED ? '' : ` (wanted ${WANTED})`}` : '',
      right: all.every((each) => each.right) ? 'yes' : 'NO',
    })
  }
  figures[name] = { ratio, results }
  right &&= [...results.loop, ...results.sink].every((each) => each.right)
}
if (rows.length > 0) table(`${COUNT} events of 15 fields into stores, ${ROUNDS} rounds, medians`, rows)
finish('stores', { events: COUNT, rounds: ROUNDS, figures }, right)
