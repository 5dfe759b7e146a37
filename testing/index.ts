/** What tests of components, ours and others', are made with. */
export { ControlledClock } from './clock.js'
export { freeEndpoint, TRANSPORTS, type Transport } from './endpoints.js'
export { seeded } from './random.js'
export { Remote } from './remote.js'
export { type CheckOptions, checkReader, type Question } from './store-reader.js'
export { until } from './until.js'
