/** The front door: public names only. */
export { columnsOf, compareKeys, percentile } from './ask/answer.js'
export { type Answer, ask } from './ask/ask.js'
export {
  type Comparison,
  type EventQuery,
  type Field,
  type Measure,
  parseField,
  parseQuery,
  type QueryAnswer,
  queryOptions,
  type StoreReader,
} from './ask/query.js'
export {
  Audit,
  type AuditedSink,
  type AuditedSource,
  type AuditedStream,
  type AuditedTotals,
  type SinkHealth,
} from './audit.js'
export type { Vitality } from './audit-member.js'
export { backOff } from './back-off.js'
export { EventBatch } from './batch.js'
export { type Clock, pause, systemClock } from './clock.js'
export { type DataWriter, dataFromJson, dataToJson, eventToJson, NO_ROOM, UNUSUAL } from './codec/codec.js'
export type { EventView } from './codec/event-view.js'
export { relaxCollector } from './collector.js'
export {
  type AnyDefinition,
  type Context,
  defineRouter,
  defineSink,
  defineSource,
  type Emit,
  type EventSink,
  type FoundParser,
  type LineParser,
  type LineWriter,
  type Logger,
  type RouterComponent,
  type RouterDefinition,
  type Running,
  type SinkContext,
  type SinkDefinition,
  type SinkFigures,
  type SourceComponent,
  type SourceContext,
  type SourceDefinition,
  type Status,
  silent,
  type Written,
} from './component.js'
export {
  addCounters,
  balance,
  type CounterInfo,
  type CounterInfos,
  type Counters,
  level,
  type Nature,
  total,
} from './counter-info.js'
export { ROUTER_COUNTERS, SINK_COUNTERS, SOURCE_COUNTERS } from './counters.js'
export {
  codeOf,
  ERRORS,
  type ErrorCode,
  EventstormError,
  reason,
  SinkError,
  type Steer,
  show,
} from './errors.js'
export { type Data, isStormEvent, isTypeName, type NewEvent, type StormEvent } from './event.js'
export { type FieldHint, hintType, readHint, type TypeHint, typeOfHint } from './hint.js'
export { Lifecycle } from './lifecycle.js'
export type { LossCounters, Stream, Verdict } from './loss.js'
export {
  byteSize,
  checkOptions,
  didYouMean,
  duration,
  list,
  listOptions,
  type OptionInfo,
  type OptionSchema,
  optionsJsonSchema,
  optionsTable,
  type Problem,
  parseOptions,
  showDefault,
  z,
} from './options.js'
export { compilePattern, compilePatterns, type Pattern, type PatternSet } from './pattern.js'
export { type ReceiverCounters, receiverOptions } from './receiver.js'
export { EventRouter, type RouterCounters, type RouterOptions, routerOptions } from './router.js'
export {
  type Ambient,
  type AttachedSink,
  attach,
  type DropReason,
  type SinkCounters,
  type SinkOptions,
  type SinkState,
  startSink,
} from './sink.js'
export { sinkOptions } from './sink-options.js'
export type { WriterState } from './sink-writer.js'
export type { ConnectionCounters } from './sockets/connections.js'
export {
  checkEndpoint,
  DEFAULT_SINKS_ENDPOINT,
  DEFAULT_SOURCES_ENDPOINT,
  isReachable,
} from './sockets/endpoint.js'
export { isKey, type KeyPair, newKeyPair } from './sockets/keys.js'
export {
  type EmitOptions,
  EventSource,
  type SourceCounters,
  type SourceOptions,
} from './source.js'
export { sourceOptions } from './source-options.js'
export { type StartedSource, type StartSourceOptions, startSource } from './start-source.js'
export {
  type SubscribeOptions,
  type Subscription,
  type SubscriptionCounters,
  subscribe,
  subscribeOptions,
} from './subscribe.js'
export { type Malformation, type Message, PROTOCOL_VERSION } from './wire.js'
