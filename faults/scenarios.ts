import { clocks } from './clocks.js'
import { crowd } from './crowd.js'
import { disk } from './disk.js'
import { network } from './network.js'
import { processFaults } from './processes.js'
import type { Scenario } from './scenario.js'
import { ways } from './ways.js'

export const scenarios: readonly Scenario[] = [
  ...processFaults,
  ...crowd,
  ...clocks,
  ...disk,
  ...ways,
  ...network,
]
