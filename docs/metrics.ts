import { collectDefaultMetrics, Registry } from 'prom-client'
import { toRegistry } from '../cli/http/metrics.js'
import { counterInfos } from '../cli/http/observed.js'
import type { RunningPart } from '../cli/pipeline/part.js'
import { addReloads } from '../cli/run/run-pipeline.js'
import { type AuditBooks, addAudit } from '../cli/top/audit-metrics.js'
import type { AnyDefinition } from '../lib/index.js'

type Kind = AnyDefinition['kind']

interface Metric {
  name: string
  type: string
  help: string
}

/** What `/metrics` would have of a component that counts all that is described. */
async function metricsOf(kind: Kind, definition?: AnyDefinition): Promise<Metric[]> {
  const counters = Object.fromEntries(Object.keys(counterInfos(kind, definition)).map((name) => [name, 0]))
  const running = { status: 'running', counters: () => counters, streams: () => [] }
  const part = definition && { part: { definition, name: '', given: {}, framework: {}, own: {} } }
  const observed = { kind, name: '', ...part, running: running as unknown as RunningPart }
  return listed(toRegistry([observed]))
}

async function listed(registry: Registry): Promise<Metric[]> {
  const all = await registry.getMetricsAsJSON()
  return all.map(({ name, help, type }) => ({ name, help, type: String(type) }))
}

const table = (rows: string[]) =>
  ['| metric | type | of | meaning |', '| --- | --- | --- | --- |', ...rows].join('\n')

const row = ({ name, type, help }: Metric, of: string) =>
  `| \`${name}\` | ${type} | ${of} | ${help.replaceAll('|', '\\|')} |`

/** The metrics of the components of one kind: the framework's, and each component's own. */
async function kindTable(kind: Kind, definitions: readonly AnyDefinition[]): Promise<string> {
  const shared = await metricsOf(kind)
  const known = new Set(shared.map(({ name }) => name))
  const own = new Map<string, { metric: Metric; of: string[] }>()
  for (const definition of definitions.filter((each) => each.kind === kind)) {
    for (const metric of (await metricsOf(kind, definition)).filter(({ name }) => !known.has(name))) {
      const entry = own.get(metric.name) ?? { metric, of: [] }
      if (entry.metric.help !== metric.help || entry.metric.type !== metric.type)
        throw new Error(`${metric.name} of ${entry.of} and of ${definition.name} mean different things`)
      own.set(metric.name, { metric, of: [...entry.of, definition.name] })
    }
  }
  const general = shared.filter(({ name }) => name.startsWith(`eventstorm_${kind}_`))
  return table([
    ...general.map((metric) => row(metric, name(metric, kind))),
    ...[...own.values()].map(({ metric, of }) => row(metric, of.join(', '))),
  ])
}

/** `top` shows its own subscription as a sink that takes. */
const name = (metric: Metric, kind: Kind) => (metric.name.endsWith('_taken_total') ? 'top' : `every ${kind}`)

async function componentsTable(): Promise<string> {
  const registry = new Registry()
  addReloads(registry, { applied: 0, refused: 0 })
  const shared = (await metricsOf('source')).filter(({ name }) => name.startsWith('eventstorm_component_'))
  return table([
    ...shared.map((metric) => row(metric, 'every component')),
    ...(await listed(registry)).map((metric) => row(metric, '`up`')),
  ])
}

/** One of everything that an audit can tell. */
const BOOKS = {
  sources: () => [{ source: '', epoch: 0, state: 'alive', heard: 0 }],
  streams: () => [
    {
      ...{ source: '', type: '', sent: 0, alive: true },
      sinks: [{ sink: '', received: 0, lost: 0, duplicate: 0, before: 0, unheard: 0, balance: 0 }],
    },
  ],
  sinks: () => [{ sink: '', alive: true, state: 'alive', since: 0, dropped: { overflow: 0 } }],
  refused: 0,
  forgotten: 0,
}

async function auditTable(): Promise<string> {
  const registry = new Registry()
  addAudit(registry, BOOKS as unknown as AuditBooks, 0)
  return table((await listed(registry)).map((metric) => row(metric, '`top --audit`')))
}

async function processTable(): Promise<string> {
  const registry = new Registry()
  collectDefaultMetrics({ register: registry })
  return table((await listed(registry)).map((metric) => row(metric, 'the process')))
}

/** The tables of docs/METRICS.md, by the names of their markers. */
export async function metricsTables(definitions: readonly AnyDefinition[]): Promise<Record<string, string>> {
  return {
    components: await componentsTable(),
    sources: await kindTable('source', definitions),
    routers: await kindTable('router', definitions),
    sinks: await kindTable('sink', definitions),
    audit: await auditTable(),
    process: await processTable(),
  }
}
