import { z } from '../lib/index.js'
import { LOG_LEVELS, type LogLevel } from './logging.js'

const logLevel = (initial: LogLevel) =>
  z
    .enum(LOG_LEVELS)
    .default(initial)
    .meta({ description: 'How much is logged to stderr.', argument: 'level' })

/** For commands whose output is what people look at. */
export const quietLog = { logLevel: logLevel('warn') }

/** What every process takes that runs components, on the command line and at the top of a pipeline file. */
export const processOptions = z.strictObject({
  logLevel: logLevel('info'),
  metrics: z.int().min(1).max(65535).optional().meta({
    description: 'Serve /metrics (Prometheus) and /healthz on this port of 127.0.0.1.',
    argument: 'port',
  }),
})

export type ProcessOptions = z.output<typeof processOptions>
