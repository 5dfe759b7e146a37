import { clocks } from './clocks.js'
import { crowd } from './crowd.js'
import { network } from './network.js'
import { processFaults } from './processes.js'
import type { Scenario } from './scenario.js'

export const scenarios: readonly Scenario[] = [...processFaults, ...crowd, ...clocks, ...network]
