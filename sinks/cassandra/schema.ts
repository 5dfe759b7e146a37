import type { Client } from 'cassandra-driver'
import { type Context, EventstormError, SinkError, show } from '../../lib/index.js'
import type { Address } from './address.js'

export const MINUTE = 60_000
const HOUR = 60 * MINUTE
export const DAY = 24 * HOUR

/** How long a partition is listed beyond the life of its events: it is listed again once a day, and a bucket has one at most. */
const LISTED_LONGER = 3 * DAY

/** Names of the two tables, ready to stand in a statement. */
export function tableNames({ keyspace, parameters: { table } }: Address) {
  return { events: `${keyspace}.${table}`, partitions: `${keyspace}.${table}_partitions` }
}

/**
 * A row is an event, under its identity: written twice it is there once. A partition has the events of one type and one
 * stretch of time, newest first.
 */
function eventsTable(name: string, keep: number | undefined): string {
  return `CREATE TABLE IF NOT EXISTS ${name} (
    type text, bucket timestamp, shard smallint,
    time timestamp, epoch bigint, seq bigint, source text,
    event blob,
    PRIMARY KEY ((type, bucket, shard), time, epoch, seq, source)
  ) WITH CLUSTERING ORDER BY (time DESC, epoch DESC, seq DESC, source ASC)
    AND compression = {'class': 'ZstdCompressor'}${keep === undefined ? '' : expiry(keep)}`
}

/** Which partitions there are, by the day on which they begin, since Cassandra cannot be asked for that quickly. */
function partitionsTable(name: string, keep: number | undefined): string {
  const seconds = keep === undefined ? 0 : Math.ceil((keep + LISTED_LONGER) / 1000)
  return `CREATE TABLE IF NOT EXISTS ${name} (
    day timestamp, type text, bucket timestamp, shard smallint,
    span int,
    PRIMARY KEY (day, type, bucket, shard)
  ) WITH default_time_to_live = ${seconds}`
}

/** Whole files expire together when they hold one window of time; more than 50 of those are too many. */
function expiry(keep: number): string {
  const { unit, size } = compactionWindow(keep)
  return `
    AND default_time_to_live = ${Math.ceil(keep / 1000)}
    AND gc_grace_seconds = 10800
    AND compaction = {'class': 'TimeWindowCompactionStrategy', 'compaction_window_unit': '${unit}', 'compaction_window_size': '${size}'}`
}

/** A thirtieth of the time that events are kept, rounded up. */
export function compactionWindow(keep: number): { unit: 'DAYS' | 'HOURS' | 'MINUTES'; size: number } {
  const window = keep / 30
  if (window > 12 * HOUR) return { unit: 'DAYS', size: Math.ceil(window / DAY) }
  if (window > 30 * MINUTE) return { unit: 'HOURS', size: Math.ceil(window / HOUR) }
  return { unit: 'MINUTES', size: Math.max(1, Math.ceil(window / MINUTE)) }
}

/** `3`, or `dc1:3,dc2:2`, as CQL has it. @throws OPTIONS_INVALID */
export function replicationClause(text: string, dataCenter: string): string {
  const parts = /^\d{1,2}$/.test(text) ? [`${dataCenter}:${text}`] : text.split(',')
  const copies = parts.map((part) => {
    const [, name, count] = /^\s*([\w.-]+):(\d{1,2})\s*$/.exec(part) ?? []
    if (name === undefined || Number(count) < 1) {
      throw new EventstormError(
        'OPTIONS_INVALID',
        `replication: expected copies such as 3, or dc1:3,dc2:2, got ${show(text)}`,
      )
    }
    return `'${name}': ${Number(count)}`
  })
  return `{'class': 'NetworkTopologyStrategy', ${copies.join(', ')}}`
}

/**
 * Makes what is not there yet. Two nodes that make the same table at the same moment make two, one of which loses what is
 * in it; so everybody asks the same node, the first by address of those that are up, and there one comes after the other.
 */
export async function createSchema(
  client: Client,
  address: Address,
  { keep, replication }: { keep: number | undefined; replication: string },
): Promise<void> {
  const { datacenter } = address.parameters
  const [host] = client.hosts
    .values()
    .filter((each) => each.isUp() && each.datacenter === datacenter)
    .sort((a, b) => (a.address < b.address ? -1 : 1))
  const { events, partitions } = tableNames(address)
  const run = (statement: string) => client.execute(statement, [], { prepare: false, ...(host && { host }) })
  const known = await run(
    `SELECT table_name FROM system_schema.tables WHERE keyspace_name = '${address.keyspace.toLowerCase()}'`,
  )
  const names = new Set(known.rows.map((row) => `${address.keyspace}.${row.table_name}`.toLowerCase()))
  if (names.has(events.toLowerCase()) && names.has(partitions.toLowerCase())) return
  const clause = replicationClause(replication, datacenter)
  await run(`CREATE KEYSPACE IF NOT EXISTS ${address.keyspace} WITH replication = ${clause}`)
  await run(partitionsTable(partitions, keep))
  await run(eventsTable(events, keep))
}

const COLUMNS = {
  events: ['type', 'bucket', 'shard', 'time', 'epoch', 'seq', 'source', 'event'],
  partitions: ['day', 'type', 'bucket', 'shard', 'span'],
}

/** @throws SinkError (`wait`) when a table is not there, or lacks a column: no row could be written then */
export async function checkColumns(client: Client, address: Address): Promise<void> {
  const names = tableNames(address)
  for (const table of ['events', 'partitions'] as const) {
    const { rows } = await client.execute(
      'SELECT column_name FROM system_schema.columns WHERE keyspace_name = ? AND table_name = ?',
      names[table].toLowerCase().split('.'),
    )
    const found = new Set(rows.map((row) => row.column_name as string))
    const missing = COLUMNS[table].filter((column) => !found.has(column))
    if (missing.length === 0) continue
    const lacks =
      found.size === 0 ? 'but there is no such table' : `but there is no column ${missing.join(', ')}`
    throw new SinkError('wait', `expected the table ${names[table]}, ${lacks}; its columns are in the README`)
  }
}

/** Says so when the table keeps events for another time than is asked for: it does so since it was made. */
export async function checkKeep(
  client: Client,
  address: Address,
  keep: number | undefined,
  log: Context['log'],
): Promise<void> {
  if (keep === undefined) return
  const { rows } = await client.execute(
    'SELECT default_time_to_live FROM system_schema.tables WHERE keyspace_name = ? AND table_name = ?',
    [address.keyspace.toLowerCase(), address.parameters.table.toLowerCase()],
  )
  const kept = rows[0]?.default_time_to_live as number | undefined
  const asked = Math.ceil(keep / 1000)
  if (kept === undefined || kept === asked) return
  log.warn(
    { asked, kept },
    'the table was made with another time to keep, in seconds; change it with ALTER TABLE',
  )
}
