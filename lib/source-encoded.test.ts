/** Events that were BSON before they came to the source. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { BSON } from 'bson'
import { attach, type EventBatch, EventSource, type SourceOptions } from '../lib/index.js'
import { freeEndpoint, until } from '../testing/index.js'

const TIME = new Date('2026-05-04T03:02:01.234Z')
const encode = (data: unknown, more: object = {}) => BSON.serialize({ time: TIME, data, ...more })

async function listened(options: SourceOptions = {}) {
  const endpoint = freeEndpoint('inproc')
  const source = new EventSource({ source: 'shop', bind: [endpoint], ...options })
  const batches: EventBatch[] = []
  const sink = await attach(
    { write: (batch) => void batches.push(batch) },
    { connect: [endpoint], subscribe: ['a'] },
  )
  await source.subscribed('a', { timeout: 15_000 })
  return {
    source,
    events: () => batches.flatMap((batch) => batch.events()),
    messages: () => batches.flatMap((batch) => batch.messages),
    async [Symbol.asyncDispose]() {
      await source.close()
      await sink.close()
    },
  }
}

test('encoded events travel as they are, among others, in messages within their bounds', async () => {
  await using on = await listened({ batchEvents: 7, batchBytes: '1KiB' })
  const { source } = on
  const texts = Array.from({ length: 200 }, (_, i) => 'ä'.repeat((i * 37) % 150))
  // One that has to have a message of its own.
  texts[100] = 'x'.repeat(3000)
  const documents = texts.map((text, i) => encode({ i, text }, i % 3 === 0 ? { traceid: `t${i}` } : {}))
  source.emit('a', 'before')
  for (let from = 0; from < 200; from += 40)
    assert.equal(source.emitEncoded('a', Buffer.concat(documents.slice(from, from + 40))), true)
  source.emit('a', 'behind')
  await until('all have come', () => on.events().length === 202)
  const bytes = on.messages().map(({ body, offset }) => body.subarray(offset))
  const all = Buffer.concat(bytes)
  const encoded = Buffer.concat(documents)
  const [before, behind] = [encode('before').length, encode('behind').length]
  assert.ok(encoded.equals(all.subarray(before, all.length - behind)), 'the same to the byte')
  const messages = on.messages()
  for (const [i, { body, count }] of messages.entries()) {
    assert.ok(count <= 7)
    assert.ok(body.length <= 1024 || count === 1)
    const next = messages[i + 1]
    if (next === undefined || count === 7) continue
    const first = next.body.readInt32LE(next.offset)
    assert.ok(body.length + first > 1024, 'the next one would not have fitted')
  }
  const events = on.events()
  assert.deepEqual(
    events.map(({ seq }) => seq),
    events.map((_, i) => i),
  )
  assert.deepEqual(events[1]!.time, TIME)
  assert.deepEqual(events[1]!.extensions, { traceid: 't0' })
  const { emitted, sent } = source.counters()
  assert.deepEqual({ emitted, sent }, { emitted: 202, sent: 202 })
})

test('a relay passes on what it was sent, as any bytes', async () => {
  await using from = await listened()
  await using to = await listened({ source: 'relay' })
  for (let i = 0; i < 10; i++) from.source.emit('a', { i })
  await until('all have come', () => from.events().length === 10)
  for (const { type, body, offset } of from.messages()) {
    const { buffer, byteOffset, byteLength } = body.subarray(offset)
    assert.equal(to.source.emitEncoded(type, new Uint8Array(buffer, byteOffset, byteLength)), true)
  }
  await until('all have come again', () => to.events().length === 10)
  assert.deepEqual(
    to.events().map(({ time, data }) => ({ time, data })),
    from.events().map(({ time, data }) => ({ time, data })),
  )
})

test('what is no list of encoded events is refused as a whole, with its place', async () => {
  await using on = await listened({ maxEventBytes: 1000 })
  const { source } = on
  const good = encode(true)
  const cut = (...parts: Uint8Array[]) => Buffer.concat(parts)
  const longer = Buffer.from(good)
  longer.writeInt32LE(good.length + 1, 0)
  const shorter = Buffer.from(good)
  shorter.writeInt32LE(good.length - 1, 0)
  const negative = Buffer.from(good)
  negative.writeInt32LE(-1, 0)
  const open = Buffer.from(good)
  open[open.length - 1] = 1
  const refused: [string, Uint8Array][] = [
    ['DATA_INVALID', cut(good, good.subarray(0, good.length - 1))],
    ['DATA_INVALID', cut(good, Buffer.from([0]))],
    ['DATA_INVALID', cut(good, longer)],
    ['DATA_INVALID', cut(good, shorter, good)],
    ['DATA_INVALID', cut(good, negative)],
    ['DATA_INVALID', cut(good, open)],
    ['DATA_INVALID', cut(good, BSON.serialize({ data: 1, time: TIME, more: 'than enough of it' }))],
    ['DATA_INVALID', cut(good, BSON.serialize({ time: 'early in the morning', data: 1 }))],
    ['DATA_INVALID', cut(good, BSON.serialize({ time: TIME, date: 'a word that is nearly it' }))],
    ['EVENT_TOO_LARGE', cut(good, encode('x'.repeat(1000)))],
  ]
  for (const [code, events] of refused) {
    assert.throws(
      () => source.emitEncoded('a', events),
      (error: { code?: string; message: string }) =>
        error.code === code && (code !== 'DATA_INVALID' || error.message.includes(`byte ${good.length} of`)),
    )
  }
  assert.throws(() => source.emitEncoded('no type', good), { code: 'TYPE_INVALID' })
  assert.throws(() => source.emitEncoded('a', 'text' as never), { code: 'DATA_INVALID' })
  assert.equal(source.emitEncoded('a', new Uint8Array()), true)
  assert.equal(source.counters().emitted, 0)
  assert.equal(source.emitEncoded('a', good), true)
  await until('only the good one has come', () => on.events().length === 1)
})

test('encoded events that nobody wants, or that come too late, are counted one by one', async () => {
  const on = await listened()
  const three = Buffer.concat([encode(1), encode(2), encode(3)])
  assert.equal(on.source.emitEncoded('b', three), false)
  assert.equal(on.source.counters().unwanted, 3)
  await on[Symbol.asyncDispose]()
  assert.equal(on.source.emitEncoded('a', three), false)
  const { emitted, unwanted, dropped, sent } = on.source.counters()
  assert.deepEqual({ emitted, unwanted, dropped, sent }, { emitted: 6, unwanted: 3, dropped: 3, sent: 0 })
})
