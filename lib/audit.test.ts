import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Audit } from './audit.js'
import type { StormEvent } from './event.js'
import { type ReceivedStream, SINK_REPORT, SOURCE_REPORT } from './report.js'

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
