import type { Command } from 'commander'
import {
  type AnyDefinition,
  checkOptions,
  EventstormError,
  type OptionSchema,
  type Problem,
  z,
} from '../lib/index.js'
import { createCommand } from './create-command.js'
import { addFlags, flagName, readFlags } from './flags.js'
import { createLog, LOG_LEVELS } from './logging.js'
import { serveMetrics } from './metrics.js'
import { checkPart, FRAMEWORK_OPTIONS, type Part, type RunningPart, startPart } from './part.js'
import { type Job, run } from './run.js'

/** What every command that runs components takes. */
export const processOptions = z.strictObject({
  logLevel: z
    .enum(LOG_LEVELS)
    .default('info')
    .meta({ description: 'How much is logged to stderr.', argument: 'level' }),
  metrics: z.int().min(1).max(65535).optional().meta({
    description: 'Serve /metrics (Prometheus) and /healthz on this port of 127.0.0.1.',
    argument: 'port',
  }),
})

export type ProcessOptions = z.output<typeof processOptions>

const nameOptions = z.strictObject({
  name: z.string().min(1).optional().meta({
    description: "What it is called in logs and metrics. Default: the component's name.",
    argument: 'name',
  }),
})

/** The command of one component, with the flags that its descriptions say. */
export function componentCommand(title: string, definition: AnyDefinition, examples = ''): Command {
  const command = createCommand(title).description(definition.summary)
  const schemas: [string, OptionSchema][] = [
    [`Options of ${definition.name}:`, definition.options],
    [`Options of every ${definition.kind}:`, without(FRAMEWORK_OPTIONS[definition.kind], definition.options)],
    ['Options of the process:', z.strictObject({ ...nameOptions.shape, ...processOptions.shape })],
  ]
  for (const [heading, schema] of schemas) addFlags(command, heading, schema)
  if (examples) command.addHelpText('after', `\nExamples:\n${examples}`)
  return command.action(async () => {
    const settings = checked(processOptions, readFlags(command, processOptions))
    const { name = definition.name } = checked(nameOptions, readFlags(command, nameOptions))
    const given = Object.assign({}, ...schemas.slice(0, 2).map(([, schema]) => readFlags(command, schema)))
    const { part, problems } = checkPart(definition, name, given)
    if (!part) throw usageError(problems)
    await runParts([part], settings)
  })
}

/** Starts parts, serves their metrics, and stops them when their time has come. */
export async function runParts(
  parts: readonly Part[],
  settings: ProcessOptions,
  onRunning: (running: readonly { part: Part; running: RunningPart }[]) => void = () => {},
): Promise<void> {
  const log = createLog({ level: settings.logLevel })
  const jobs = parts.map((part): Job & { part: Part } => ({
    part,
    kind: part.definition.kind,
    name: part.name,
    start: () => startPart(part, log.of(part.name)),
  }))
  await run(jobs, {
    log,
    async onRunning(running) {
      onRunning(jobs.map((job) => ({ part: job.part, running: running.get(job)! })))
      for (const [job, each] of running) announce(log.of(job.name), job, each)
      if (settings.metrics === undefined) return undefined
      const observed = jobs.map((job) => ({ kind: job.kind, name: job.name, running: running.get(job)! }))
      return serveMetrics(settings.metrics, observed)
    },
  })
}

function announce(log: ReturnType<ReturnType<typeof createLog>['of']>, job: Job, running: RunningPart): void {
  const { endpoints, sourceEndpoints, sinkEndpoints } = running
  const where = {
    ...(endpoints?.length ? { listening: endpoints } : {}),
    ...(sourceEndpoints ? { sources: sourceEndpoints } : {}),
    ...(sinkEndpoints ? { sinks: sinkEndpoints } : {}),
  }
  log.info(where, `${job.kind} runs`)
}

/** Checks what the flags of a command gave. @throws OPTIONS_INVALID with the names of the flags */
export function checked<S extends OptionSchema>(schema: S, given: unknown): z.output<S> {
  const { options, problems } = checkOptions(schema, given)
  if (options) return options
  throw usageError(problems)
}

function usageError(problems: Problem[]): EventstormError {
  const told = problems.map(({ path, message }) =>
    path.length > 0 ? `${flagName(path[0]!)}: ${message}` : message,
  )
  return new EventstormError('OPTIONS_INVALID', told.join('; '))
}

/** The framework's options but for those that the component describes itself. */
function without(schema: OptionSchema, own: OptionSchema): OptionSchema {
  const shape = Object.entries(schema.shape).filter(([key]) => !Object.hasOwn(own.shape, key))
  return z.strictObject(Object.fromEntries(shape))
}
