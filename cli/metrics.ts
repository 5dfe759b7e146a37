import { createServer, type Server } from 'node:http'
import { Counter, collectDefaultMetrics, Gauge, Registry } from 'prom-client'
import { EventstormError, type Running, reason, type Stream } from '../lib/index.js'
import type { Kind } from './resolve.js'

/** What is told about: a component at work. */
export interface Observed {
  kind: Kind
  name: string
  running: Running & { streams?(): Iterable<Stream> }
}

/** Counters that may go down: what is held or so at the moment, and losses, which late events take back. */
const GAUGES = new Set(['lost', 'queued', 'queuedBytes', 'pending', 'state', 'streams', 'subscriptions'])

/** Streams (source and type) told one by one; every one more is a time series in somebody's database. */
const MAX_STREAMS = 500

const STREAM_METRICS = ['received', 'lost', 'duplicate'] as const

/**
 * Serves `/metrics` (Prometheus text) and `/healthz` on the loopback interface.
 * @param add adds what there is to tell beside the components
 * @throws BIND_FAILED
 */
export async function serveMetrics(
  port: number,
  observed: readonly Observed[],
  add: (registry: Registry) => void = () => {},
): Promise<AsyncDisposable> {
  const process = new Registry()
  collectDefaultMetrics({ register: process })
  const server = createServer(async (request, response) => {
    const path = request.url?.split('?')[0]
    if (path === '/healthz') {
      const { healthy, body } = health(observed)
      response
        .writeHead(healthy ? 200 : 503, { 'content-type': 'application/json' })
        .end(JSON.stringify(body))
    } else if (path === '/metrics') {
      const now = toRegistry(observed)
      add(now)
      const text = await Registry.merge([now, process]).metrics()
      response.writeHead(200, { 'content-type': process.contentType }).end(text)
    } else {
      response.writeHead(404, { 'content-type': 'text/plain' }).end('Try /metrics or /healthz.\n')
    }
  })
  await listen(server, port)
  return {
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

function listen(server: Server, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (error) => {
      const message = `cannot serve metrics on 127.0.0.1:${port}: ${reason(error)}; choose another --metrics port`
      reject(new EventstormError('BIND_FAILED', message, error))
    })
    server.listen(port, '127.0.0.1', resolve)
  })
}

function health(observed: readonly Observed[]) {
  const troubled = observed.filter(({ running }) => running.status !== 'running')
  if (troubled.length === 0) return { healthy: true, body: { status: 'running' } }
  const not = troubled.map(({ kind, name, running }) => ({ kind, name, status: running.status }))
  return { healthy: false, body: { status: not[0]!.status, not } }
}

/** The numbers of this moment. Made anew for each reading: the components keep the count, not the registry. */
export function toRegistry(observed: readonly Observed[]): Registry {
  const registry = new Registry()
  for (const { kind, name, running } of observed) {
    for (const [counter, value] of Object.entries(running.counters())) {
      const metric = metricFor(registry, kind, counter, typeof value === 'object')
      if (typeof value === 'number') metric.inc({ name }, value)
      else for (const [why, count] of Object.entries(value)) metric.inc({ name, reason: why }, count)
    }
    if (kind === 'sink' && running.streams) addStreams(registry, name, running.streams())
  }
  return registry
}

function metricFor(registry: Registry, kind: Kind, counter: string, byReason: boolean) {
  const gauge = GAUGES.has(counter)
  const words = counter.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)
  const name = `eventstorm_${kind}_${words}${gauge ? '' : '_total'}`
  const existing = registry.getSingleMetric(name) as Counter | Gauge | undefined
  if (existing) return existing
  const labelNames = byReason ? ['name', 'reason'] : ['name']
  const help = `${words.replaceAll('_', ' ')} of the ${kind}${byReason ? ', by reason' : ''}.`
  const settings = { name, help: help[0]!.toUpperCase() + help.slice(1), labelNames, registers: [registry] }
  return gauge ? new Gauge(settings) : new Counter(settings)
}

/** One series for each source and type; the incarnations of a source are added up. */
function addStreams(registry: Registry, name: string, streams: Iterable<Stream>): void {
  const labels = ['name', 'source', 'type']
  const metrics = STREAM_METRICS.map((counter) => {
    const gauge = GAUGES.has(counter)
    const metricName = `eventstorm_sink_stream_${counter}${gauge ? '' : '_total'}`
    const known = registry.getSingleMetric(metricName) as Counter | Gauge | undefined
    const settings = {
      name: metricName,
      help: `Events ${counter}, by source and type.`,
      labelNames: labels,
      registers: [registry],
    }
    return { counter, metric: known ?? (gauge ? new Gauge(settings) : new Counter(settings)) }
  })
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
  const untoldName = 'eventstorm_sink_streams_untold'
  const gauge =
    (registry.getSingleMetric(untoldName) as Gauge | undefined) ??
    new Gauge({
      name: untoldName,
      help: `Streams beyond the ${MAX_STREAMS} that are told one by one; the totals hold them.`,
      labelNames: ['name'],
      registers: [registry],
    })
  gauge.inc({ name }, untold.size)
}
