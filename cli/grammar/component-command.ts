import type { Command } from 'commander'
import {
  type AnyDefinition,
  checkOptions,
  EventstormError,
  type OptionSchema,
  type Problem,
  z,
} from '../../lib/index.js'
import { checkPart, frameworkOptions } from '../pipeline/part.js'
import { runPipeline } from '../run/run-pipeline.js'
import { addExamples, createCommand, type Examples } from './create-command.js'
import { addFlags, flagName, readFlags } from './flags.js'
import { processOptions } from './process-options.js'

const nameOptions = z.strictObject({
  name: z.string().min(1).optional().meta({
    description: "What it is called in logs and metrics. Default: the component's name.",
    argument: 'name',
  }),
})

/** Whoever started it starts it again. */
const WITHOUT_RESTARTS = { restartWait: 0, maxRestartWait: 0, maxRestarts: 0 }

/** The command of one component, with the flags that its descriptions say. */
export function componentCommand(title: string, definition: AnyDefinition, examples: Examples = []): Command {
  const command = createCommand(title).description(definition.summary)
  const schemas: [string, OptionSchema][] = [
    [`Options of ${definition.name}:`, definition.options],
    [`Options of every ${definition.kind}:`, without(frameworkOptions(definition), definition.options)],
    ['Options of the process:', z.strictObject({ ...nameOptions.shape, ...processOptions.shape })],
  ]
  for (const [heading, schema] of schemas) addFlags(command, heading, schema)
  addExamples(command, examples)
  return command.action(async () => {
    const settings = checked(processOptions, readFlags(command, processOptions))
    const { name = definition.name } = checked(nameOptions, readFlags(command, nameOptions))
    const given = Object.assign({}, ...schemas.slice(0, 2).map(([, schema]) => readFlags(command, schema)))
    const { part, problems } = checkPart(definition, name, given)
    if (!part) throw usageError(problems)
    await runPipeline({ parts: [part], settings: { ...settings, ...WITHOUT_RESTARTS } })
  })
}

/** Checks what the flags of a command gave. @throws OPTIONS_INVALID with the names of the flags */
export function checked<S extends OptionSchema>(schema: S, given: unknown): z.output<S> {
  const { options, problems } = checkOptions(schema, given)
  if (options) return options
  throw usageError(problems)
}

/** OPTIONS_INVALID that names flags. */
export function usageError(problems: Problem[]): EventstormError {
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
