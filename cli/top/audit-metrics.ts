import { Counter, Gauge, type Registry } from 'prom-client'
import type { Audit, AuditedSource, AuditedStream, AuditedTotals } from '../../lib/index.js'
import { ensure } from '../http/metrics.js'

/** What is told one by one, each of it a time series or several in somebody's database. */
const MAX_SOURCES = 500
const MAX_SINKS = 200
/** Streams (source and type), each at each of its sinks. */
const MAX_STREAMS = 1000

const SOURCE_STATES = ['alive', 'ended', 'dead'] as const
const SINK_STATES = [...SOURCE_STATES, 'stalled', 'slow', 'down'] as const

/** What is read of an audit. */
export type AuditBooks = Pick<Audit, 'sources' | 'streams' | 'sinks' | 'refused' | 'forgotten'>

/** Adds what an audit knows; the lives of a source are added up. */
export function addAudit(registry: Registry, books: AuditBooks, now: number): void {
  const told = new Tell(registry)
  const untold = {
    sources: addSources(told, books.sources(now)),
    streams: addStreams(told, books.streams(now)),
    sinks: addSinks(told, books.sinks(now)),
  }
  for (const [of, count] of Object.entries(untold))
    told.gauge(
      'untold',
      'Sources, streams at sinks, and sinks beyond those that are told one by one.',
      count,
      {
        of,
      },
    )
  told.counter('refused', 'Reports that were none, and what there was no room for.', books.refused)
  told.counter('forgotten', 'Dead sources that were forgotten to make room.', books.forgotten)
}

/** Metrics by name, made when they are first told. */
class Tell {
  #registry: Registry

  constructor(registry: Registry) {
    this.#registry = registry
  }

  counter(name: string, help: string, value: number, labels: Record<string, string> = {}): void {
    this.#metric(Counter, `${name}_total`, help, labels).inc(labels, value)
  }

  gauge(name: string, help: string, value: number, labels: Record<string, string> = {}): void {
    this.#metric(Gauge, name, help, labels).inc(labels, value)
  }

  #metric<M extends Counter | Gauge>(
    Metric: Parameters<typeof ensure<M>>[1],
    words: string,
    help: string,
    labels: Record<string, string>,
  ): M {
    return ensure(this.#registry, Metric, {
      name: `eventstorm_audit_${words}`,
      help,
      labelNames: Object.keys(labels),
    })
  }
}

/** Those that live first; in their order, so that the same ones are told each time. @returns how many are left out */
function tellFirst<T>(
  all: T[],
  isAlive: (each: T) => boolean,
  most: number,
  tell: (each: T) => void,
): number {
  const order = [...all.filter(isAlive), ...all.filter((each) => !isAlive(each))]
  for (const each of order.slice(0, most)) tell(each)
  return Math.max(0, order.length - most)
}

/** A source as its newest life has it. */
function addSources(told: Tell, sources: AuditedSource[]): number {
  const newest = new Map<string, AuditedSource>()
  for (const each of sources) {
    const known = newest.get(each.source)
    if (known === undefined || known.epoch < each.epoch) newest.set(each.source, each)
  }
  return tellFirst(
    [...newest.values()],
    ({ state }) => state === 'alive',
    MAX_SOURCES,
    ({ source, state, heard }) => {
      for (const each of SOURCE_STATES)
        told.gauge('source_state', 'How a source is: 1 for the state it is in.', each === state ? 1 : 0, {
          source,
          state: each,
        })
      if (heard !== undefined)
        told.gauge('source_heard_seconds', 'When a source reported last, as a Unix time.', heard / 1000, {
          source,
        })
    },
  )
}

interface Row {
  alive: boolean
  source: string
  type: string
  sent: number
  /** At each sink, what is told of it. */
  sinks: Map<string, Record<'received' | 'lost' | 'duplicate' | 'before' | 'unheard' | 'balance', number>>
}

function addStreams(told: Tell, streams: AuditedStream[]): number {
  const rows = new Map<string, Row>()
  for (const { source, type, sent, alive, sinks } of streams) {
    const key = JSON.stringify([source, type])
    const row: Row = rows.get(key) ?? { alive: false, source, type, sent: 0, sinks: new Map() }
    rows.set(key, row)
    row.alive ||= alive
    row.sent += sent ?? 0
    for (const { sink, ...now } of sinks) {
      const before = row.sinks.get(sink)
      if (before) for (const name of Object.keys(before) as (keyof typeof before)[]) now[name] += before[name]
      row.sinks.set(sink, now)
    }
  }
  let series = 0
  let untold = 0
  tellFirst(
    [...rows.values()],
    ({ alive }) => alive,
    rows.size,
    ({ source, type, sent, sinks }) => {
      const size = Math.max(1, sinks.size)
      if (series + size > MAX_STREAMS) {
        untold += size
        return
      }
      series += size
      const stream = { source, type }
      told.counter('stream_sent', 'Events that a source has sent.', sent, stream)
      for (const [sink, counts] of sinks) {
        const at = { ...stream, sink }
        told.counter('stream_received', 'Events of a stream that a sink has received.', counts.received, at)
        told.counter('stream_duplicate', 'Events that came again.', counts.duplicate, at)
        told.gauge('stream_lost', 'Events sent that have not come; late ones are taken off.', counts.lost, at)
        told.gauge('stream_before', 'Events from before the sink asked for them.', counts.before, at)
        told.gauge(
          'stream_unheard',
          'Events that the sink has no word of, and the source or the sink is dead.',
          counts.unheard,
          at,
        )
        told.gauge('stream_balance', 'What is under way; once things are quiet it is 0.', counts.balance, at)
      }
    },
  )
  return untold
}

function addSinks(told: Tell, sinks: AuditedTotals[]): number {
  return tellFirst(
    sinks,
    ({ alive }) => alive,
    MAX_SINKS,
    ({ sink, state, since, dropped, ...counts }) => {
      for (const each of SINK_STATES)
        told.gauge('sink_state', 'How a sink is: 1 for the state it is in.', each === state ? 1 : 0, {
          sink,
          state: each,
        })
      told.gauge('sink_state_since_seconds', 'Since when it is so, as a Unix time.', since / 1000, { sink })
      told.counter('sink_received', 'Events that a sink has received.', counts.received, { sink })
      told.counter('sink_written', 'Events that a sink has written.', counts.written, { sink })
      told.counter('sink_already_stored', 'Events that its store had already.', counts.alreadyStored, {
        sink,
      })
      told.counter('sink_duplicate', 'Events that came again.', counts.duplicate, { sink })
      told.gauge('sink_lost', 'Events sent that have not come; late ones are taken off.', counts.lost, {
        sink,
      })
      told.gauge('sink_queued', 'Events waiting or being written.', counts.queued, { sink })
      told.gauge('sink_balance', 'What does not add up in a sink: 0.', counts.balance, { sink })
      for (const [reason, count] of Object.entries(dropped))
        told.counter('sink_dropped', 'Events received and not written, by reason.', count, { sink, reason })
    },
  )
}
