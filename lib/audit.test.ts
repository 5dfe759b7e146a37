import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Audit } from './audit.js'
import type { StormEvent } from './event.js'
import { type ReceivedStream, SINK_REPORT, SOURCE_REPORT } from './report.js'

const STATES: Record<string, object> = { up: {}, slow: { state: 'slow' }, down: { state: 'down' } }

const report = (type: string, source: string, epoch: number, data: object) =>
  ({ type, source, epoch, data }) as unknown as StormEvent

const fromSource = (epoch: number, sent: number) =>
  report(SOURCE_REPORT, 'shop', epoch, { streams: [{ type: 'a.x', sent }] })

const stream = (known: Partial<ReceivedStream>): ReceivedStream => ({
  ...{ source: 'shop', epoch: 1, type: 'a.x', next: 0, before: 0, received: 0, lost: 0, duplicate: 0 },
  ...known,
})

function fromSink(sink: string, epoch: number, streams: ReceivedStream[]): StormEvent {
  const received = streams.reduce((sum, each) => sum + each.received, 0)
  const none = { lost: 0, duplicate: 0, alreadyStored: 0, dropped: {}, queued: 0 }
  return report(SINK_REPORT, sink, epoch, { ...none, received, written: received, streams })
}

test('of a dead source as much is known to be sent as any sink has heard of', () => {
  const books = new Audit()
  books.take(fromSource(1, 100), 0)
  // It went on after its last report: to 130 as one sink knows, which lost ten; the other heard of 110.
  books.take(fromSink('far', 1, [stream({ next: 130, received: 120, lost: 10 })]), 0)
  books.take(fromSink('near', 1, [stream({ next: 110, before: 50, received: 60 })]), 0)
  const [alive] = books.streams(0)
  assert.equal(alive!.sent, 100, 'the living speaks for itself')
  const later = 6000
  books.take(fromSink('far', 1, [stream({ next: 130, received: 120, lost: 10 })]), later)
  books.take(fromSink('near', 1, [stream({ next: 110, before: 50, received: 60 })]), later)
  const [dead] = books.streams(later)
  assert.equal(dead!.alive, false)
  assert.equal(dead!.sent, 130)
  const [far, near] = dead!.sinks
  assert.deepEqual({ unheard: far!.unheard, balance: far!.balance }, { unheard: 0, balance: 0 })
  assert.deepEqual({ unheard: near!.unheard, balance: near!.balance }, { unheard: 20, balance: 0 })
})

test('what never came of a dead source is unheard; of a living one it is under way', () => {
  const books = new Audit()
  books.take(fromSource(1, 100), 0)
  books.take(fromSink('sink', 1, [stream({ next: 90, received: 90 })]), 0)
  assert.deepEqual([books.streams(0)[0]!.sinks[0]!.unheard, books.streams(0)[0]!.sinks[0]!.balance], [0, 10])
  books.take(fromSink('sink', 1, [stream({ next: 90, received: 90 })]), 6000)
  const [sink] = books.streams(6000)[0]!.sinks
  assert.deepEqual([sink!.unheard, sink!.balance], [10, 0])
})

test('a sink that has lost count is found out, though its source is dead', () => {
  const books = new Audit()
  books.take(fromSource(1, 100), 0)
  books.take(fromSink('sink', 1, [stream({ next: 100, received: 97 })]), 0)
  assert.equal(books.streams(6000)[0]!.sinks[0]!.balance, 3)
})

test('what is sent while a sink is dead, it does not hear; started anew it counts from 0', () => {
  const books = new Audit()
  books.take(fromSource(1, 100), 0)
  books.take(fromSource(2, 10), 0)
  books.take(
    fromSink('sink', 5, [stream({ next: 100, received: 100 }), stream({ epoch: 2, next: 10, received: 10 })]),
    0,
  )
  books.take(fromSource(1, 150), 6000)
  const [stopped] = books.streams(6000)[0]!.sinks
  assert.deepEqual([stopped!.received, stopped!.unheard, stopped!.balance], [100, 50, 0])

  books.take(fromSink('sink', 6, [stream({ next: 150, before: 140, received: 10 })]), 6000)
  const streams = books.streams(6000)
  const [anew] = streams[0]!.sinks
  assert.deepEqual([anew!.before, anew!.received, anew!.unheard, anew!.balance], [140, 10, 0, 0])
  assert.deepEqual(streams[1]!.sinks, [], 'what only its last life knew is forgotten')
  // A last word of the former life, on a slower way.
  books.take(fromSink('sink', 5, [stream({ next: 100, received: 100 })]), 6001)
  assert.equal(books.streams(6001)[0]!.sinks[0]!.received, 10)
  assert.equal(books.sinks(6001)[0]!.received, 10)
})

test('a dead source, a quiet one, one that has ended and one that reports seldom are told apart', () => {
  const books = new Audit()
  const says = (name: string, more: object) =>
    report(SOURCE_REPORT, name, 1, { sent: 7, streams: [{ type: 'a.x', sent: 7 }], ...more })
  books.take(says('killed', {}), 1000)
  books.take(says('drained', { ended: true }), 1000)
  books.take(says('seldom', { every: 10_000 }), 1000)
  books.take(says('quiet', {}), 1000)
  books.take(says('quiet', {}), 9000)
  books.take(fromSink('sink', 1, [stream({ source: 'unknown', next: 5, received: 5 })]), 9000)
  const states = books.sources(9000).map(({ source, state, heard }) => [source, state, heard])
  assert.deepEqual(states, [
    ['killed', 'dead', 1000],
    ['drained', 'ended', 1000],
    ['seldom', 'alive', 1000],
    ['quiet', 'alive', 9000],
    ['unknown', 'dead', undefined],
  ])
  assert.equal(books.sources(9000)[0]!.sent, 7)
  // Three reports that are missing, and five seconds at least.
  assert.deepEqual([books.sources(5999)[0]!.state, books.sources(6000)[0]!.state], ['alive', 'dead'])
  assert.deepEqual([books.sources(30_999)[2]!.state, books.sources(31_000)[2]!.state], ['alive', 'dead'])
})

test('a sink that reports and gets nothing of what is sent is stalled; one that gets on is not', () => {
  const books = new Audit()
  const look = (now: number) => books.sinks(now).map(({ sink, state, since }) => [sink, state, since])
  for (let now = 0; now <= 10_000; now += 1000) {
    books.take(fromSource(1, 100 + now), now)
    books.take(fromSink('stuck', 1, [stream({ next: 100, received: 100 })]), now)
    books.take(fromSink('behind', 1, [stream({ next: 50 + now / 2, received: 50 + now / 2 })]), now)
    books.take(fromSink('done', 1, [stream({ next: 100 + now, received: 100 + now })]), now)
    if (now === 5000) assert.deepEqual(look(now)[0], ['stuck', 'alive', 0])
    if (now === 6000) assert.deepEqual(look(now)[0], ['stuck', 'stalled', 1000])
  }
  assert.deepEqual(look(10_000), [
    ['stuck', 'stalled', 1000],
    ['behind', 'alive', 0],
    ['done', 'alive', 0],
  ])
  books.take(fromSource(1, 10_100), 11_000)
  books.take(fromSink('stuck', 1, [stream({ next: 10_100, received: 5000, lost: 5100 })]), 11_000)
  assert.equal(books.sinks(11_000)[0]!.state, 'alive', 'it has caught up')
})

test('a sink is not stalled by a source that is dead, nor while it gets on with another stream', () => {
  const books = new Audit()
  const two = (now: number) => {
    const streams = ['a.x', 'b.x'].map((type) => ({ type, sent: 100 + now }))
    return report(SOURCE_REPORT, 'shop', 1, { streams })
  }
  books.take(report(SOURCE_REPORT, 'gone', 1, { streams: [{ type: 'a.x', sent: 100 }] }), 0)
  for (let now = 0; now <= 10_000; now += 1000) {
    books.take(two(now), now)
    const moving = { type: 'b.x', next: 50 + now, received: 50 + now }
    books.take(fromSink('busy', 1, [stream({ next: 50, received: 50 }), stream(moving)]), now)
    books.take(fromSink('left', 1, [stream({ source: 'gone', next: 50, received: 50 })]), now)
  }
  const states = books.sinks(10_000).map(({ sink, state }) => [sink, state])
  assert.deepEqual(states, [
    ['busy', 'alive'],
    ['left', 'alive'],
  ])
})

test('a sink whose clock was set back is heard again once its life before is dead', () => {
  const books = new Audit()
  const received = () => books.sinks(0)[0]!.received
  books.take(fromSink('sink', 6, [stream({ next: 10, received: 10 })]), 0)
  books.take(fromSink('sink', 5, [stream({ next: 3, received: 3 })]), 4999)
  assert.equal(received(), 10, 'said before the life of now began')
  books.take(fromSink('sink', 5, [stream({ next: 3, received: 3 })]), 5000)
  assert.equal(received(), 3)
})

test('a thousand sinks are known; one more has to wait until one of them is dead', () => {
  const books = new Audit()
  const names = () => new Set(books.sinks(0).map(({ sink }) => sink))
  for (let i = 0; i < 1000; i++) books.take(fromSink(`s${i}`, 1, []), i)
  books.take(fromSink('more', 1, []), 4999)
  assert.deepEqual([books.refused, names().size, names().has('more')], [1, 1000, false])
  books.take(fromSink('more', 1, []), 5000)
  assert.deepEqual(
    [books.refused, names().size, names().has('more'), names().has('s0')],
    [1, 1000, true, false],
  )
})

test('a sink says itself that it is slow or down, and since when it is so', () => {
  const books = new Audit()
  for (const [i, state] of ['up', 'slow', 'slow', 'down', 'up'].entries()) {
    const told = fromSink('sink', 1, [])
    books.take({ ...told, data: { ...(told.data as object), ...STATES[state] } }, i * 1000)
    const [{ state: said, since } = {}] = books.sinks(i * 1000)
    const expected = [
      ['alive', 0],
      ['slow', 1000],
      ['slow', 1000],
      ['down', 3000],
      ['alive', 4000],
    ][i]
    assert.deepEqual([said, since], expected)
  }
  const [silent] = books.sinks(60_000)
  assert.deepEqual([silent!.state, silent!.since, silent!.alive], ['dead', 4000, false])
  const last = fromSink('sink', 1, [])
  books.take({ ...last, data: { ...(last.data as object), ended: true } }, 61_000)
  assert.deepEqual([books.sinks(61_000)[0]!.state, books.sinks(99_000)[0]!.state], ['ended', 'ended'])
})

test('what is no report by its looks is refused, and breaks nothing', () => {
  const books = new Audit()
  const bad: unknown[] = [
    ...[null, 7, 'x', [], {}, { streams: {} }, { streams: [7] }, { streams: [{ type: 'a..b', sent: 1 }] }],
    ...[
      { sent: -1, streams: [] },
      { sent: 1.5, streams: [] },
      { every: -1, streams: [] },
    ],
    { streams: Array.from({ length: 501 }, () => ({ type: 'a', sent: 1 })) },
  ]
  for (const data of bad) books.take(report(SOURCE_REPORT, 'shop', 1, data as object), 0)
  const worse: unknown[] = [
    { dropped: 7, streams: [] },
    { dropped: { '\x1b[2J': 1 }, streams: [] },
    { state: 'fine', streams: [] },
    { streams: [{ ...stream({}), source: '\x1b[2J' }] },
  ]
  for (const data of worse) books.take(report(SINK_REPORT, 'sink', 1, data as object), 0)
  assert.equal(books.refused, bad.length + worse.length)
  assert.deepEqual([books.streams(0), books.sinks(0), books.sources(0)], [[], [], []])
  books.take(report(SINK_REPORT, 'sink', 1, { streams: [] }), 0)
  assert.equal(books.sinks(0)[0]!.balance, 0)
})

test('of a report its streams must be there and no more; what is not known in it is passed over', () => {
  const books = new Audit()
  const source = { colour: 'red', every: 1e12, streams: [{ type: 'a.x', weight: 7 }] }
  books.take(report(SOURCE_REPORT, 'shop', 1, source), 0)
  books.take(
    report(SINK_REPORT, 'sink', 1, { streams: [{ type: 'a.x', source: 'shop', epoch: 1, mood: 1 }] }),
    0,
  )
  assert.equal(books.refused, 0)
  const [stream] = books.streams(0)
  assert.equal(stream!.sent, 0)
  assert.deepEqual(Object.values(stream!.sinks[0]!), ['sink', 0, 0, 0, 0, 0, 0])
  const { sent, unwanted, dropped } = books.sources(0)[0]!
  assert.deepEqual([sent, unwanted, dropped, books.sinks(0)[0]!.state], [0, 0, 0, 'alive'])
  // Where it is not said, once a second; and nobody is waited for longer than three hours.
  assert.deepEqual(
    [4999, 5000].map((now) => books.sinks(now)[0]!.state),
    ['alive', 'dead'],
  )
  const hours = 3 * 3_600_000
  assert.deepEqual(
    [hours - 1, hours].map((now) => books.sources(now)[0]!.state),
    ['alive', 'dead'],
  )
  for (const text of [{ type: 'a.x' }, { source: 'shop' }])
    books.take(report(SINK_REPORT, 'sink', 1, { streams: [text] }), 0)
  books.take(report(SOURCE_REPORT, 'shop', 1, { streams: [{ sent: 1 }] }), 0)
  assert.equal(books.refused, 3)
})

test('who is silent for longest is forgotten when there is no room, and never for what a sink says', () => {
  const books = new Audit({ maxStreams: 100 })
  const born = (name: string, now: number) =>
    books.take(report(SOURCE_REPORT, name, 1, { streams: [{ type: 'a.x', sent: 1 }] }), now)
  for (let i = 0; i < 100; i++) born(`s${i}`, i)
  born('late', 200)
  assert.deepEqual([books.refused, books.forgotten, books.streams(200).length], [1, 0, 100], 'all are alive')
  for (let i = 50; i < 100; i++) born(`s${i}`, 10_000)
  books.take(fromSink('sink', 1, [stream({ source: 'other' })]), 10_000)
  assert.equal(books.streams(10_000).length, 100)
  born('late', 10_000)
  const names = books.streams(10_000).map(({ source }) => source)
  assert.deepEqual([books.forgotten, names.length, names[0], names.at(-1)], [10, 91, 's10', 'late'])
})
