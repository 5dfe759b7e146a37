import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ControlledClock } from '../testing/clock.js'
import { type Clock, pause, systemClock } from './clock.js'

for (const [name, clock] of [
  ['system', systemClock],
  ['controlled', new ControlledClock()],
] as [string, Clock][]) {
  test(`the ${name} clock gives every incarnation a microsecond of its own, near the present`, () => {
    let last = 0
    const began = clock.now()
    for (let i = 0; i < 10_000; i++) {
      const micros = clock.micros()
      assert.ok(Number.isSafeInteger(micros) && micros > last)
      last = micros
    }
    assert.ok(last / 1000 >= began - 1000)
  })
}

test('the system clock calls once, calls again and again, and calls no more when told', async () => {
  const calls: string[] = []
  systemClock.after(1, () => calls.push('cancelled'))()
  await new Promise<void>((resolve) => {
    let left = 3
    const end = systemClock.every(1, () => {
      calls.push('every')
      if (--left > 0) return
      end()
      systemClock.after(5, () => {
        calls.push('after')
        resolve()
      })
    })
    // The interval does not keep the process alive, so something else must.
    const alive = setInterval(() => {
      if (left <= 0) clearInterval(alive)
    }, 1)
  })
  assert.deepEqual(calls, ['every', 'every', 'every', 'after'])
})

test('a delay longer than Node can wait is not taken for none', async () => {
  const calls: string[] = []
  const cancel = [
    systemClock.after(30 * 86_400_000, () => calls.push('after')),
    systemClock.every(30 * 86_400_000, () => calls.push('every')),
  ]
  await new Promise((resolve) => setTimeout(resolve, 20))
  for (const each of cancel) each()
  assert.deepEqual(calls, [])
})

test('a pause ends with its time or with its signal, and leaves no timer behind', async () => {
  const clock = new ControlledClock()
  let ended = false
  const pausing = pause(clock, 100).then(() => {
    ended = true
  })
  await clock.advance(99)
  assert.equal(ended, false)
  await clock.advance(1)
  await pausing
  const controller = new AbortController()
  const aborted = pause(clock, 100, controller.signal)
  assert.equal(clock.pending, 1)
  controller.abort()
  await aborted
  assert.equal(clock.pending, 0)
  await pause(clock, 100, controller.signal)
})

test('controlled time stands still, then calls what falls due, in order', async () => {
  const clock = new ControlledClock(1000)
  const calls: [string, number][] = []
  const note = (name: string) => () => calls.push([name, clock.now()])
  clock.after(30, note('late'))
  clock.after(10, () => {
    note('early')()
    clock.after(5, note('set on the way'))
  })
  const end = clock.every(20, note('every'))
  clock.after(25, note('cancelled'))()
  assert.equal(clock.now(), 1000)
  assert.deepEqual(calls, [])
  await clock.advance(45)
  assert.deepEqual(calls, [
    ['early', 1010],
    ['set on the way', 1015],
    ['every', 1020],
    ['late', 1030],
    ['every', 1040],
  ])
  assert.equal(clock.now(), 1045)
  end()
  assert.equal(clock.pending, 0)
})

test('controlled time lets promises have their turn between two timers', async () => {
  const clock = new ControlledClock()
  let rounds = 0
  const run = async () => {
    for (; rounds < 5; rounds++) await pause(clock, 10)
  }
  const running = run()
  await clock.advance(50)
  await running
  assert.equal(rounds, 5)
})
