import assert from 'node:assert/strict'
import { randomInt } from 'node:crypto'
import { type TestContext, test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { ferretdb, freePort, mongoJavaServer, type RunningServer } from '../../servers/index.js'
import { seeded, until } from '../../testing/index.js'
import { readBack, start, tally } from './fixtures/harness.js'

const seed = Number(process.env.SEED ?? randomInt(2 ** 31))
const QUICK = 'serverSelectionTimeoutMS=500&connectTimeoutMS=500&heartbeatFrequencyMS=500'
/** For servers that hang; too short for one that is merely busy. */
const HASTY = `${QUICK}&socketTimeoutMS=1000`
const BOUNDS = { queueEvents: 4000, batchEvents: 1000 }

const SERVERS = [
  { kind: ferretdb, keeps: true },
  // What it had is gone with its process.
  { kind: mongoJavaServer, keeps: false },
]

/** A sink under steady load; `settle` ends the load, waits until everything is dealt with, and checks all there is to. */
async function underLoad(t: TestContext, url: string, { keeps = true, options = QUICK } = {}) {
  const running = await start(t, { url: `${url}?${options}` }, BOUNDS)
  const { sink, source, acknowledged, lines } = running
  let emitted = 0
  let ended = false
  let worst = 0
  const load = (async () => {
    while (!ended) {
      for (let i = 0; i < 40; i++) source.emit('load.tick', { n: emitted++, text: 'x'.repeat(100) })
      const { balance, queued } = tally(sink.counters())
      assert.equal(balance, 0, 'received = written + alreadyStored + dropped + queued, at any moment')
      worst = Math.max(worst, queued)
      await pause(4)
    }
  })()
  t.after(() => {
    ended = true
  })
  const stored = () => sink.counters().written + sink.counters().alreadyStored
  /** Resolves when so many more are stored: the sink is at work. */
  const goesOn = (count: number) => {
    const goal = stored() + count
    return until(`${count} more are stored`, () => stored() >= goal, 60_000)
  }
  const settle = async (what: string) => {
    ended = true
    await load
    await source.drain()
    await until('everything is dealt with', () => tally(sink.counters()).queued === 0, 60_000)
    const figures = tally(sink.counters())
    assert.equal(figures.balance, 0)
    assert.ok(worst <= BOUNDS.queueEvents + BOUNDS.batchEvents + 1000, `${worst} events were held`)
    assert.deepEqual(
      { ...sink.counters().dropped, overflow: 0 },
      {
        overflow: 0,
        failed: 0,
        rejected: 0,
        undecodable: 0,
        shutdown: 0,
      },
    )
    const { reconnected, lost } = sink.counters()
    t.diagnostic(
      `${what}: ${JSON.stringify({ emitted, ...figures, onTheWay: lost, reconnected, mostQueued: worst })}`,
    )
    if (keeps) {
      const found = await readBack(url)
      const there = new Set(found.map(({ type, seq }) => `${type} ${seq}`))
      assert.deepEqual(
        [...acknowledged].filter((name) => !there.has(name)),
        [],
        'acknowledged, and not there',
      )
      assert.equal(there.size, found.length, 'each is there once')
      assert.equal(found.length, figures.written + figures.alreadyStored)
    }
    // One line for each change, not one for each attempt; on a busy machine it may be slow often.
    const pairs = [
      ['sink is down', 'sink is up'],
      ['sink is slow', 'sink keeps up'],
    ] as const
    for (const [begins, ends] of pairs) {
      const changes = lines.filter((line) => line.startsWith(begins) || line.startsWith(ends))
      assert.ok(
        changes.every((line, i) => line.startsWith(i % 2 === 0 ? begins : ends)),
        changes.join('\n'),
      )
    }
    const others = lines.filter(
      (line) => !line.startsWith('sink is slow') && !line.startsWith('sink keeps up'),
    )
    assert.ok(others.length < 60 + 4 * reconnected, `${others.length} lines of log`)
    return figures
  }
  return { ...running, goesOn, settle }
}

/** Runs a moment at a time only: slow, but there. */
async function slowly(server: RunningServer, share: number, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    server.process.pause()
    await pause(100 * (1 - share))
    server.process.resume()
    await pause(100 * share)
  }
}

for (const { kind, keeps } of SERVERS) {
  const skip = kind.skip()

  test(`${kind.name} is not there at first, and comes`, { skip }, async (t) => {
    const port = await freePort()
    const url = `mongodb://127.0.0.1:${port}/late`
    const { sink, goesOn, settle, lines } = await underLoad(t, url)
    assert.equal(sink.state, 'down')
    await until('its queue is full', () => sink.counters().dropped.overflow > 0)
    await using server = await kind.start({ port })
    // A server that is just getting up may be too slow for the short time-outs once more.
    const beforeUp = () =>
      lines.slice(
        0,
        lines.findIndex((line) => line.startsWith('sink is up')),
      )
    await goesOn(2000)
    assert.equal(beforeUp().filter((line) => line.startsWith('sink is down')).length, 1, lines.join('\n'))
    const { lost } = await settle('down at first')
    assert.ok(lost > 0)
    await server.process.kill()
  })

  test(`${kind.name} is killed under load and comes back, three times`, { skip }, async (t) => {
    await using server = await kind.start()
    const { sink, goesOn, settle } = await underLoad(t, `${server.url}/killed`, { keeps })
    for (let round = 0; round < 3; round++) {
      await goesOn(1500)
      const { reconnected } = sink.counters()
      await server.process.kill()
      await until('it was noticed', () => sink.state === 'down')
      await server.process.start()
      await until('it has come back by a new client', () => sink.counters().reconnected > reconnected, 60_000)
    }
    await goesOn(1000)
    await settle('kill -9')
  })

  test(`${kind.name} stands still longer than anybody waits, and goes on`, { skip }, async (t) => {
    await using server = await kind.start()
    const { sink, goesOn, settle } = await underLoad(t, `${server.url}/still`, { options: HASTY })
    for (let round = 0; round < 2; round++) {
      await goesOn(1000)
      const { reconnected } = sink.counters()
      server.process.pause()
      await until('it was noticed', () => sink.state === 'down')
      server.process.resume()
      await until('it goes on by a new client', () => sink.counters().reconnected > reconnected, 60_000)
    }
    await goesOn(1000)
    await settle('SIGSTOP and SIGCONT')
  })

  test(`${kind.name} is slow: what is too much is dropped and counted`, { skip }, async (t) => {
    await using server = await kind.start()
    const { sink, goesOn, settle } = await underLoad(t, `${server.url}/slow`)
    await goesOn(500)
    const enough = new AbortController()
    const slowed = slowly(server, 0.04, enough.signal)
    await until('more comes than it takes', () => sink.counters().dropped.overflow > 0, 60_000)
    enough.abort()
    await slowed
    await goesOn(1000)
    const { lost } = await settle('slow')
    assert.ok(lost > 0)
  })
}

test(`a server on which anything happens, by chance (seed ${seed})`, { skip: ferretdb.skip() }, async (t) => {
  const random = seeded(seed)
  await using server = await ferretdb.start()
  const { process: it } = server
  const { sink, goesOn, settle } = await underLoad(t, `${server.url}/chance`, { options: HASTY })
  const happened: string[] = []
  const faults: Record<string, () => Promise<void>> = {
    async kill() {
      await it.kill()
      await it.start()
    },
    async stop() {
      await it.restart()
    },
    async hang() {
      it.pause()
      await until('it was noticed', () => sink.state === 'down')
      it.resume()
    },
    async hiccup() {
      it.pause()
      await pause(random() * 200)
      it.resume()
    },
    async slow() {
      const enough = new AbortController()
      const slowed = slowly(server, 0.2, enough.signal)
      await pause(random() * 800)
      enough.abort()
      await slowed
    },
  }
  for (let i = 0; i < 8; i++) {
    await goesOn(Math.floor(random() * 1000))
    const name = Object.keys(faults)[Math.floor(random() * 5)]!
    happened.push(name)
    await faults[name]!()
  }
  await goesOn(1000)
  await settle(`seed ${seed}, ${happened.join(' ')}`)
})

test('a sink that is stopped while its server hangs ends in time, and counts what it had', {
  skip: ferretdb.skip(),
}, async (t) => {
  await using server = await ferretdb.start()
  const { sink, source } = await start(t, { url: `${server.url}/ends?${HASTY}` })
  source.emit('test.first', 1)
  await until('it is at work', () => sink.counters().written === 1)
  server.process.pause()
  for (let i = 0; i < 100; i++) source.emit('test.more', i)
  await until('they are there', () => sink.counters().received === 101)
  await sink.drain(300)
  assert.equal(sink.status, 'stopped')
  const { balance, queued, lost } = tally(sink.counters())
  assert.deepEqual({ balance, queued, lost }, { balance: 0, queued: 0, lost: 100 })
  assert.equal(sink.counters().dropped.shutdown, 100)
})
