import assert from 'node:assert/strict'
import { test } from 'node:test'
import { queryObjects } from 'node:v8'
import { seeded } from '../testing/random.js'
import { Ledger, type LossCounters, MAX_GAPS, Stream } from './loss.js'

const zero = (): LossCounters => ({ received: 0, lost: 0, duplicate: 0, late: 0 })
const countersOf = ({ received, lost, duplicate, late }: LossCounters): LossCounters => ({
  received,
  lost,
  duplicate,
  late,
})

function streamFrom(fromStart: boolean) {
  const totals = zero()
  return { totals, stream: new Stream('a', 's', 1, fromStart, totals) }
}

test('numbers in order are received', () => {
  const { stream, totals } = streamFrom(true)
  for (const [seq, count] of [
    [0, 3],
    [3, 1],
    [4, 10],
  ] as const)
    assert.equal(stream.accept(seq, count), 'fresh')
  assert.deepEqual(countersOf(stream), { received: 14, lost: 0, duplicate: 0, late: 0 })
  assert.deepEqual(totals, countersOf(stream))
})

test('numbers that were passed over are lost, from the first one on', () => {
  const { stream } = streamFrom(true)
  stream.accept(2, 1)
  stream.accept(10, 5)
  assert.deepEqual(countersOf(stream), { received: 6, lost: 9, duplicate: 0, late: 0 })
})

test('what comes late is taken off the loss again, in any order and from the middle', () => {
  const { stream } = streamFrom(true)
  stream.accept(10, 1)
  for (const [seq, count] of [
    [4, 2],
    [8, 2],
    [0, 1],
    [1, 3],
    [6, 2],
  ] as const) {
    assert.equal(stream.accept(seq, count), 'late', `${seq}`)
    assert.equal(stream.accept(seq, count), 'duplicate', `${seq} again`)
  }
  assert.deepEqual(countersOf(stream), { received: 11, lost: 0, duplicate: 10, late: 10 })
})

test('what comes again is a duplicate', () => {
  const { stream } = streamFrom(true)
  stream.accept(0, 5)
  stream.accept(5, 5)
  for (const [seq, count] of [
    [0, 5],
    [5, 5],
    [0, 10],
    [3, 4],
  ] as const)
    assert.equal(stream.accept(seq, count), 'duplicate')
  assert.deepEqual(countersOf(stream), { received: 10, lost: 0, duplicate: 24, late: 0 })
})

test('numbers partly received before, in another grouping, are an overlap and change nothing', () => {
  const { stream } = streamFrom(true)
  stream.accept(0, 5)
  stream.accept(10, 5)
  const before = countersOf(stream)
  for (const [seq, count] of [
    [4, 2],
    [3, 10],
    [9, 2],
    [14, 2],
    [0, 20],
    [5, 6],
  ] as const) {
    assert.equal(stream.accept(seq, count), 'overlap', `${count} from ${seq}`)
  }
  assert.deepEqual(countersOf(stream), before)
  assert.equal(stream.accept(5, 5), 'late')
})

test('a heartbeat shows a loss at the end, once', () => {
  const { stream } = streamFrom(true)
  stream.accept(0, 5)
  stream.heartbeat(5)
  assert.equal(stream.lost, 0)
  stream.heartbeat(8)
  stream.heartbeat(8)
  stream.heartbeat(6)
  assert.equal(stream.lost, 3)
  assert.equal(stream.accept(5, 3), 'late')
  assert.deepEqual(countersOf(stream), { received: 8, lost: 0, duplicate: 0, late: 3 })
})

test('whoever joins late counts from the first number seen', () => {
  for (const begin of ['message', 'heartbeat'] as const) {
    const { stream } = streamFrom(false)
    if (begin === 'message') stream.accept(1000, 0)
    else stream.heartbeat(1000)
    assert.equal(stream.accept(1000, 1), 'fresh')
    assert.equal(stream.accept(1002, 1), 'fresh')
    assert.deepEqual(countersOf(stream), { received: 2, lost: 1, duplicate: 0, late: 0 }, begin)
  }
})

test('what was sent before one joined was no loss, and is taken once when a slower path brings it', () => {
  const { stream } = streamFrom(false)
  stream.accept(1000, 1)
  assert.equal(stream.accept(990, 10), 'late')
  assert.equal(stream.accept(990, 10), 'duplicate')
  assert.deepEqual(countersOf(stream), { received: 11, lost: 0, duplicate: 10, late: 10 })
})

test(`a stream remembers ${MAX_GAPS} gaps; what comes for an older one is a duplicate and stays lost`, () => {
  const { stream } = streamFrom(true)
  for (let i = 0; i <= MAX_GAPS; i++) stream.accept(2 * i + 1, 1)
  assert.equal(stream.lost, MAX_GAPS + 1)
  assert.equal(stream.accept(0, 1), 'duplicate', 'the oldest')
  assert.equal(stream.accept(2, 1), 'late', 'the oldest but one')
  assert.deepEqual(countersOf(stream), { received: MAX_GAPS + 2, lost: MAX_GAPS, duplicate: 1, late: 1 })
})

test('messages out of the middle of a gap do not make more gaps than are remembered', () => {
  const { stream } = streamFrom(true)
  stream.heartbeat(1_000_000)
  for (let i = 0; i < 1000; i++) stream.accept(999_998 - 2 * i, 1)
  // Every second number left a gap behind; only the highest of them are still known.
  assert.equal(stream.accept(999_999, 1), 'late')
  assert.equal(stream.accept(1, 1), 'duplicate')
  assert.equal(stream.received + stream.lost, 1_000_000)
})

test('a heartbeat is new when its beat is higher than those before', () => {
  const { stream } = streamFrom(true)
  assert.deepEqual(
    [1, 1, 2, 5, 4, 5, 6].map((beat) => stream.isNewBeat(beat)),
    [true, false, true, true, false, false, true],
  )
  assert.equal(streamFrom(true).stream.isNewBeat(0), false, 'a heartbeat without a beat is never new')
})

/** One source, two paths that drop, repeat and reorder; what must be true whatever they did. */
for (const [name, delay] of [
  ['a little', 20],
  ['beyond all memory', 2000],
] as const) {
  test(`two paths that drop, repeat and reorder ${name}: received and lost are what was sent, and nothing comes twice`, () => {
    for (let seed = 1; seed <= 60; seed++) {
      const random = seeded(seed)
      const upTo = (n: number) => Math.floor(random() * n)
      const arrivals: { at: number; seq: number; count: number }[] = []
      let sent = 0
      for (let i = 0; i < 500; i++) {
        const count = 1 + upTo(5)
        for (const path of [1, 2]) {
          const dropRate = path === 1 ? 0.2 : 0.3
          for (let copies = random() < dropRate ? 0 : 1 + upTo(2); copies > 0; copies--) {
            arrivals.push({ at: i + upTo(delay), seq: sent, count })
          }
        }
        sent += count
      }
      arrivals.sort((a, b) => a.at - b.at)
      const { stream, totals } = streamFrom(true)
      const taken = new Set<number>()
      let arrived = 0
      for (const { seq, count } of arrivals) {
        arrived += count
        const verdict = stream.accept(seq, count)
        assert.notEqual(verdict, 'overlap', `seed ${seed}`)
        if (verdict === 'duplicate') continue
        for (let i = seq; i < seq + count; i++) {
          assert.ok(!taken.has(i), `seed ${seed}: event ${i} came twice`)
          taken.add(i)
        }
      }
      stream.heartbeat(sent)
      assert.equal(stream.received, taken.size, `seed ${seed}`)
      assert.equal(stream.received + stream.lost, sent, `seed ${seed}`)
      assert.equal(stream.standing.next, sent)
      assert.equal(stream.received + stream.duplicate, arrived, `seed ${seed}`)
      assert.deepEqual(totals, countersOf(stream))
    }
  })
}

const ledger = (maxStreams = 10, since = 100) => new Ledger({ maxStreams, since: () => since })

test('a new epoch, source or type is a stream of its own; a restart is no loss', () => {
  const book = ledger()
  book.stream('a', 's', 200, 0).accept(0, 5)
  book.stream('a', 's', 300, 0).accept(0, 5)
  book.stream('b', 's', 300, 0).accept(0, 5)
  book.stream('a', 't', 300, 0).accept(0, 5)
  assert.equal(book.size, 4)
  assert.deepEqual(book.totals, { received: 20, lost: 0, duplicate: 0, late: 0 })
  book.stream('a', 's', 200, 0).accept(6, 1)
  assert.equal(book.totals.lost, 1)
  assert.equal(book.size, 4)
})

test('a stream is expected from 0 when it began after one asked for it, and else from where it is found', () => {
  const book = ledger()
  book.stream('a', 's', 100, 0).accept(7, 1)
  assert.equal(book.totals.lost, 7)
  book.stream('a', 's', 99, 0).accept(7, 1)
  assert.equal(book.totals.lost, 7)
})

test('beyond the limit the streams unheard of longest are forgotten, their counts are not', () => {
  const book = ledger(10)
  for (let i = 0; i < 10; i++) book.stream('a', `s${i}`, 200, i).accept(1, 1)
  book.stream('a', 's0', 200, 50).accept(2, 1)
  book.stream('a', 'new', 200, 60).accept(0, 1)
  assert.equal(book.forgotten, 2)
  assert.equal(book.size, 9)
  const known = [...book.streams()].map((stream) => stream.source)
  assert.deepEqual(known.sort(), ['new', 's0', 's3', 's4', 's5', 's6', 's7', 's8', 's9'])
  assert.deepEqual(book.totals, { received: 12, lost: 10, duplicate: 0, late: 0 })
})

test('of what is forgotten nothing is kept, however many incarnations there were', () => {
  const book = ledger(10)
  const maps = () => queryObjects(Map, { format: 'count' })
  const before = maps()
  for (let i = 0; i < 1000; i++) book.stream('a', 's', 200 + i, i).accept(0, 1)
  for (let i = 0; i < 1000; i++) book.stream('a', `s${i}`, 200, 1000 + i).accept(0, 1)
  assert.ok(book.size <= 10)
  // Two for each stream that is known.
  assert.ok(maps() - before <= 20, `${maps() - before} maps are left`)
})

test('a forgotten stream that comes back is not counted from 0 again', () => {
  const book = ledger(1)
  book.stream('a', 's', 200, 0).accept(0, 1000)
  book.stream('a', 't', 200, 1).accept(0, 1)
  book.stream('a', 's', 200, 2).accept(1000, 1)
  assert.deepEqual(book.totals, { received: 1002, lost: 0, duplicate: 0, late: 0 })
  // An incarnation that began later is still expected from its first number on.
  book.stream('a', 's', 201, 3).accept(3, 1)
  assert.equal(book.totals.lost, 3)
})

test('a forgotten epoch from far in the future counts as one a day ahead, and no more', () => {
  const book = ledger(1)
  const now = 1000
  const day = (now + 86_400_000) * 1000
  book.stream('a', 's', Number.MAX_SAFE_INTEGER, now)
  book.stream('a', 't', 200, now)
  book.stream('a', 'before', day, now).accept(5, 1)
  assert.equal(book.totals.lost, 0)
  book.stream('a', 'after', day + 1, now).accept(5, 1)
  assert.equal(book.totals.lost, 5)
})

test('numbers below the next one are received, lost, or from before the first that was seen', () => {
  for (let seed = 1; seed <= 40; seed++) {
    const random = seeded(seed)
    const { stream } = streamFrom(seed % 2 === 0)
    for (let i = 0; i < 2000; i++) {
      const seq = Math.floor(i / 2 + 300 * random())
      if (random() < 0.2) stream.heartbeat(seq)
      else stream.accept(seq, 1 + Math.floor(3 * random()))
      const { next, before } = stream.standing
      assert.equal(before + stream.received + stream.lost, next, `seed ${seed}, step ${i}`)
      assert.ok(before >= 0 && stream.lost >= 0 && stream.late <= stream.received)
    }
    assert.ok(stream.late > 0 && stream.duplicate > 0)
  }
})

test('streams of types that are no longer asked for are forgotten', () => {
  const book = ledger()
  for (const type of ['a', 'b', 'c']) book.stream(type, 's', 200, 0).accept(0, 1)
  book.forgetTypes((type) => type !== 'b')
  assert.deepEqual(
    [...book.streams()].map((stream) => stream.type),
    ['b'],
  )
  assert.deepEqual([book.size, book.forgotten, book.totals.received], [1, 0, 3])
})
