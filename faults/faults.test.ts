/** The short form of the fault suite: see docs/FAULTS.md. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { play } from './play.js'
import { scenarios } from './scenarios.js'

const seed = Number(process.env.SEED ?? 20261121)

// Most of a scenario is waiting until somebody silent is taken for dead.
test('after every fault the bus adds up, to the event', { concurrency: 4 }, async (t) => {
  const played = scenarios.map((scenario) =>
    t.test(scenario.name, async (t) => {
      const unable = scenario.unable?.()
      if (unable !== undefined) {
        // Of the kernel, and not of what can be installed: it is no failure where everything else must run.
        t.skip(`SKIPPED: ${unable}`)
        return
      }
      const { sent, received, lost, duplicate, dropped, balance, fault } = await play(scenario, seed, false)
      t.diagnostic(`seed ${seed}: ${JSON.stringify({ sent, received, lost, duplicate, dropped, balance })}`)
      assert.equal(fault, undefined)
      assert.equal(balance, 0)
      assert.ok(sent > 1000, 'there was traffic')
    }),
  )
  await Promise.all(played)
})
