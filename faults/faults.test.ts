/** The short form of the fault suite: see docs/FAULTS.md. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { play } from './play.js'
import { scenarios } from './scenarios.js'

const seed = Number(process.env.SEED ?? 20261121)

// Most of a scenario is waiting until somebody silent is taken for dead.
test('after every fault the bus adds up, to the event', { concurrency: 4 }, async (t) => {
  const able = scenarios.filter((scenario) => {
    const unable = scenario.unable?.()
    // Of the kernel and of rights, not of what can be installed: no failure where everything else must run, but said.
    if (unable !== undefined) process.stderr.write(`NOT RUN: ${scenario.name}: ${unable}\n`)
    return unable === undefined
  })
  assert.ok(able.length > scenarios.length / 2)
  const played = able.map((scenario) =>
    t.test(scenario.name, async (t) => {
      const { sent, received, lost, duplicate, dropped, balance, fault } = await play(scenario, seed, false)
      t.diagnostic(`seed ${seed}: ${JSON.stringify({ sent, received, lost, duplicate, dropped, balance })}`)
      assert.equal(fault, undefined)
      assert.equal(balance, 0)
      assert.ok(sent > 1000, 'there was traffic')
    }),
  )
  await Promise.all(played)
})
