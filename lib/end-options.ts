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

/** Sources and routers send. */
export const publishing = {
  sendHighWaterMark: z
    .int()
    .min(1)
    .default(1000)
    .meta({ description: 'Messages held for each slow subscriber, before it loses some.' }),
  drainTimeout: duration()
    .prefault('2s')
    .meta({ description: 'How long a drain may go on sending what is still held.' }),
}

/** Routers and sinks receive. */
export const receiving = {
  maxMessageBytes: byteSize()
    .prefault('4MiB')
    .meta({ description: 'Largest message taken; a peer that sends a larger one is disconnected.' }),
  maxMemory: byteSize().prefault('1GiB').meta({
    description:
      'Memory of the process above which waiting messages are dropped when they come in faster than they can be read. 0: no bound.',
  }),
  maxStreams: z
    .int()
    .min(1)
    .default(100_000)
    .meta({ description: 'Streams whose numbers are remembered; beyond it the quietest are forgotten.' }),
}
