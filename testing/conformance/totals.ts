import assert from 'node:assert/strict'
import type { Counters, Running, SinkCounters } from '../../lib/index.js'
import type { FaultyRouter } from '../faulty-router.js'

/** Checks that every counter is a number of things, or a record of such. */
export function checkCounters(running: Pick<Running, 'counters'>): void {
  const check = (counters: Counters, path: string) => {
    for (const [name, value] of Object.entries(counters)) {
      if (typeof value === 'object') check(value, `${path}${name}.`)
      else assert.ok(Number.isFinite(value) && value >= 0, `the counter ${path}${name} is ${value}`)
    }
  }
  check(running.counters(), '')
}

/** Events that were received and not written, for whatever reason. */
export const droppedBy = ({ dropped }: Pick<SinkCounters, 'dropped'>): number =>
  Object.values(dropped).reduce((sum, count) => sum + count, 0)

/** Checks that a sink accounts for every event it has received, which holds at any moment. */
export function checkBalance(counters: SinkCounters): void {
  const { received, written, alreadyStored, queued } = counters
  assert.equal(
    received,
    written + alreadyStored + droppedBy(counters) + queued,
    `received = written + alreadyStored + dropped + queued: ${JSON.stringify(counters)}`,
  )
}

/**
 * How many events of applications a router knows to have been sent to it. Routers side by side have each a pace of its own:
 * what a sink has may have come by one of them, while the other has it still before itself.
 */
export function knownTo(router: FaultyRouter): number {
  let sum = 0
  for (const { type, standing } of router.streams()) if (!type.startsWith('_')) sum += standing.next
  return sum
}
