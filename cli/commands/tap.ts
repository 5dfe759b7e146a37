import { attach, duration, pause, type SinkDefinition, sinkOptions, systemClock, z } from '../../lib/index.js'
import { checked, usageError } from '../grammar/component-command.js'
import { addExamples, createCommand, type Examples } from '../grammar/create-command.js'
import { endOptions } from '../grammar/end-options.js'
import { addFlags, readFlags } from '../grammar/flags.js'
import { lateCommand } from '../grammar/late-command.js'
import { quietLog } from '../grammar/process-options.js'
import { limited } from '../limited.js'
import { createLog } from '../logging.js'
import { checkPart, type Part } from '../pipeline/part.js'
import { resolveComponent } from '../resolve.js'
import { run } from '../run/run.js'

const wire = z.strictObject(sinkOptions.pick(endOptions).shape)

const tapOptions = z.strictObject({
  limit: z.int().min(1).optional().meta({ description: 'End after so many events.', argument: 'n' }),
  for: duration().optional().meta({ description: 'End after so long.' }),
  ...quietLog,
})

const DESCRIPTION = 'Show live events: lines for people on a terminal, NDJSON when piped.'

const EXAMPLES: Examples = [
  ['eventstorm tap', 'everything that passes the router on this machine'],
  ["eventstorm tap 'http.**' 'cpu.*'", 'some types'],
  ['eventstorm tap http.hit --limit 100 | jq .data.status', 'a hundred events, as JSON'],
  ['eventstorm tap --connect tcp://10.0.0.5:5556 --for 10s', 'ten seconds of another machine'],
]

/** Its lines are those of the stdout sink, and so are some of its options. */
export const tapCommand = () =>
  lateCommand('tap', DESCRIPTION, async () => {
    const definition = await resolveComponent('sink', 'stdout')
    const command = createCommand('eventstorm tap')
      .description(DESCRIPTION)
      .argument('[patterns...]', "event types such as http.hit, cpu.* or 'http.**' (default: everything)")
      .action(async (patterns: string[]) => {
        const given = { ...readFlags(command, wire), ...readFlags(command, definition.options) }
        const subscribe = patterns.length > 0 ? { subscribe: patterns } : {}
        const { part, problems } = checkPart(definition, 'tap', { ...given, ...subscribe })
        if (!part) {
          // Nobody wrote --subscribe.
          throw usageError(
            problems.map((each) => (each.path[0] === 'subscribe' ? { ...each, path: [] } : each)),
          )
        }
        await tap(part, definition, checked(tapOptions, readFlags(command, tapOptions)))
      })
    for (const schema of [tapOptions, definition.options, wire]) addFlags(command, 'Options:', schema)
    return addExamples(command, EXAMPLES)
  })

async function tap(
  part: Part,
  definition: SinkDefinition,
  settings: z.output<typeof tapOptions>,
): Promise<void> {
  const log = createLog({ level: settings.logLevel })
  let enough!: () => void
  const until = new Promise<void>((resolve) => {
    enough = resolve
  })
  const sink = limited(definition.create(part.own), settings.limit ?? Number.POSITIVE_INFINITY, enough)
  if (settings.for !== undefined) void pause(systemClock, settings.for).then(enough)
  const start = () => attach(sink, { ...part.framework, name: 'tap', log: log.of('tap') })
  await run([{ kind: 'sink', name: 'tap', start }], { log, until })
}
