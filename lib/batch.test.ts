import assert from 'node:assert/strict'
import { test } from 'node:test'
import { BSON } from 'bson'
import { EventBatch } from './batch.js'
import type { Message } from './wire.js'

const message = (source: string, seq: number, documents: Uint8Array[]): Message => ({
  type: 'a.b',
  source,
  epoch: 1,
  seq,
  count: documents.length,
  body: Buffer.concat([Buffer.from('header'), ...documents]),
  offset: 6,
})

test('the documents are those of the events, bytes as they came', () => {
  const time = new Date(0)
  const [one, two, three] = [1, 2, 3].map((data) => BSON.serialize({ time, data })) as [
    Uint8Array,
    Uint8Array,
    Uint8Array,
  ]
  const none = BSON.serialize({ tome: time, data: 0 })
  const extended = BSON.serialize({ time, data: null, traceparent: '00-1' })
  const whole = new EventBatch([message('x', 0, [one, two]), message('y', 5, [extended])])
  assert.deepEqual(
    whole.documents(),
    [one, two, extended].map((bytes) => Buffer.from(bytes)),
  )
  // The number that the broken one would have had is another source's next.
  const partly = new EventBatch([
    message('x', 0, [none, one, none]),
    message('y', 2, [three, none]),
    message('x', 9, [two]),
  ])
  assert.deepEqual(
    partly.documents(),
    [one, three, two].map((bytes) => Buffer.from(bytes)),
  )
  assert.equal(partly.documents().length, partly.events().length)
  assert.equal(partly.undecodable, 3)
})
