import { duration, z } from '../../lib/index.js'
import { LOG_LEVELS, type LogLevel } from '../logging.js'

const logLevel = (initial: LogLevel) =>
  z
    .enum(LOG_LEVELS)
    .default(initial)
    .meta({ description: 'How much is logged to stderr.', argument: 'level' })

/** For commands whose output is what people look at. */
export const quietLog = { logLevel: logLevel('warn') }

/** What every process takes that runs components. */
export const processOptions = z.strictObject({
  logLevel: logLevel('info'),
  metrics: z.int().min(1).max(65535).optional().meta({
    description: 'Serve /metrics (Prometheus), /livez and /readyz on this port of 127.0.0.1.',
    argument: 'port',
  }),
})

/** What a pipeline takes besides its components: at the top of its file, and on the command line of `up`. */
export const pipelineOptions = z.strictObject({
  ...processOptions.shape,
  restartWait: duration().prefault('1s').meta({
    description:
      'Wait before a component that failed is started again; doubles with each failure, with jitter.',
    argument: 'time',
  }),
  maxRestartWait: duration().prefault('1m').meta({
    description:
      'Longest wait before a component is started again. One that ran for longer begins with restartWait.',
    argument: 'time',
  }),
  maxRestarts: z.int().min(0).optional().meta({
    description:
      'Failures in a row that a component gets over, before the whole program ends as failed. Default: any number.',
  }),
})

export type PipelineOptions = z.output<typeof pipelineOptions>
