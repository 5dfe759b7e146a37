import { MAX_TYPE_BYTES } from './event.js'
import { byteSize, duration, z } from './options.js'

/*
 * Options that sources, routers and sinks share because they have the same kind of ends. Each takes what it has:
 * `z.strictObject({ ...dialling, ...publishing, ... })`.
 */

/** Every end dials. */
export const dialling = {
  reconnectInterval: duration()
    .prefault('1s')
    .meta({ description: 'First wait before dialling again; doubles up to 10s.' }),
}

/** Every end has bounds against strangers, and against mistakes. */
export const bounding = {
  maxMemory: byteSize().prefault('1GiB').meta({
    description:
      'Memory of the process above which what waits in ZeroMQ is dropped, when it comes in faster than it can be read, never ends, or is subscriptions beyond maxSubscriptions. 0: no bound.',
  }),
  maxTopicBytes: z
    .int()
    .min(1)
    .max(MAX_TYPE_BYTES)
    .default(MAX_TYPE_BYTES)
    .meta({ description: 'Longest event type taken, and longest prefix that a subscription asks for.' }),
  handshakeTimeout: duration().pipe(z.number().min(10)).prefault('5s').meta({
    description: 'How long a peer may take to say who it is, before it is disconnected.',
    argument: 'time',
  }),
  maxConnections: z.int().min(1).default(2000).meta({
    description:
      'Peers at an endpoint that is bound; without keys, at all of one side together. Further ones are refused, and try again.',
  }),
  maxConnectionRate: z.int().min(1).default(500).meta({
    description:
      'Connections a second by which one key may come to an endpoint. Further ones are refused, and try again.',
  }),
}

/** Sources and routers send. */
export const publishing = {
  sendHighWaterMark: z
    .int()
    .min(1)
    .default(1000)
    .meta({ description: 'Messages held for each slow subscriber, before it loses some.' }),
  maxSubscriptions: z.int().min(1).default(10_000).meta({
    description: 'Subscribed prefixes told apart; beyond it everything is sent, and asked for.',
  }),
  drainTimeout: duration()
    .prefault('2s')
    .meta({ description: 'How long a drain may go on sending what is still held.' }),
}

/** Routers and sinks receive. */
export const receiving = {
  maxMessageBytes: byteSize()
    .prefault('4MiB')
    .meta({ description: 'Largest message taken; a peer that sends a larger one is disconnected.' }),
  maxStreams: z
    .int()
    .min(1)
    .default(100_000)
    .meta({ description: 'Streams whose numbers are remembered; beyond it the quietest are forgotten.' }),
}
