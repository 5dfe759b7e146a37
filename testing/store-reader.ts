import assert from 'node:assert/strict'
import {
  type AttachedSink,
  attach,
  type EventSink,
  EventSource,
  EventstormError,
  parseQuery,
  queryOptions,
  type StoreReader,
  type StormEvent,
  type z,
} from '../lib/index.js'
import { answerFrom } from './answer.js'
import { freeEndpoint } from './endpoints.js'
import { seeded } from './random.js'
import { until } from './until.js'

/** As a user asks; see `queryOptions`. */
export type Question = z.input<typeof queryOptions>

const NOON = Date.UTC(2026, 0, 31, 12)
const NUMBERS = ['sum(ms)', 'avg(ms)', 'min(ms)', 'max(ms)']

/** Each part of the vocabulary, alone and together. `1h` is the hour of the events. */
const QUESTIONS: Question[] = [
  {},
  { by: ['type'] },
  { by: ['source', 'type'] },
  { type: ['http.hit'] },
  { type: ['http.**'], by: ['type'] },
  { type: ['http.*', 'cpu.usage'], by: ['type'] },
  { from: '30m' },
  { from: '2026-01-31T12:10:00Z', to: '2026-01-31T12:20:00Z', by: ['type'] },
  { from: '1h', measure: ['rate'], by: ['type'] },
  { to: '1970-01-02T00:00:00Z', every: '1d' },
  { from: '1h', every: '1m' },
  { from: '1h', every: '7m', by: ['type'], measure: ['count', 'rate'] },
  { by: ['user.name'] },
  { by: ['ok'] },
  { by: ['user'] },
  { measure: ['count', ...NUMBERS] },
  { by: ['type'], measure: NUMBERS },
  { type: 'http.hit', from: '1h', every: '10m', by: ['user.name'], measure: ['count', ...NUMBERS] },
  { by: ['type'], measure: ['distinct(user.name)', 'distinct(ms)', 'distinct(source)', 'distinct(no)'] },
  { by: ['type'], measure: ['p50(ms)', 'p99(ms)'] },
  { type: 'http.hit', every: '15m', measure: ['count', 'p90(ms)', 'avg(ms)'] },
  ...['=', '!=', '<', '<=', '>', '>='].flatMap((operator) => [
    { where: [`ms${operator}25`], by: ['type'] },
    { where: [`path${operator}/b`], by: ['type'] },
    { where: [`source${operator}web-2`], by: ['source'] },
  ]),
  { where: ['ok=true'], by: ['type'] },
  { where: ['ok!=true'], by: ['type'] },
  { where: ['user.name=ann', 'ms>=10', 'ms<40', 'type=http.hit'] },
  { where: ["user.name=' OR 1=1 --"] },
  { where: ['no=1'], measure: ['count', 'sum(ms)', 'max(ms)', 'distinct(ms)'] },
  { latest: 7 },
  { latest: 5, type: 'http.**', where: ['ms>=30'], from: '50m' },
  { latest: 100, limit: 3 },
  { by: ['source', 'type', 'path'], limit: 4 },
]

/** Events as they occur: fields that are missing, null, or of another kind, several at a time, one before 1970. */
function* eventsOf(random: () => number, count: number) {
  const pick = <T>(...values: T[]) => values[Math.floor(random() * values.length)]!
  yield { source: 0, type: 'clock.past', time: new Date(-1), data: { ms: -2 } }
  for (let i = 0; i < count; i++) {
    yield {
      source: Math.floor(random() * 3),
      type: pick('http.hit', 'http.hit', 'http.error', 'http.error.tls', 'http', 'cpu.usage'),
      time: new Date(NOON + Math.floor(random() * 3600) * 1000),
      data: pick<unknown>(
        { ms: Math.floor(random() * 200) / 4, path: pick('/a', '/b', '/c/d', "/o'b"), ok: random() < 0.5 },
        { ms: Math.floor(random() * 50), user: { name: pick('ann', 'bob', null), age: 3 }, path: null },
        { ms: pick('slow', null), user: pick<unknown>('ann', null), path: '/b' },
        null,
        'text',
      ),
    }
  }
}

/** What `checkReader` may be told beside the store. */
export interface CheckOptions {
  seed: number
  /** Default: 600. */
  events?: number
  /** Whether the store says that it cannot answer a question, which it then must do. Default: it answers all. */
  refuses?(question: Question): boolean
  /** Called when all events are written. Default: the sink is drained. */
  settled?(sink: AttachedSink): Promise<unknown>
}

/**
 * Writes seeded events into an empty store and asks it everything that the vocabulary has; each answer must be the
 * one that is computed here from the events themselves. Refusals must be said with QUERY_INVALID, in a sentence.
 */
export async function checkReader(
  component: EventSink,
  open: () => Promise<StoreReader>,
  { seed, events: count = 600, refuses = () => false, settled = (sink) => sink.drain() }: CheckOptions,
): Promise<{ answered: number; refused: number }> {
  const events: StormEvent[] = []
  const recording: EventSink = {
    open: (context) => component.open?.(context),
    write: (batch, signal) => {
      events.push(...batch)
      return component.write(batch, signal)
    },
    close: () => component.close?.(),
  }
  const sink = await attach(recording, { bind: [freeEndpoint()] })
  const sources = [1, 2, 3].map((n) => new EventSource({ source: `web-${n}`, connect: [...sink.endpoints] }))
  try {
    for (const source of sources) await source.subscribed('**', { timeout: 15_000 })
    for (const { source, type, time, data } of eventsOf(seeded(seed), count)) {
      sources[source]!.emit(type, data, { time })
    }
    await until('all events are written', () => sink.counters().written === count + 1)
    await settled(sink)
  } finally {
    for (const source of sources) await source.close()
    await sink.close()
  }
  const reader = await open()
  const tally = { answered: 0, refused: 0 }
  try {
    for (const question of QUESTIONS) await check(reader, question)
  } finally {
    await reader[Symbol.asyncDispose]()
  }
  return tally

  async function check(reader: StoreReader, question: Question): Promise<void> {
    const asked = `seed ${seed}: ${JSON.stringify(question)}`
    const query = parseQuery(queryOptions.parse(question), NOON + 3_600_000)
    if (refuses(question)) {
      await assert.rejects(reader.query(query), (error) => {
        assert.ok(error instanceof EventstormError && error.code === 'QUERY_INVALID', `${asked}: ${error}`)
        assert.ok(!error.message.includes('\n') && error.message.length < 500, error.message)
        return true
      })
      tally.refused++
      return
    }
    const { columns, rows } = await reader.query(query)
    assert.deepEqual(rounded(rows), rounded(answerFrom(events, query)), asked)
    for (const row of rows) assert.equal(row.length, columns.length, asked)
    tally.answered++
  }
}

/** Sums of fractions depend on their order, in the last digit. */
const rounded = (rows: unknown[][]) =>
  rows.map((row) => row.map((value) => (typeof value === 'number' ? Number(value.toPrecision(12)) : value)))
