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

test('a view reads fields where they lie, and the whole event when it is asked for', () => {
  const time = new Date(1000)
  const data = { status: 200, user: { name: 'ä', roles: ['a'] }, took: 0.5, ok: true, at: time, none: null }
  const good = BSON.serialize({ time, data })
  const extended = BSON.serialize({ time, data: { status: 404 }, traceparent: '00-1' })
  const other = BSON.serialize({ time, data: 'status' })
  const broken = BSON.serialize({ time, data: { status: 500 } })
  broken[4] = 2
  const batch = new EventBatch([message('x', 0, [good, extended]), message('y', 7, [other, broken])])
  // Twice: the first time the shapes are learned.
  for (let i = 0; i < 2; i++) {
    const views = batch.views()
    assert.deepEqual(
      views.map((view) => [view.type, view.source, view.epoch, view.seq, view.get('status')]),
      [
        ['a.b', 'x', 1, 0, 200],
        ['a.b', 'x', 1, 1, 404],
        ['a.b', 'y', 1, 7, undefined],
        ['a.b', 'y', 1, 8, undefined],
      ],
    )
    const [first] = views
    for (const field of [
      'user.name',
      'user.roles',
      'user',
      'took',
      'ok',
      'at',
      'none',
      'user.none',
      'took.x',
    ]) {
      const [key, inner] = field.split('.') as [keyof typeof data, string?]
      const expected = inner === undefined ? data[key] : (data[key] as Record<string, unknown>)[inner]
      assert.deepEqual(first!.get(field), expected, field)
    }
    assert.deepEqual(first!.event(), batch.events()[0])
    assert.deepEqual(views[1]!.event()?.extensions, { traceparent: '00-1' })
    assert.equal(views[3]!.event(), undefined)
  }
})

test('what is damaged before a field is not read over', () => {
  const whole = BSON.serialize({ time: new Date(0), data: { path: '/a', status: 200 } })
  const batchOf = (bytes: Uint8Array) => new EventBatch([message('x', 0, [bytes])])
  assert.equal(batchOf(whole).views()[0]!.get('status'), 200)
  for (let at = 4; at < whole.length - 1; at++) {
    for (const byte of [0, 1, 2, 0x7f, 0xff]) {
      const damaged = Uint8Array.from(whole)
      damaged[at] = byte
      const batch = batchOf(damaged)
      const found = batch.views()[0]!.get('status')
      const [event] = batch.events()
      if (event) assert.deepEqual(found, (event.data as { status?: unknown }).status, `byte ${at} as ${byte}`)
    }
  }
})
