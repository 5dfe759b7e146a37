import assert from 'node:assert/strict'
import { constants, PerformanceObserver } from 'node:perf_hooks'
import { test } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import { collectMessages, ENOUGH, messagePassed, wasCollected } from './done-messages.js'

/** Minor collections that V8 was told to make. */
function toldCollections() {
  let told = 0
  const observer = new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) {
      const { kind, flags } = (entry as { detail?: { kind?: number; flags?: number } }).detail ?? {}
      if (
        kind === constants.NODE_PERFORMANCE_GC_MINOR &&
        flags === constants.NODE_PERFORMANCE_GC_FLAGS_FORCED
      )
        told++
    }
  })
  observer.observe({ entryTypes: ['gc'] })
  return {
    /** What is observed is told some turns later. */
    async take(): Promise<number> {
      for (let i = 0; i < 5; i++) await turn()
      const taken = told
      told = 0
      return taken
    },
    [Symbol.dispose]: () => observer.disconnect(),
  }
}

test('a minor collection is made after so many bytes of messages, and only between the two calls', async () => {
  using told = toldCollections()
  messagePassed(ENOUGH)
  assert.equal(await told.take(), 0)
  const end = collectMessages()
  for (let i = 0; i < 3; i++) {
    messagePassed(ENOUGH - 1)
    assert.equal(await told.take(), 0)
    messagePassed(1)
    assert.equal(await told.take(), 1)
  }
  messagePassed(ENOUGH - 1)
  wasCollected()
  messagePassed(ENOUGH - 1)
  assert.equal(await told.take(), 0, 'V8 has just done so by itself')
  end()
  messagePassed(ENOUGH)
  assert.equal(await told.take(), 0)
})

test('nobody else gets to see the function of V8 that does it', () => {
  const end = collectMessages()
  assert.equal((globalThis as { gc?: unknown }).gc, undefined)
  end()
})
