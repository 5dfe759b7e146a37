/**
 * How the cost of an event grows with the number of sources, types, subscriptions and sinks, and with its size: CPU of all
 * three hops, in steady state. The message stays what it is, a hundred events of one source and type, unless said
 * otherwise: what many types in turn make of the batches is a line of its own.
 */
import { type BusFigures, type BusOptions, measureBus } from './bus.js'
import { median } from './processes.js'
import { finish, type Row, table } from './report.js'
import { quick, size } from './size.js'

const COUNT = size('BENCH_EVENTS', 1_000_000, 2000)
const ROUNDS = size('BENCH_ROUNDS', 3, 1)
/** How much more an event may cost than at the first level. */
const FLAT = 1.2

const ONE: BusOptions = {
  sources: 1,
  types: 1,
  subscriptions: 1,
  sinks: 1,
  bytes: 350,
  row: 100,
  look: 'all',
}

interface Dimension {
  name: string
  /** Whether the cost should not depend on it. */
  flat: boolean
  levels: number[]
  bus(level: number): BusOptions
}

const few = (levels: number[], little: number) => (quick ? [little] : levels)
const dimensions: Dimension[] = [
  {
    name: 'sources',
    flat: true,
    levels: few([1, 10, 100, 1000], 3),
    bus: (sources) => ({ ...ONE, sources }),
  },
  {
    name: 'types',
    flat: true,
    levels: few([1, 10, 100, 1000, 10_000], 3),
    bus: (types) => ({ ...ONE, types }),
  },
  {
    name: 'subscriptions',
    flat: true,
    levels: few([1, 10, 100], 10),
    bus: (subscriptions) => ({ ...ONE, types: 100, subscriptions }),
  },
  { name: 'sinks', flat: true, levels: few([1, 2, 5, 10], 2), bus: (sinks) => ({ ...ONE, sinks }) },
  {
    name: 'bytes of an event',
    flat: false,
    levels: quick ? [1000] : [100, 350, 1000, 10_000],
    bus: (bytes) => ({ ...ONE, bytes }),
  },
  {
    name: 'types, a new one with every event',
    flat: false,
    levels: quick ? [3] : [1, 10, 100, 1000, 10_000],
    bus: (types) => ({ ...ONE, types, row: 1 }),
  },
]

/** Large events, many sinks and messages of one event take longer, each. */
const countOf = ({ bytes, sinks, row }: BusOptions) =>
  Math.ceil(COUNT / Math.max(1, bytes / 1000) / sinks / (row === 1 ? 5 : 1))
/** Every source and type has been seen before anything is measured. */
const warmUpOf = (bus: BusOptions) => Math.max(countOf(bus) / 5, bus.sources * bus.types * bus.row)

type Measured = { dimension: Dimension; level: number; rounds: BusFigures[] }
const measured: Measured[] = dimensions.flatMap((dimension) =>
  dimension.levels.map((level) => ({ dimension, level, rounds: [] })),
)
for (let round = 0; round < ROUNDS; round++) {
  for (const { dimension, level, rounds } of measured) {
    const bus = dimension.bus(level)
    rounds.push(await measureBus(bus, warmUpOf(bus), countOf(bus)))
    process.stderr.write(
      `round ${round + 1}/${ROUNDS}  ${dimension.name} ${level}: ${rounds.at(-1)!.seconds.toFixed(2)} s\n`,
    )
  }
}

const rows = measured.map(({ dimension, level, rounds }): Row => {
  const bus = dimension.bus(level)
  const first = measured.find((each) => each.dimension === dimension)!
  // With many sinks it is the delivery that should cost the same.
  const cost = (figures: BusFigures, { sinks }: BusOptions) =>
    (figures.sources + figures.router + figures.sinks) / sinks
  const micros = (seconds: number[]) => (median(seconds) * 1e6) / countOf(bus)
  const ratio =
    median(rounds.map((each) => cost(each, bus) / countOf(bus))) /
    median(
      first.rounds.map(
        (each) => cost(each, dimension.bus(first.level)) / countOf(dimension.bus(first.level)),
      ),
    )
  return {
    what: dimension.name,
    level,
    'us CPU/event': micros(rounds.map((each) => cost(each, bus))).toFixed(2),
    source: micros(rounds.map((each) => each.sources)).toFixed(2),
    router: micros(rounds.map((each) => each.router)).toFixed(2),
    sinks: micros(rounds.map((each) => each.sinks)).toFixed(2),
    'x first': ratio.toFixed(2),
    flat: dimension.flat ? (ratio <= FLAT ? 'yes' : 'NO') : '',
    lost: rounds.reduce((sum, each) => sum + each.lost, 0),
    right: rounds.every((each) => each.right) ? 'yes' : 'NO',
  }
})
table(`CPU of an event from source through router to sink, decoded, ${ROUNDS} rounds, medians`, rows)
finish(
  'scale',
  {
    count: COUNT,
    rounds: ROUNDS,
    results: measured.map(({ dimension, level, rounds }) => ({ what: dimension.name, level, rounds })),
  },
  rows.every((row) => row.right === 'yes'),
)
