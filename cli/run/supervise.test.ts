import assert from 'node:assert/strict'
import { test } from 'node:test'
import { addCounters, type Counters, Lifecycle, type Logger, level, silent, total } from '../../lib/index.js'
import { ControlledClock, seeded } from '../../testing/index.js'
import type { RunningPart } from '../pipeline/part.js'
import { Supervised } from './supervise.js'

/** A component of which the test holds the end in its hand. */
class Puppet implements RunningPart {
  life = new Lifecycle()
  counts: Counters = { sent: 3, queued: 2, dropped: { full: 1 } }
  drained = 0
  constructor() {
    this.life.running()
  }
  get status() {
    return this.life.status
  }
  get ended() {
    return this.life.ended
  }
  counters = () => this.counts
  drain() {
    this.drained++
    return this.life.stop(() => {})
  }
  close = () => this.drain()
  async [Symbol.asyncDispose]() {
    await this.drain()
  }
  async fail(error = new Error('broken')) {
    await this.life.fail(error, () => {})
    await new Promise((resolve) => setImmediate(resolve))
  }
}

const SEED = 20261121
const infos = { sent: total('.'), queued: level('.'), dropped: total('.') }

function supervise({
  maxRestarts,
  refuse = () => false,
}: {
  maxRestarts?: number
  refuse?: () => boolean
} = {}) {
  const clock = new ControlledClock()
  const lives: Puppet[] = []
  const lines: [string, Record<string, unknown>][] = []
  const keep = (fields: object, message: string) =>
    void lines.push([message, fields as Record<string, unknown>])
  const log: Logger = { ...silent, error: keep, info: keep }
  const start = async () => {
    if (refuse()) throw new Error('refused')
    lives.push(new Puppet())
    return lives.at(-1)!
  }
  const supervised = new Supervised(start, {
    ...{ log, clock, restartWait: 1000, maxRestartWait: 60_000, maxRestarts },
    add: (before, life) => addCounters(infos, before, life),
    random: seeded(SEED),
  })
  return { clock, lives, lines, supervised }
}

test(`waits double up to the longest, with jitter, and begin anew after a long life (seed ${SEED})`, async () => {
  const { clock, lives, lines, supervised } = supervise()
  await supervised.open()
  const waits: number[] = []
  for (let failures = 1; failures <= 10; failures++) {
    await lives.at(-1)!.fail()
    assert.equal(supervised.status, 'starting')
    assert.equal(supervised.waiting!.error, 'broken')
    const wait = supervised.waiting!.until - clock.now()
    waits.push(wait)
    assert.deepEqual(lines.at(-1), [
      'failed; it is started again',
      { error: 'broken', failures, again: new Date(clock.now() + wait).toISOString() },
    ])
    await clock.advance(wait)
    assert.equal(lives.length, failures + 1)
    assert.equal(supervised.status, 'running')
    assert.equal(supervised.waiting, undefined)
  }
  assert.equal(supervised.restarts, 10)
  for (const [i, wait] of waits.entries()) {
    const full = Math.min(1000 * 2 ** i, 60_000)
    assert.ok(wait >= full / 2 && wait < full, `${wait} after ${i} failures`)
  }
  assert.equal(new Set(waits.slice(-3)).size, 3, 'chance has its part')
  await clock.advance(60_001)
  await lives.at(-1)!.fail()
  assert.ok(supervised.waiting!.until - clock.now() < 1000)
  await supervised.drain()
  assert.equal(clock.pending, 0, 'nothing is left waiting')
})

test('its lives are added up, but for what is there now', async () => {
  const { clock, lives, supervised } = supervise()
  await supervised.open()
  await lives[0]!.fail()
  assert.deepEqual(supervised.counters(), { sent: 3, dropped: { full: 1 } })
  await clock.advance(1000)
  assert.deepEqual(supervised.counters(), { sent: 6, queued: 2, dropped: { full: 2 } })
  lives[1]!.counts = { sent: 10, queued: 0, dropped: { full: 1, late: 4 } }
  assert.deepEqual(supervised.counters(), { sent: 13, queued: 0, dropped: { full: 2, late: 4 } })
  await supervised.drain()
  assert.deepEqual(supervised.counters().sent, 13)
})

test('what ends properly is not started again', async () => {
  const { clock, lives, supervised } = supervise()
  await supervised.open()
  await lives[0]!.drain()
  await supervised.ended
  await clock.advance(100_000)
  assert.deepEqual([supervised.status, lives.length, supervised.restarts], ['stopped', 1, 0])
})

test('a first start that fails is thrown, unless somebody is patient', async () => {
  let refuses = true
  const { supervised } = supervise({ refuse: () => refuses })
  await assert.rejects(supervised.open(), /refused/)
  await assert.rejects(supervised.ended, /refused/)
  const patient = supervise({ refuse: () => refuses })
  await patient.supervised.open(true)
  assert.equal(patient.supervised.waiting!.error, 'refused')
  await patient.clock.advance(1000)
  assert.equal(patient.lines.length, 2, 'a restart that fails is told too')
  refuses = false
  await patient.clock.advance(2000)
  assert.equal(patient.supervised.status, 'running')
  await patient.supervised.drain()
})

test('too many failures in a row are its own failure', async () => {
  const { clock, lives, supervised } = supervise({ maxRestarts: 2 })
  await supervised.open()
  for (const _ of [1, 2]) {
    await lives.at(-1)!.fail()
    await clock.advance(4000)
  }
  await lives.at(-1)!.fail(new Error('once too often'))
  await assert.rejects(supervised.ended, /once too often/)
  assert.equal(lives.length, 3)
})

test('it can be stopped while it waits, and while it starts', async () => {
  const waiting = supervise()
  await waiting.supervised.open()
  await waiting.lives[0]!.fail()
  await waiting.supervised.drain()
  await waiting.supervised.ended
  await waiting.clock.advance(10_000)
  assert.equal(waiting.lives.length, 1)
  const starting = supervise()
  const opened = starting.supervised.open()
  await Promise.all([opened, starting.supervised.drain()])
  assert.equal(starting.lives[0]!.drained, 1)
  assert.equal(starting.supervised.status, 'stopped')
})

test('a drain that takes long is cut short by a close', async () => {
  const { lives, supervised } = supervise()
  await supervised.open()
  const life = lives[0]!
  let close = () => {}
  life.drain = () => new Promise((resolve) => (close = resolve))
  let closed = 0
  life.close = async () => {
    closed++
    close()
  }
  const drained = supervised.drain()
  await new Promise((resolve) => setImmediate(resolve))
  await supervised.close()
  await drained
  assert.equal(closed, 1)
})

test('one that fails while it is stopped to be started anew is not started twice', async () => {
  const { clock, lives, supervised } = supervise()
  await supervised.open()
  lives[0]!.drain = () => lives[0]!.fail(new Error('too late'))
  await supervised.again()
  await clock.advance(100_000)
  assert.deepEqual([lives.length, supervised.restarts, supervised.waiting], [2, 1, undefined])
  await supervised.close()
})

test('again stops and starts what nothing was wrong with', async () => {
  const { lives, lines, supervised } = supervise()
  await supervised.open()
  await supervised.again()
  assert.deepEqual([lives.length, lives[0]!.drained, lives[0]!.status], [2, 1, 'stopped'])
  assert.deepEqual([supervised.status, supervised.restarts, supervised.counters().sent], ['running', 1, 6])
  assert.deepEqual(lines, [['runs again', { restarts: 1 }]])
  await supervised.close()
})
