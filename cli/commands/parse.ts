import { checkOptions, EventstormError, type SourceDefinition, show } from '../../lib/index.js'
import { usageError } from '../grammar/component-command.js'
import { addExamples, createCommand } from '../grammar/create-command.js'
import { addFlags, readFlags } from '../grammar/flags.js'
import { parseLog } from '../parse-log.js'
import { resolveComponent } from '../resolve.js'

export const parseCommand = () =>
  addExamples(
    createCommand('parse')
      .description("Run a log source's parser over a file, with no network: an event a line, as JSON.")
      .argument('<source>', 'a log source: shipped, a path or a package')
      .argument('[options...]', 'a file (.gz too) or - for standard input, and the options of the source')
      .usage('<source> [file|-] [options]')
      .passThroughOptions()
      .action(async (name: string, rest: string[]) => {
        const definition = await resolveComponent('source', name)
        await parserCommand(`eventstorm parse ${name}`, definition).parseAsync(rest, { from: 'user' })
      }),
    [
      ['eventstorm parse nginx access.log', 'the last line, on stderr, counts lines and events'],
      ['zcat access.log.*.gz | eventstorm parse nginx - | wc -l', ''],
      ['eventstorm parse nginx --help', 'the options of the source, such as --format'],
    ],
  )

function parserCommand(title: string, definition: SourceDefinition) {
  const command = createCommand(title)
    .description(definition.summary)
    .argument('[file]', 'a file (.gz too), or - for standard input', '-')
    .action(async (file: string) => {
      if (definition.parser === undefined) {
        throw new EventstormError(
          'COMPONENT_INVALID',
          `expected a source that reads a log, but ${show(definition.name)} has no parser`,
        )
      }
      const { options, problems } = checkOptions(definition.options, readFlags(command, definition.options))
      if (options === undefined) throw usageError(problems)
      const { lines, events, unparsed } = await parseLog(definition.parser(options), file)
      process.stderr.write(`lines=${lines} events=${events} unparsed=${unparsed}\n`)
    })
  addFlags(command, `Options of ${definition.name}:`, definition.options)
  return command
}
