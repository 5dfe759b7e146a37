import assert from 'node:assert/strict'
import { test } from 'node:test'
import { BSON } from 'bson'
import { ControlledClock } from '../testing/index.js'
import { Intake, type IntakeOptions } from './intake.js'
import { Ledger } from './loss.js'
import { headerLength, heartbeatBody, writeHeader } from './wire.js'

const SOURCE = Buffer.from('shop')

/** The frames of a message with so many events. */
function frames(type: string, seq: number, count: number): Buffer[] {
  const header = Buffer.alloc(headerLength(SOURCE.length))
  writeHeader(header, SOURCE, 200, seq, count)
  const event = BSON.serialize({ time: new Date(0), data: null })
  return [Buffer.from(type), Buffer.concat([header, ...Array.from({ length: count }, () => event)])]
}

function intake(options: Partial<IntakeOptions> = {}) {
  const ledger = new Ledger({ maxStreams: 100, since: () => 100 })
  const door = new Intake({
    ledger,
    clock: new ControlledClock(),
    maxTopicBytes: 10,
    wholeBody: true,
    ...options,
  })
  return { door, ledger }
}

test('each message is news once; what overlaps, or comes twice, is none', () => {
  const { door, ledger } = intake()
  assert.equal(door.take(frames('a.b', 0, 10))?.header.count, 10)
  assert.equal(door.take(frames('a.b', 0, 10)), undefined)
  assert.equal(door.take(frames('a.b', 5, 10)), undefined)
  assert.equal(door.malformed.overlap, 1)
  assert.deepEqual(ledger.totals, { received: 10, lost: 0, duplicate: 10, late: 0 })
  assert.deepEqual([door.messages, door.heartbeats], [3, 0])
})

test('a heartbeat is news once, whichever way its copies take', () => {
  const { door, ledger } = intake()
  const beat = (number: number) => [Buffer.from('a.b'), heartbeatBody(SOURCE, 200, 3, number)]
  assert.equal(door.take(beat(1))?.header.count, 0)
  assert.equal(door.take(beat(1)), undefined)
  assert.equal(door.take(beat(2))?.header.count, 0)
  assert.equal(door.heartbeats, 3)
  assert.equal(ledger.totals.lost, 3)
})

test('a type may be as long as the limit, and no longer', () => {
  const { door } = intake()
  assert.ok(door.take(frames('just.right', 0, 1)))
  assert.equal(door.take(frames('just.rights', 0, 1)), undefined)
  assert.equal(door.malformed.topic, 1)
})

test('types that nobody asked for are counted, and a flood of them is not remembered', () => {
  let asked = 0
  const { door, ledger } = intake({
    matches: () => {
      asked++
      return false
    },
  })
  const flood = 20_000
  const body = frames('', 0, 1)[1]!
  const send = (n: number) => assert.equal(door.take([Buffer.from(`t.${n}`), body]), undefined)
  for (let n = 0; n < flood; n++) send(n)
  send(0)
  assert.equal(asked, flood, 'as many are known')
  send(flood)
  send(0)
  assert.equal(asked, flood + 2, 'and no more')
  assert.equal(door.unmatched, flood + 3)
  assert.equal(ledger.size, 0)
})
