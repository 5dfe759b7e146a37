/** What tests of components and of pipelines, ours and others', are made with. */
export { ControlledClock } from './clock.js'
export { CollectingSink } from './collecting-sink.js'
export type { Check } from './conformance/check.js'
export type {
  RouterConformance,
  Scene,
  SinkConformance,
  SourceAt,
  SourceConformance,
  StoredEvent,
} from './conformance/conformance.js'
export { conformsAsLogSource, type LogSourceConformance } from './conformance/log-source.js'
export { conformsAsRouter } from './conformance/router.js'
export { conformsAsSink } from './conformance/sink.js'
export { conformsAsSource } from './conformance/source.js'
export { freeEndpoint, TRANSPORTS, type Transport } from './endpoints.js'
export { FaultyRouter } from './faulty-router.js'
export { held, heldAtRest, nothingLeft } from './held.js'
export { ManualSource } from './manual-source.js'
export { TestPipeline, type TestPipelineOptions, testPipeline } from './pipeline.js'
export { TcpProxy, type Weather } from './proxy.js'
export { seeded } from './random.js'
export { type LogLine, type RecordingLog, recordingLog } from './recording-log.js'
export { Remote } from './remote.js'
export { type CheckOptions, checkReader, type Question } from './store-reader.js'
export { until } from './until.js'
