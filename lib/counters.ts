import { balance, type CounterInfos, level, total } from './counter-info.js'

/** What an end counts of those that dial it, or that it dials. */
const connections = (where: string) =>
  total(
    `Connections${where}: opened, connected (the handshake succeeded), disconnected, refused; timedOut, overCount and overRate are parts of refused.`,
  )

const resets = total(
  'Times that sockets were closed and opened again, because of maxMemory or a list of keys.',
)

const malformed = total(
  'Messages that were not what the protocol says: frames, topic, header, version, events, overlap.',
)

/** What is received, numbered by the sources. */
const receiving = {
  received: total('Events that came and were new.'),
  lost: balance('Events that were sent and have not come; those that come late are taken off again.'),
  late: total('Events that came after they had been counted as lost; part of received.'),
  duplicate: total('Events that came again and were discarded.'),
  streams: level('Streams (source, incarnation, type) whose numbers are remembered.'),
  forgottenStreams: total('Streams that were forgotten to stay within maxStreams.'),
  heartbeats: total('Heartbeats of streams that passed.'),
  malformed,
  forbidden: total('Messages of types that the list of keys at their endpoint does not allow.'),
  resets,
}

const publishing = {
  subscriptions: level('Prefixes of types that somebody wants.'),
  limitedSubscriptions: total(
    'Subscriptions not told apart: longer than maxTopicBytes, or beyond maxSubscriptions.',
  ),
  foreign: total('Frames from subscribers that were no subscriptions.'),
}

/** What every source counts. */
export const SOURCE_COUNTERS: CounterInfos = {
  emitted: total('Events that the component, or the application, has emitted.'),
  sent: total('Events handed to ZeroMQ, and thus numbered.'),
  unwanted: total('Events that nobody had asked for; they were not encoded.'),
  dropped: total('Events not sent because the source was closed, or beyond maxTypes.'),
  told: total("The source's own events, hints and reports; not part of sent."),
  bytes: total('Bytes of the messages sent.'),
  batches: total('Messages sent, heartbeats left out.'),
  heartbeats: total('Heartbeats sent.'),
  connections: connections(''),
  ...publishing,
  resets,
}

/** What every router counts. */
export const ROUTER_COUNTERS: CounterInfos = {
  messagesIn: total('Messages that came from the sources, of any kind.'),
  bytesIn: total('Bytes that came from the sources.'),
  messagesOut: total('Messages passed on.'),
  eventsOut: total('Events passed on.'),
  bytesOut: total('Bytes passed on.'),
  filtered: total("Events kept back by the router's component."),
  ...receiving,
  ...publishing,
  sourceConnections: connections(' at the side of the sources'),
  sinkConnections: connections(' at the side of the sinks'),
}

/** What every sink counts, and a subscription too, as far as it has it. */
export const SINK_COUNTERS: CounterInfos = {
  messages: total('Messages that came, of any kind.'),
  bytes: total('Bytes that came.'),
  ...receiving,
  unmatched: total('Messages of types that share a subscribed prefix but were not asked for.'),
  connections: connections(''),
  written: total('Events that were written.'),
  writes: total('Calls of write that succeeded.'),
  alreadyStored: total('Events that the store had already, from an attempt whose answer was lost.'),
  dropped: total(
    'Events received and not written: overflow (the queue was full), failed (after all retries), rejected (by the store), undecodable, shutdown.',
  ),
  queued: level('Events waiting or being written.'),
  queuedBytes: level('Bytes waiting to be written.'),
  retried: total('Further attempts at a write.'),
  reconnected: total('Times that the sink was opened again.'),
  state: level('How the sink is: 1 for the state it is in, of connecting, up, slow and down.'),
  taken: total('Events handed to the loop that reads a subscription.'),
}
