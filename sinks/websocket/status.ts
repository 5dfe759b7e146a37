import { readFileSync } from 'node:fs'
import type { Counters, SinkContext } from '../../lib/index.js'
import type { Aggregates } from './aggregates.js'
import type { Hub } from './hub.js'
import type { ServerStatus } from './protocol.js'
import type { Recent } from './recent.js'

interface Parts extends Omit<ServerStatus, 'version' | 'endpoints' | 'subscribe' | 'bounds' | 'counters'> {
  inlet: SinkContext['inlet']
  aggregates: Aggregates
  recent: Recent
  hub: Hub
  counters: Counters
}

let version: string | undefined

function readVersion(): string {
  const path = new URL('../../../package.json', import.meta.url)
  version ??= (JSON.parse(readFileSync(path, 'utf8')) as { version: string }).version
  return version
}

/** What the server does, and what is used of each of its bounds. */
export function statusOf({ inlet, aggregates, recent, hub, ...rest }: Parts): ServerStatus {
  const { refused, limits, memory } = aggregates
  const types = [...aggregates.types.values()]
  const most = (of: (type: (typeof types)[number]) => number) =>
    types.reduce((top, type) => Math.max(top, of(type)), 0)
  const bound = (name: string, used: number, limit: number, no: number, description: string) => ({
    name,
    used,
    limit,
    refused: no,
    description,
  })
  return {
    ...rest,
    version: readVersion(),
    endpoints: [...inlet.endpoints],
    subscribe: [...inlet.subscribe],
    bounds: [
      bound(
        'types',
        types.length,
        limits.types,
        refused.types,
        'Event types; events of further ones are not counted.',
      ),
      bound(
        'series',
        aggregates.size,
        limits.series,
        refused.series,
        'Series; values of further ones are not kept.',
      ),
      bound(
        'fields',
        most((type) => type.fields),
        limits.fields,
        refused.fields,
        'Fields of a type; the most of any.',
      ),
      bound(
        'keys',
        most((type) => type.keys),
        limits.keys,
        refused.keys,
        'Keys of a type; further ones are other.',
      ),
      bound(
        'memory',
        memory.used,
        memory.limit,
        memory.refused,
        'Bytes of the last day; further blocks are not kept.',
      ),
      bound(
        'late',
        0,
        limits.late,
        refused.late,
        'Seconds that an event may be late; later ones are not in a graph.',
      ),
      bound('rows', recent.kept, recent.limit, 0, 'Rows kept; the oldest go.'),
      bound('clients', hub.clients, hub.limits.clients, 0, 'Browsers at once.'),
      bound('views', hub.views, hub.limits.views, hub.counts.refused, 'Different views of all browsers.'),
    ],
  }
}
