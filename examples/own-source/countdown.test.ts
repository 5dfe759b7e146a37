import assert from 'node:assert/strict'
import { test } from 'node:test'
import { attach, parseOptions, startSource } from 'eventstorm'
import { CollectingSink, ControlledClock, conformsAsSource, freeEndpoint } from 'eventstorm/testing'
import countdown from './countdown.js'

// What any source has to hold.
const checks = conformsAsSource({
  definition: countdown,
  begin: () => ({ options: { from: 1_000_000, interval: '1s' } }),
  feed: (amount, { clock }) => clock.advance(amount * 1000),
  finite: () => ({ from: 3 }),
  refused: [{ from: 0 }, { interval: 'soon' }],
})
for (const { name, run } of checks) test(name, run)

// What this one does, in no time: the clock is the test's.
test('counts down, a tick at a time, and ends', async () => {
  const clock = new ControlledClock()
  const heard = new CollectingSink()
  await using sink = await attach(heard, { bind: [freeEndpoint()], clock })
  const component = countdown.create(
    parseOptions(countdown.options, { from: 2, interval: '1h' }, 'countdown'),
  )
  const source = await startSource(component, { connect: [...sink.endpoints], clock })
  await clock.advance(3 * 3_600_000)
  await source.ended
  await clock.advanceUntil('all of it has come', () => heard.events.length === 3)
  assert.deepEqual(
    heard.of('countdown.tick').map(({ data }) => data),
    [{ left: 2 }, { left: 1 }],
  )
  const [last] = heard.of('countdown.end')
  assert.equal(last!.time.getTime() - heard.events[0]!.time.getTime(), 2 * 3_600_000)
})
