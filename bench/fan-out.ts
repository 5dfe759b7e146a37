/**
 * One source, one router, and 1 to 50 sinks that all want everything: what a delivery costs as they get more. Sinks read a
 * number in the bytes of each event, so that it is the bus that is measured; all of them are in one process.
 */
import { type BusFigures, measureBus } from './bus.js'
import { median } from './processes.js'
import { finish, type Row, table } from './report.js'
import { quick, size } from './size.js'

const DELIVERIES = size('BENCH_EVENTS', 4_000_000, 4000)
const ROUNDS = size('BENCH_ROUNDS', 3, 1)
const SINKS = quick ? [1, 3] : [1, 2, 5, 10, 20, 50]

const results: Record<number, BusFigures[]> = {}
const countFor = (sinks: number) => Math.ceil(DELIVERIES / sinks)
for (let round = 0; round < ROUNDS; round++) {
  for (const sinks of SINKS) {
    const bus = {
      sources: 1,
      types: 1,
      subscriptions: 1,
      sinks,
      bytes: 350,
      row: 100,
      look: 'number',
    } as const
    const figures = await measureBus(bus, countFor(sinks) / 10, countFor(sinks))
    results[sinks] = [...(results[sinks] ?? []), figures]
    process.stderr.write(`round ${round + 1}/${ROUNDS}  ${sinks} sinks: ${figures.seconds.toFixed(2)} s\n`)
  }
}

const rows: Row[] = SINKS.map((sinks) => {
  const all = results[sinks]!
  const count = countFor(sinks)
  const middle = (of: (each: BusFigures) => number) => median(all.map(of))
  const micros = (of: (each: BusFigures) => number, per: number) => ((middle(of) * 1e6) / per).toFixed(3)
  return {
    sinks,
    'events/s': Math.round(count / middle((each) => each.seconds)),
    'deliveries/s': Math.round((count * sinks) / middle((each) => each.seconds)),
    'source us/event': micros((each) => each.sources, count),
    'router us/event': micros((each) => each.router, count),
    'router us/delivery': micros((each) => each.router, count * sinks),
    'sinks us/delivery': micros((each) => each.sinks, count * sinks),
    lost: all.reduce((sum, each) => sum + each.lost, 0),
    right: all.every((each) => each.right) ? 'yes' : 'NO',
  }
})
table(`events of 350 bytes to many sinks through a router, ${ROUNDS} rounds, medians`, rows)
finish(
  'fan-out',
  { deliveries: DELIVERIES, rounds: ROUNDS, results },
  rows.every((row) => row.right === 'yes'),
)
