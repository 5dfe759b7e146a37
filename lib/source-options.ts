import { MAX_BSON_BYTES } from './codec/codec.js'
import { bounding, dialling, publishing } from './end-options.js'
import { isSourceName, MAX_SOURCE_BYTES } from './event.js'
import { byteSize, duration, list, z } from './options.js'
import { DEFAULT_SOURCES_ENDPOINT } from './sockets/endpoint.js'
import { allowLists, securing, serverKeys } from './sockets/security.js'

/** What can be set of an EventSource. */
export const sourceOptions = z.strictObject({
  source: z
    .string()
    .refine(isSourceName, `expected 1 to ${MAX_SOURCE_BYTES} bytes without control characters`)
    .optional()
    .meta({
      description: 'Who emits, as sinks see it. Default: the host name, for components with their name.',
      argument: 'name',
    }),
  connect: list().meta({
    description: `Router or sink to dial, repeatable. Default, when nothing is bound: ${DEFAULT_SOURCES_ENDPOINT}.`,
    argument: 'endpoint',
  }),
  bind: list().meta({
    description: 'Endpoint to listen on for routers and sinks, repeatable.',
    argument: 'endpoint',
  }),
  linger: duration().prefault(0).meta({
    description:
      'How long an event may wait for company in its message. 0: until the end of the turn of the event loop.',
  }),
  batchEvents: z.int().min(1).default(1000).meta({ description: 'Events in one message at most.' }),
  batchBytes: byteSize().prefault('64KiB').meta({ description: 'Size at which a message is sent at once.' }),
  maxEventBytes: byteSize().pipe(z.number().max(MAX_BSON_BYTES)).prefault('1MiB').meta({
    description:
      'Largest event; a larger one is refused. Above 4MiB routers and sinks need a larger maxMessageBytes too.',
    argument: 'size',
  }),
  maxTypes: z
    .int()
    .min(1)
    .default(100_000)
    .meta({ description: 'Event types at most; events of further ones are dropped and counted.' }),
  heartbeat: duration().pipe(z.number().min(10)).prefault('1s').meta({
    description: 'Time between heartbeats, which make a loss at the end of a stream visible.',
    argument: 'time',
  }),
  ...publishing,
  ...dialling,
  ...bounding,
  serverKey: serverKeys('what is dialled'),
  allow: allowLists('what is bound'),
  ...securing,
})
