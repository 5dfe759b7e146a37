/**
 * What it costs to turn an event into bytes and back, against the `bson` package on the same events in the same
 * run, in turns.
 */
import { BSON } from 'bson'
import { decodeEvents, WriteSite, writeEvent } from '../lib/codec/codec.js'
import type { Message } from '../lib/wire.js'
import { Checksum, EVENT_TYPE, type Hit, hit } from './event.js'
import { median } from './processes.js'
import { finish, table } from './report.js'
import { size } from './size.js'

const COUNT = size('BENCH_EVENTS', 50_000, 500)
const ROUNDS = size('BENCH_ROUNDS', 9, 1)
const events = Array.from({ length: COUNT }, (_, n) => hit(n))
const time = new Date()
const encoded = events.map((data) => BSON.serialize({ time, data }))
const body = Buffer.concat(encoded)
const message: Message = {
  type: EVENT_TYPE,
  source: 'bench',
  epoch: 1,
  seq: 0,
  count: COUNT,
  body,
  offset: 0,
}
const target = Buffer.allocUnsafe(body.length + 4096)
const expected = Checksum.expected(COUNT)
let right = true

function decoded(all: Iterable<{ data: unknown }>): void {
  const sum = new Checksum()
  for (const event of all) sum.add(event.data as Hit)
  if (sum.value !== expected) right = false
}

const cases: Record<string, () => void> = {
  'encode, bson': () => {
    for (const data of events) BSON.serialize({ time, data })
  },
  'encode, eventstorm': () => {
    const site = new WriteSite()
    let at = 0
    for (const data of events) at = writeEvent(target, at, target.length, time.getTime(), data, site)
    if (!target.subarray(0, at).equals(body)) right = false
  },
  'decode, bson': () => decoded(encoded.map((bytes) => BSON.deserialize(bytes) as { data: unknown })),
  'decode, eventstorm': () => decoded(decodeEvents(message)),
}

const seconds: Record<string, number[]> = {}
for (let round = 0; round < ROUNDS + 2; round++) {
  for (const [name, work] of Object.entries(cases)) {
    const start = performance.now()
    work()
    const list = seconds[name] ?? []
    seconds[name] = list
    // The first two rounds warm up.
    if (round >= 2) list.push((performance.now() - start) / 1000)
  }
}

const rate = (name: string) => COUNT / median(seconds[name]!)
const rows = Object.keys(cases).map((name) => ({
  case: name,
  'events/s': Math.round(rate(name)),
  'us/event': (1e6 / rate(name)).toFixed(3),
  'x bson': (rate(name) / rate(`${name.split(',')[0]}, bson`)).toFixed(2),
}))
table(
  `${COUNT} events of 15 fields (${Math.round(body.length / COUNT)} bytes of BSON each), ${ROUNDS} rounds, medians`,
  rows,
)
finish('codec', { count: COUNT, rounds: ROUNDS }, right)
