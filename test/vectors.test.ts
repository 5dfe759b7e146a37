/**
 * PROTOCOL.md and its vectors against this implementation: what we write is byte for byte what the vectors say, what
 * we read is what they mean, and the dumps in the text are theirs. `bson` is the judge of what a document is.
 */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { type TestContext, test } from 'node:test'
import { BSON, EJSON } from 'bson'
import * as zmq from 'zeromq'
import { decodeEvents, encodeEvent } from '../lib/codec/codec.js'
import { isTypeName } from '../lib/event.js'
import { attach, compilePattern, EventRouter, type StormEvent } from '../lib/index.js'
import { Ledger, type LossCounters } from '../lib/loss.js'
import { eventsFill, headerLength, heartbeatBody, readHeader, writeHeader } from '../lib/wire.js'
import { freeEndpoint, until } from '../testing/index.js'

const root = new URL('../../', import.meta.url)
const vectors = <T>(name: string): T =>
  JSON.parse(readFileSync(new URL(`protocol/vectors/${name}.json`, root), 'utf8'))
const bytes = (hex: string) => Buffer.from(hex, 'hex')
/** Canonical Extended JSON as the values it stands for, with BSON's own types. */
const typed = (value: unknown) => EJSON.parse(JSON.stringify(value), { relaxed: false })
const canonical = (value: unknown) => JSON.parse(EJSON.stringify(value, { relaxed: false }))

interface MessageVector {
  name: string
  frames: [string, string]
  type: string
  header: Record<string, unknown>
  events: Record<string, unknown>[]
}
interface MalformedVector {
  name: string
  frames: string[]
  reason: string
  router: string | null
}
interface UndecodableVector {
  name: string
  frames: [string, string]
  undecodable: number
  seqs: number[]
}
interface StreamVector {
  name: string
  since: number
  steps: {
    message: { type: string; source: string; epoch: number; seq: number; n: number }
    verdict: string
    counters: LossCounters
  }[]
}
interface SubscriptionVector {
  pattern: string
  prefix: string
  subscribe: string
  unsubscribe: string
  matches: string[]
  not: string[]
}

const messages = vectors<MessageVector[]>('messages')
const malformed = vectors<MalformedVector[]>('malformed')
const undecodable = vectors<UndecodableVector[]>('undecodable')

for (const { name, frames, type, header, events } of messages) {
  const body = bytes(frames[1])
  const values = typed(header)

  test(`message "${name}" is read as it says`, () => {
    assert.equal(bytes(frames[0]).toString(), type)
    assert.ok(isTypeName(type))
    const read = readHeader(body)
    assert.ok(typeof read === 'object')
    const number = (key: string) => (key in values ? Number(values[key]) : 0)
    assert.deepEqual(
      { source: read.source, epoch: read.epoch, seq: read.seq, count: read.count, beat: read.beat },
      {
        source: values.source,
        epoch: number('epoch'),
        seq: number('seq'),
        count: number('n'),
        beat: number('beat'),
      },
    )
    assert.ok(eventsFill(body, read.length, read.count))
    const { source, epoch, seq, count, length } = read
    assert.deepEqual(
      decodeEvents({ type, source, epoch, seq, count, body, offset: length }),
      events.map((event, i): StormEvent => {
        const { time, data, ...extensions } = BSON.deserialize(BSON.serialize(typed(event)))
        const attributes = Object.keys(extensions).length > 0 ? { extensions } : {}
        return { type, source, epoch, seq: seq + i, time, data, ...attributes }
      }),
    )
  })

  test(`message "${name}" is what bson makes of its header and events`, () => {
    const documents = [header, ...events].map((document) => BSON.serialize(typed(document)))
    assert.deepEqual(body, Buffer.concat(documents))
    let at = 0
    const back = documents.map((document) => {
      const end = at + document.length
      const parsed = BSON.deserialize(body.subarray(at, end), { promoteValues: false })
      at = end
      return canonical(parsed)
    })
    assert.deepEqual(back, [header, ...events])
  })

  const known = ['v', 'epoch', 'seq', 'n', 'source', 'beat']
  if (Object.keys(header).some((key) => !known.includes(key))) continue
  test(`message "${name}" is written byte for byte`, () => {
    const source = Buffer.from(values.source)
    const [epoch, seq, count] = [Number(values.epoch), Number(values.seq), Number(values.n)]
    if (count === 0) {
      assert.deepEqual(heartbeatBody(source, epoch, seq, Number(values.beat)), body)
      return
    }
    const head = Buffer.alloc(headerLength(source.length), 0xee)
    writeHeader(head, source, epoch, seq, count)
    const documents = events.map((event) => {
      const { time, data, ...extensions } = typed(event)
      return encodeEvent(type, time, data, extensions, 1e6)
    })
    assert.deepEqual(Buffer.concat([head, ...documents]), body)
  })
}

/** A publisher that sends what it is told, a router it dials, and a sink behind the router and one beside it. */
async function line(t: TestContext) {
  const router = new EventRouter({ bindSources: [freeEndpoint()], bindSinks: [freeEndpoint()] })
  const ignore = { write: () => {} }
  const behind = await attach(ignore, { connect: [...router.sinkEndpoints], subscribe: ['**'] })
  const beside = await attach(ignore, { bind: [freeEndpoint()], subscribe: ['**'] })
  const publisher = new zmq.XPublisher()
  publisher.linger = 0
  publisher.sendTimeout = 0
  t.after(async () => {
    publisher.close()
    await Promise.all([router.close(), behind.close(), beside.close()])
  })
  for (const endpoint of [...router.sourceEndpoints, ...beside.endpoints]) publisher.connect(endpoint)
  const beat = (source: string) => publisher.send(['test', heartbeatBody(Buffer.from(source), 1, 0, 1)])
  const known = (source: string) =>
    [router, beside].every((end) => [...end.streams()].some((stream) => stream.source === source))
  await until('both are subscribed', async () => {
    await beat('probe')
    return known('probe')
  })
  await beat('marker')
  await until('the probes are through', () => known('marker'))
  const before = { router: router.counters(), sink: beside.counters() }
  return { publisher, router, behind, beside, before }
}

test('every malformed vector is counted by its reason, at a sink and at a router, and nothing else happens', async (t) => {
  const { publisher, router, beside, before } = await line(t)
  for (const { name, frames, reason, router: routed } of malformed) {
    const was = { router: router.counters(), sink: beside.counters() }
    await publisher.send(frames.map(bytes))
    await until(
      `"${name}" has come`,
      () =>
        router.counters().messagesIn > was.router.messagesIn &&
        beside.counters().messages > was.sink.messages,
    )
    const plus = (counts: Record<string, number>, key: string | null) =>
      key === null ? counts : { ...counts, [key]: counts[key]! + 1 }
    assert.deepEqual(beside.counters().malformed, plus(was.sink.malformed, reason), name)
    assert.deepEqual(router.counters().malformed, plus(was.router.malformed, routed), name)
  }
  const { received, lost, duplicate, heartbeats } = beside.counters()
  assert.deepEqual(
    { received, lost, duplicate, heartbeats },
    { received: 0, lost: 0, duplicate: 0, heartbeats: before.sink.heartbeats },
  )
  assert.equal(beside.counters().messages - before.sink.messages, malformed.length)
  assert.ok(malformed.length >= 35)
})

test('a router passes on what it does not look at, and the sink behind it counts it', async (t) => {
  const { publisher, behind } = await line(t)
  const vector = malformed.find((each) => each.router === null)!
  await publisher.send(vector.frames.map(bytes))
  await until('the sink behind the router has it', () => behind.counters().malformed.events === 1)
})

for (const { name, frames, undecodable: count, seqs } of undecodable) {
  test(`an event with ${name} is left out, and its neighbours are not`, () => {
    const body = bytes(frames[1])
    const header = readHeader(body)
    assert.ok(typeof header === 'object')
    const { source, epoch, seq, count: n, length } = header
    assert.ok(eventsFill(body, length, n))
    const events = decodeEvents({ type: 'http.hit', source, epoch, seq, count: n, body, offset: length })
    assert.deepEqual(
      events.map((event) => event.seq),
      seqs,
    )
    assert.equal(n - events.length, count)
  })
}

for (const { name, since, steps } of vectors<StreamVector[]>('streams')) {
  test(`loss is counted as in "${name}"`, () => {
    const ledger = new Ledger({ maxStreams: 100, since: () => since })
    for (const [i, { message, verdict, counters }] of steps.entries()) {
      const { type, source, epoch, seq, n } = message
      const stream = ledger.stream(type, source, epoch, 0)
      if (n === 0) stream.heartbeat(seq)
      const said = n === 0 ? 'heartbeat' : stream.accept(seq, n)
      assert.deepEqual({ verdict: said, ...ledger.totals }, { verdict, ...counters }, `step ${i}`)
    }
  })
}

test('patterns become the prefixes and frames that the vectors say, and match as they say', () => {
  for (const vector of vectors<SubscriptionVector[]>('subscriptions')) {
    const pattern = compilePattern(vector.pattern)
    const prefix = Buffer.from(pattern.prefix).toString('hex')
    assert.deepEqual(
      [pattern.prefix, `01${prefix}`, `00${prefix}`],
      [vector.prefix, vector.subscribe, vector.unsubscribe],
      vector.pattern,
    )
    for (const type of vector.matches) assert.ok(pattern.matches(type), `${vector.pattern} matches ${type}`)
    for (const type of vector.not)
      assert.ok(!pattern.matches(type), `${vector.pattern} does not match ${type}`)
  }
})

test('types are valid or not as the vectors say', () => {
  const { valid, invalid } = vectors<{ valid: string[]; invalid: string[] }>('types')
  for (const type of valid) assert.ok(isTypeName(type), JSON.stringify(type))
  for (const type of invalid) assert.ok(!isTypeName(type), JSON.stringify(type))
})

test('the characters that PROTOCOL.md bars from types are barred, and no others', () => {
  const text = readFileSync(new URL('PROTOCOL.md', root), 'utf8')
  const table = /\| code points \|[\s\S]*?\n\n/.exec(text)![0]
  const ranges = [...table.matchAll(/\b([0-9A-F]{4,5})(?:–([0-9A-F]{4,5}))?(?=[,; |])/g)].map(
    ([, from, to = from]) => [Number.parseInt(from!, 16), Number.parseInt(to!, 16)],
  )
  assert.ok(ranges.length >= 13, `${ranges.length} ranges`)
  const barred = new Set(
    ranges.flatMap(([from, to]) => Array.from({ length: to! - from! + 1 }, (_, i) => from! + i)),
  )
  for (const character of '.*') barred.add(character.codePointAt(0)!)
  for (let point = 0; point <= 0x10ffff; point++) {
    if (isTypeName(String.fromCodePoint(point)) === barred.has(point))
      assert.fail(`code point ${point.toString(16)}, barred: ${barred.has(point)}`)
  }
})

test('the dumps in PROTOCOL.md are the vectors they name', () => {
  const text = readFileSync(new URL('PROTOCOL.md', root), 'utf8')
  const dumps = [...text.matchAll(/```text\nvector "(.+)", frame ([01])\n([\s\S]*?)```/g)]
  assert.ok(dumps.length >= 4, `${dumps.length} dumps`)
  for (const [, name, frame, dump] of dumps) {
    const expected = bytes(messages.find((each) => each.name === name)!.frames[Number(frame)]!)
    let shown = ''
    for (const row of dump!.trimEnd().split('\n')) {
      const [, offset, hex] = /^([0-9a-f]{4}) {2}((?:[0-9a-f]{2} ?)+)(?: {2}|$)/.exec(row) ?? assert.fail(row)
      assert.equal(Number.parseInt(offset!, 16), shown.length / 2, row)
      shown += hex!.replaceAll(' ', '')
    }
    assert.equal(shown, expected.toString('hex'), `${name}, frame ${frame}`)
  }
})
