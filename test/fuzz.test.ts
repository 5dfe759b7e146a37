/**
 * Thousands of damaged messages, made from the vectors by bit flips, cuts and splices from a fixed seed: straight at
 * the functions that read them, and through real sockets. None may throw, and all must be accounted for.
 */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { BSON } from 'bson'
import * as zmq from 'zeromq'
import { decodeEvents } from '../lib/codec/codec.js'
import { isTypeName } from '../lib/event.js'
import { attach, EventRouter, eventToJson, isStormEvent, type StormEvent } from '../lib/index.js'
import { Ledger } from '../lib/loss.js'
import { compilePatterns } from '../lib/pattern.js'
import { eventsFill, headerLength, heartbeatBody, readHeader, writeHeader } from '../lib/wire.js'
import { freeEndpoint, seeded, until } from '../testing/index.js'

const SEED = 20_260_103

const read = (name: string): { frames: string[] }[] =>
  JSON.parse(readFileSync(new URL(`../../protocol/vectors/${name}.json`, import.meta.url), 'utf8'))
const seeds = ['messages', 'malformed', 'undecodable']
  .flatMap(read)
  .map(({ frames }) => frames.map((frame) => Buffer.from(frame, 'hex')))

/** A message such as nobody would send: a vector with some damage, or none. */
function mutator(seed: number): () => Buffer[] {
  const random = seeded(seed)
  const upTo = (n: number) => Math.floor(random() * n)
  const pick = <T>(from: readonly T[]): T => from[upTo(from.length)]!
  const anyFrame = () => pick(pick(seeds))
  const damages: ((frame: Buffer) => Buffer)[] = [
    (frame) => frame,
    (frame) => {
      const copy = Buffer.from(frame)
      for (let hits = 1 + upTo(4); hits > 0 && copy.length > 0; hits--)
        copy[upTo(copy.length)]! ^= 1 << upTo(8)
      return copy
    },
    (frame) => {
      const copy = Buffer.from(frame)
      for (let hits = 1 + upTo(4); hits > 0 && copy.length > 0; hits--) copy[upTo(copy.length)] = upTo(256)
      return copy
    },
    (frame) => frame.subarray(0, upTo(frame.length + 1)),
    (frame) => frame.subarray(upTo(frame.length + 1)),
    (frame) => {
      const other = anyFrame()
      return Buffer.concat([
        frame.subarray(0, upTo(frame.length + 1)),
        other.subarray(upTo(other.length + 1)),
      ])
    },
    (frame) => {
      const copy = Buffer.from(frame)
      const numbers = [0, -1, 1, 4, 5, copy.length, 100 * 2 ** 20, 2 ** 31 - 1, -(2 ** 31)]
      if (copy.length >= 4) copy.writeInt32LE(pick(numbers), upTo(copy.length - 3))
      return copy
    },
    (frame) => {
      // A well-formed header with numbers near to those of others, before whatever events the frame has.
      const name = Buffer.from(pick(['web-1', 'shop']))
      const head = Buffer.alloc(headerLength(name.length))
      writeHeader(head, name, pick([1, 2]), upTo(50), 1 + upTo(3))
      const header = readHeader(frame)
      return Buffer.concat([head, typeof header === 'string' ? frame : frame.subarray(header.length)])
    },
  ]
  return () => {
    const frames: Buffer[] = [...pick(seeds)]
    const at = random() < 0.1 ? 0 : frames.length - 1
    frames[at] = pick(damages)(frames[at]!)
    if (random() < 0.02) frames.push(anyFrame())
    return frames
  }
}

/** The order of PROTOCOL.md, section 11, with the functions that routers and sinks are made of. */
function account(pattern: string) {
  const patterns = compilePatterns([pattern])
  const ledger = new Ledger({ maxStreams: 100_000, since: () => 0 })
  const counts = {
    messages: 0,
    heartbeats: 0,
    unmatched: 0,
    duplicates: 0,
    delivered: 0,
    undecodable: 0,
    malformed: { frames: 0, topic: 0, header: 0, version: 0, events: 0, overlap: 0 },
  }
  const take = (frames: Buffer[]): StormEvent[] => {
    counts.messages++
    const [topic, body] = frames as [Buffer, Buffer]
    const type = topic.toString()
    const malformed = (reason: keyof typeof counts.malformed) => {
      counts.malformed[reason]++
      return []
    }
    if (frames.length !== 2) return malformed('frames')
    if (!isTypeName(type)) return malformed('topic')
    if (!patterns.matches(type)) {
      counts.unmatched++
      return []
    }
    const header = readHeader(body)
    if (typeof header === 'string') return malformed(header)
    const { source, epoch, seq, count, length } = header
    if (!eventsFill(body, length, count)) return malformed('events')
    const stream = ledger.stream(type, source, epoch, 0)
    if (count === 0) {
      counts.heartbeats++
      stream.heartbeat(seq)
      return []
    }
    const verdict = stream.accept(seq, count)
    if (verdict === 'overlap') return malformed('overlap')
    if (verdict === 'duplicate') {
      counts.duplicates++
      return []
    }
    counts.delivered++
    const events = decodeEvents({ type, source, epoch, seq, count, body, offset: length })
    counts.undecodable += count - events.length
    return events
  }
  return { counts, ledger, take }
}

test(`20,000 damaged messages are read without a throw, and each is counted once (seed ${SEED})`, () => {
  const mutate = mutator(SEED)
  const { counts, ledger, take } = account('**')
  let events = 0
  for (let i = 0; i < 20_000; i++) {
    const frames = mutate()
    try {
      for (const event of take(frames)) {
        events++
        assert.ok(isStormEvent(event))
        JSON.parse(eventToJson(event))
        BSON.serialize({ ...event })
      }
    } catch (error) {
      const shown = frames.map((frame) => frame.toString('hex')).join(' | ')
      throw new Error(`message ${i}: ${shown}`, { cause: error })
    }
  }
  const { malformed, messages, heartbeats, unmatched, duplicates, delivered } = counts
  const refused = Object.values(malformed).reduce((sum, count) => sum + count)
  assert.equal(messages, 20_000)
  assert.equal(refused + heartbeats + unmatched + duplicates + delivered, messages)
  assert.equal(ledger.totals.received, events + counts.undecodable)
  // The damage was neither too great nor too small for anything to be put to the test.
  for (const [reason, count] of Object.entries({ ...malformed, ...counts })) {
    if (typeof count === 'number') assert.ok(count >= 50, `${reason}: ${count}`)
  }
})

test(`5,000 damaged messages through real sockets are counted as they were read (seed ${SEED + 1})`, async (t) => {
  const router = new EventRouter({
    bindSources: [freeEndpoint()],
    bindSinks: [freeEndpoint()],
    sendHighWaterMark: 100_000,
  })
  const seen = { behind: [] as string[], beside: [] as string[] }
  const listen = (into: string[], where: { connect: string[] } | { bind: string[] }) =>
    attach(
      { write: (batch) => void into.push(...batch.events().map(eventToJson)) },
      { ...where, subscribe: ['**'], retries: 0 },
    )
  const behind = await listen(seen.behind, { connect: [...router.sinkEndpoints] })
  const beside = await listen(seen.beside, { bind: [freeEndpoint()] })
  const publisher = new zmq.XPublisher()
  t.after(async () => {
    publisher.close()
    await Promise.all([router.close(), behind.close(), beside.close()])
  })
  Object.assign(publisher, { linger: 0, sendTimeout: 0, sendHighWaterMark: 0 })
  for (const endpoint of [...router.sourceEndpoints, ...beside.endpoints]) publisher.connect(endpoint)
  const known = (source: string, ends: { streams(): Iterable<{ source: string }> }[]) =>
    ends.every((end) => [...end.streams()].some((stream) => stream.source === source))
  const beat = (source: string) => publisher.send(['marker', heartbeatBody(Buffer.from(source), 1, 0, 1)])
  await until('all are subscribed', async () => {
    await beat('knock')
    return known('knock', [router, beside])
  })
  await beat('begin')
  await until('the knocking is over', () => known('begin', [router, beside, behind]))
  const before = { router: router.counters(), beside: beside.counters() }

  const mutate = mutator(SEED + 1)
  const { counts, take } = account('**')
  const expected: string[] = []
  for (let i = 0; i < 5000; i++) {
    const frames = mutate()
    expected.push(...take(frames).map(eventToJson))
    await publisher.send(frames.map((frame) => Buffer.from(frame)))
    if (i % 100 === 0) await new Promise((resolve) => setImmediate(resolve))
  }
  await beat('end')
  await until('all is through', () => known('end', [router, beside, behind]))
  await until('all is written', () => beside.counters().queued === 0 && behind.counters().queued === 0)

  const { messages, heartbeats, unmatched, malformed } = beside.counters()
  assert.deepEqual(
    {
      messages: messages - before.beside.messages - 1,
      heartbeats: heartbeats - before.beside.heartbeats - 1,
      unmatched,
      malformed,
      undecodable: beside.counters().dropped.undecodable,
    },
    {
      messages: 5000,
      heartbeats: counts.heartbeats,
      unmatched: counts.unmatched,
      malformed: counts.malformed,
      undecodable: counts.undecodable,
    },
  )
  assert.deepEqual(seen.beside, expected)

  // A router reads no patterns and no events, so it lets more through; what it let through came, and nothing else.
  const routed = router.counters()
  assert.equal(routed.messagesIn - before.router.messagesIn, 5001)
  for (const reason of ['frames', 'topic'] as const)
    assert.equal(routed.malformed[reason], malformed[reason], reason)
  assert.equal(behind.counters().messages, routed.messagesOut)
  const { frames, topic, header, version, overlap } = behind.counters().malformed
  assert.deepEqual(
    { frames, topic, header, version, overlap },
    { frames: 0, topic: 0, header: 0, version: 0, overlap: 0 },
  )
})
