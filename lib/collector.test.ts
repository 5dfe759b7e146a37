import assert from 'node:assert/strict'
import { constants, type PerformanceEntry, PerformanceObserver } from 'node:perf_hooks'
import { test } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import { getHeapSpaceStatistics } from 'node:v8'
import { ControlledClock } from '../testing/index.js'
import { relaxCollector } from './collector.js'
import { EventSource } from './source.js'
import { subscribe } from './subscribe.js'

const TYPE = 'load.heavy'
const data = { pad: 'x'.repeat(3000) }
const EVENTS = 100_000
/** Events on the way at most. */
const WINDOW = 3000

const isMajor = (entry: PerformanceEntry) =>
  (entry as { detail?: { kind?: number } }).detail?.kind === constants.NODE_PERFORMANCE_GC_MAJOR

/** Sends events from a source to a subscriber in this process; tells how many major collections some 300 MB of them take. */
async function bus() {
  const events = subscribe({ bind: ['tcp://127.0.0.1:0'], subscribe: [TYPE] })
  const source = new EventSource({ source: 'test', connect: [...events.endpoints] })
  await source.subscribed(TYPE, { timeout: 30_000 })
  let taken = 0
  let sent = 0
  const read = async () => {
    for await (const { messages } of events) for (const { count } of messages) taken += count
  }
  const reading = read()
  return {
    async collections(): Promise<number> {
      let majors = 0
      const observer = new PerformanceObserver((list) => {
        majors += list.getEntries().filter(isMajor).length
      })
      observer.observe({ entryTypes: ['gc'] })
      for (const goal = sent + EVENTS; sent < goal; sent++) {
        source.emit(TYPE, data)
        while (sent - taken > WINDOW) await turn()
      }
      while (taken < sent) await turn()
      observer.disconnect()
      return majors
    },
    async [Symbol.asyncDispose]() {
      await source.close()
      await events.close()
      await reading
    },
  }
}

// First: what has grown does not shrink soon.
test('the young generation grows where collections are many, and not otherwise', async (t) => {
  const young = () =>
    getHeapSpaceStatistics().find(({ space_name }) => space_name === 'new_space')!.space_size
  let survivors: object[] = []
  const live = async (rounds: number, each: () => unknown) => {
    for (let round = 0; round < rounds; round++) {
      survivors = Array.from({ length: 10_000 }, (_, n) => ({ n, list: [n] }))
      await turn()
      await each()
    }
  }
  const clock = new ControlledClock()
  const release = relaxCollector(clock)
  const before = young()
  await live(100, () => clock.advance(1000))
  const seldom = young()
  // The larger it is, the more it takes to fill it often.
  let often = seldom
  for (let more = 0; more < 50 && often === seldom; more++) {
    await live(100, () => {})
    often = young()
  }
  release()
  t.diagnostic(`${before}, then ${seldom}, then ${often} bytes; ${survivors.length} lived`)
  assert.ok(seldom <= before)
  assert.ok(often > seldom)
})

test('where messages make V8 collect all the time it does so seldom, until that is taken back', async (t) => {
  await using line = await bus()
  // How many there are depends on what this process has done before: enough rounds to tell them from chance.
  let before = 0
  let rounds = 0
  for (; before < 80; rounds++) before += await line.collections()
  const release = relaxCollector(new ControlledClock())
  await line.collections()
  let relaxed = 0
  for (let round = 0; round < rounds; round++) relaxed += await line.collections()
  release()
  t.diagnostic(`${before}, relaxed ${relaxed}, in ${rounds} rounds each`)
  assert.ok(relaxed * 2 < before, `${relaxed} instead of ${before}`)
  // V8 thinks of its limit anew at a collection, and the next one may be far.
  for (let after = 0; after * 2 < before; ) after += await line.collections()
})
