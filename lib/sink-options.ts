import { byteSize, duration, list, z } from './options.js'
import { receiverOptions } from './receiver.js'
import { DEFAULT_SOURCES_ENDPOINT } from './sockets/endpoint.js'

/** Bounds of the queue between the socket and whoever takes the batches. */
export const queueOptions = z.strictObject({
  queueEvents: z.int().min(1).default(100_000).meta({ description: 'Events held for a slow sink at most.' }),
  queueBytes: byteSize().prefault('64MiB').meta({ description: 'Bytes held for a slow sink at most.' }),
  queueDrop: z
    .enum(['newest', 'oldest'])
    .default('newest')
    .meta({ description: 'Which events go when the queue is full.', argument: 'which' }),
  batchEvents: z.int().min(1).default(1000).meta({ description: 'Events in one write at most, about.' }),
  batchBytes: byteSize().prefault('1MiB').meta({ description: 'Bytes in one write at most, about.' }),
})

/** What can be set of an attached sink, beside its own options. */
export const sinkOptions = z.strictObject({
  ...receiverOptions.shape,
  ...queueOptions.shape,
  batchWait: duration().prefault(0).meta({
    description: 'How long a write may wait until its batch is full. 0: what is there goes at once.',
  }),
  retries: z
    .int()
    .min(0)
    .default(5)
    .meta({ description: 'Further attempts at a write that failed, before its batch is dropped.' }),
  retryWait: duration()
    .prefault('100ms')
    .meta({ description: 'Wait before the first further attempt; doubles up to 30s, with jitter.' }),
  writeTimeout: duration()
    .prefault('30s')
    .meta({ description: 'How long one write may take before its signal aborts.' }),
  report: list().meta({
    description: `Sources' side of a router that is told what arrived here, for top --audit. Default: ${DEFAULT_SOURCES_ENDPOINT} when nothing else is dialled or bound.`,
    argument: 'endpoint',
  }),
  drainTimeout: duration()
    .prefault('5s')
    .meta({ description: 'How long a drain may go on writing what is queued.' }),
})
