import assert from 'node:assert/strict'
import { test } from 'node:test'
import { queryObjects } from 'node:v8'
import { seeded } from '../testing/random.js'
import { MessageQueue } from './queue.js'
import type { Message } from './wire.js'

const message = (seq: number, count = 1, bytes = 10): Message => ({
  type: 'a',
  source: 's',
  epoch: 1,
  seq,
  count,
  body: Buffer.alloc(bytes),
  offset: 0,
})
const queue = (drop: 'newest' | 'oldest', maxEvents = 10, maxBytes = 1000) =>
  new MessageQueue({ maxEvents, maxBytes, drop })
const seqs = (messages: Message[]) => messages.map((each) => each.seq)
const state = ({ events, bytes, dropped, empty }: MessageQueue) => ({ events, bytes, dropped, empty })

test('messages come out in the order they went in, whole, up to so many events and bytes', () => {
  const q = queue('newest', 100, 1000)
  for (const [seq, count, bytes] of [
    [0, 3, 30],
    [3, 3, 30],
    [6, 1, 500],
    [7, 1, 10],
  ] as const)
    q.push(message(seq, count, bytes))
  assert.deepEqual(state(q), { events: 8, bytes: 570, dropped: 0, empty: false })
  assert.deepEqual(seqs(q.take(5, 1000)), [0], 'by events')
  assert.deepEqual(seqs(q.take(100, 100)), [3], 'by bytes')
  assert.deepEqual(seqs(q.take(1, 1)), [6], 'one at least')
  assert.deepEqual(seqs(q.take(100, 1000)), [7])
  assert.deepEqual(seqs(q.take(100, 1000)), [])
  assert.deepEqual(state(q), { events: 0, bytes: 0, dropped: 0, empty: true })
})

for (const [what, options, size] of [
  ['events', [10, 1e9], [5, 10]],
  ['bytes', [1e9, 100], [1, 50]],
] as const) {
  test(`full by ${what}, it drops what just came or what has waited longest`, () => {
    const newest = queue('newest', ...options)
    const oldest = queue('oldest', ...options)
    for (let seq = 0; seq < 4; seq++) {
      newest.push(message(seq, ...size))
      oldest.push(message(seq, ...size))
    }
    assert.equal(newest.dropped, 2 * size[0])
    assert.deepEqual(seqs(newest.take(1e9, 1e9)), [0, 1])
    assert.equal(oldest.dropped, 2 * size[0])
    assert.deepEqual(seqs(oldest.take(1e9, 1e9)), [2, 3])
  })
}

test('a message that could never fit drives nothing out', () => {
  for (const drop of ['newest', 'oldest'] as const) {
    const q = queue(drop, 10, 1000)
    q.push(message(0, 5))
    q.push(message(1, 11))
    q.push(message(2, 1, 1001))
    assert.deepEqual(state(q), { events: 5, bytes: 10, dropped: 12, empty: false }, drop)
  }
})

test('clearing says how many events were left', () => {
  const q = queue('newest')
  q.push(message(0, 4))
  q.push(message(4, 3))
  assert.equal(q.clear(), 7)
  assert.deepEqual(state(q), { events: 0, bytes: 0, dropped: 0, empty: true })
})

test('waiting ends when something comes, when something is there, or when woken', async () => {
  const q = queue('newest')
  let ended = 0
  const coming = q.wait().then(() => ended++)
  await new Promise(setImmediate)
  assert.equal(ended, 0)
  q.push(message(0))
  await coming
  await q.wait()
  q.clear()
  const woken = q.wait()
  q.wake()
  await woken
  assert.ok(q.empty)
  q.wake()
})

test('a kept message does not keep the block it was received in', () => {
  const q = queue('newest', 10, 1e6)
  const block = Buffer.alloc(65536)
  const small = { ...message(0), body: block.subarray(100, 200) }
  const large = { ...message(1), body: block.subarray(0, 8192) }
  q.push(small)
  q.push(large)
  const [first, second] = q.take(10, 1e6)
  assert.notEqual(first!.body.buffer, block.buffer)
  assert.equal(second!.body.buffer, block.buffer)
})

test('whatever happens, pushed = taken + dropped + held, within the bounds and in order', () => {
  for (const drop of ['newest', 'oldest'] as const) {
    for (let seed = 1; seed <= 20; seed++) {
      const random = seeded(seed)
      const upTo = (n: number) => Math.floor(random() * n)
      const q = queue(drop, 200, 3000)
      let pushed = 0
      let taken = 0
      let last = -1
      for (let step = 0; step < 5000; step++) {
        if (random() < 0.6) {
          const count = 1 + upTo(random() < 0.02 ? 250 : 8)
          q.push(message(pushed, count, 1 + upTo(100)))
          pushed += count
        } else {
          for (const each of q.take(1 + upTo(60), 1 + upTo(1000))) {
            assert.ok(each.seq > last, 'in order')
            last = each.seq
            taken += each.count
          }
        }
        assert.equal(pushed, taken + q.dropped + q.events, `${drop}, seed ${seed}, step ${step}`)
        assert.ok(q.events <= 200 && q.bytes <= 3000)
      }
      assert.ok(q.dropped > 0 && taken > 0)
      const held = q.events
      assert.equal(
        q.take(1e9, 1e9).reduce((sum, each) => sum + each.count, 0),
        held,
      )
      assert.deepEqual([q.events, q.bytes, q.empty], [0, 0, true])
    }
  }
})

test('what was taken is not held any more', () => {
  class Held {}
  const q = queue('newest')
  for (let seq = 0; seq < 5; seq++) q.push(Object.assign(new Held(), message(seq)))
  assert.equal(queryObjects(Held, { format: 'count' }), 5)
  q.take(3, 1000)
  assert.equal(queryObjects(Held, { format: 'count' }), 2)
})
