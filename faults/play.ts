import { seeded } from '../testing/index.js'
import { Bus, MAX_GROWTH, type Outcome } from './bus.js'
import type { Scenario } from './scenario.js'

export interface Played extends Outcome {
  scenario: string
  /** What was wrong, beside a balance that is not 0. */
  fault?: string
}

/** Plays a scenario to its end, whatever happens, and says what it came to. */
export async function play(scenario: Scenario, seed: number, long: boolean): Promise<Played> {
  await using bus = new Bus()
  let fault: string | undefined
  try {
    await scenario.run(bus, { random: seeded(seed), times: (short, many) => (long ? many : short) })
  } catch (error) {
    fault = (error as Error).message
  }
  const outcome = await bus.settle()
  if (!outcome.settled) fault ??= `the books were not closed: ${outcome.open}`
  if (outcome.grown > MAX_GROWTH) fault ??= `a process has grown by ${outcome.grown} bytes`
  return { scenario: scenario.name, ...outcome, ...(fault !== undefined && { fault }) }
}
