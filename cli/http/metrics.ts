import { Counter, Gauge, Registry } from 'prom-client'
import { balance, type CounterInfo, type Stream, total } from '../../lib/index.js'
import type { Kind } from '../resolve.js'
import { healthOf } from './health.js'
import { counterInfos, type Observed } from './observed.js'

/** Streams (source and type) told one by one; every one more is a time series in somebody's database. */
const MAX_STREAMS = 500

const STREAM_COUNTERS = {
  received: total('Events received, by source and type.'),
  lost: balance('Events lost, by source and type.'),
  duplicate: total('Events that came again, by source and type.'),
} satisfies Record<string, CounterInfo>

/** The numbers of this moment. Made anew for each reading: the components keep the count, not the registry. */
export function toRegistry(observed: Iterable<Observed>): Registry {
  const registry = new Registry()
  for (const each of observed) {
    const { kind, name, part, running } = each
    const infos = counterInfos(kind, part?.definition)
    addComponent(registry, each)
    for (const [counter, value] of Object.entries(running.counters())) {
      const metric = metricFor(registry, kind, counter, infos[counter], typeof value === 'object')
      if (typeof value === 'number') metric.inc({ name }, value)
      else for (const [why, count] of Object.entries(value)) metric.inc({ name, reason: why }, count)
    }
    if (kind === 'sink' && running.streams) addStreams(registry, name, running.streams())
  }
  return registry
}

/** What is told of every component alike. */
function addComponent(registry: Registry, observed: Observed): void {
  const { kind, name, running } = observed
  const labelNames = ['kind', 'name']
  const restarts = ensure(registry, Counter, {
    name: 'eventstorm_component_restarts_total',
    help: 'Times that a component was started again after it had failed.',
    labelNames,
  })
  restarts.inc({ kind, name }, running.restarts ?? 0)
  const ready = ensure(registry, Gauge, {
    name: 'eventstorm_component_ready',
    help: 'Whether a component can do its work now, as /readyz has it.',
    labelNames,
  })
  ready.set({ kind, name }, healthOf(observed).ready ? 1 : 0)
}

function metricFor(
  registry: Registry,
  kind: Kind,
  counter: string,
  info: CounterInfo | undefined,
  byReason: boolean,
) {
  const words = counter.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)
  const described = info ?? total(`${words.replaceAll('_', ' ')} of the ${kind}.`)
  return ensureFor(
    registry,
    `eventstorm_${kind}_${words}`,
    described,
    byReason ? ['name', 'reason'] : ['name'],
  )
}

/** One series for each source and type; the incarnations of a source are added up. */
function addStreams(registry: Registry, name: string, streams: Iterable<Stream>): void {
  const metrics = Object.entries(STREAM_COUNTERS).map(([counter, info]) => ({
    counter: counter as keyof typeof STREAM_COUNTERS,
    metric: ensureFor(registry, `eventstorm_sink_stream_${counter}`, info, ['name', 'source', 'type']),
  }))
  const told = new Set<string>()
  const untold = new Set<string>()
  for (const stream of streams) {
    const key = JSON.stringify([stream.source, stream.type])
    if (!told.has(key) && told.size >= MAX_STREAMS) {
      untold.add(key)
      continue
    }
    told.add(key)
    const { source, type } = stream
    for (const { counter, metric } of metrics) metric.inc({ name, source, type }, stream[counter])
  }
  const beyond = ensure(registry, Gauge, {
    name: 'eventstorm_sink_streams_untold',
    help: `Streams beyond the ${MAX_STREAMS} that are told one by one; the totals hold them.`,
    labelNames: ['name'],
  })
  beyond.inc({ name }, untold.size)
}

function ensureFor(
  registry: Registry,
  name: string,
  { nature, description }: CounterInfo,
  labelNames: string[],
) {
  const settings = { help: description, labelNames }
  return nature === 'total'
    ? ensure(registry, Counter, { name: `${name}_total`, ...settings })
    : ensure(registry, Gauge, { name, ...settings })
}

interface Settings {
  name: string
  help: string
  labelNames: string[]
}

/** The metric of that name, made when it is first told. */
export function ensure<M extends Counter | Gauge>(
  registry: Registry,
  Metric: new (settings: Settings & { registers: Registry[] }) => M,
  settings: Settings,
): M {
  const known = registry.getSingleMetric(settings.name) as M | undefined
  return known ?? new Metric({ ...settings, registers: [registry] })
}
