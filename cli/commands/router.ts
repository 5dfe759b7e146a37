import { Option } from 'commander'
import { componentCommand } from '../component-command.js'
import { createCommand, type Examples } from '../create-command.js'
import { resolveComponent, shipped } from '../resolve.js'

const EXAMPLES: Examples = [
  ['eventstorm router', 'both sides on their default ports'],
  ['eventstorm router --bind-sources tcp://0.0.0.0:5555', 'take events from other machines'],
  ['eventstorm router --connect-sources tcp://10.0.0.5:5556', 'take events from another router'],
  ['eventstorm router --connect-sinks tcp://10.0.0.6:5555', 'hand events to another router'],
]

/** Which options there are depends on `--use`, so that is looked for first and the rest is read by its command. */
export const routerCommand = () =>
  createCommand('router')
    .description('Run a router: sources dial in at one side, sinks at the other.')
    .usage('[options]')
    .argument('[options...]')
    .allowUnknownOption()
    .helpOption(false)
    .action(async (_words: string[], _options: object, outer: { args: string[] }) => {
      const use = used(outer.args)
      const definition = await resolveComponent('router', use)
      const command = componentCommand('eventstorm router', definition, EXAMPLES)
      command.addOption(
        new Option(
          '--use <component>',
          `What decides which messages pass: ${shipped('router').join(', ')}, a path or a package.`,
        )
          .default('forward')
          .helpGroup('Options of the process:'),
      )
      await command.parseAsync(outer.args, { from: 'user' })
    })

function used(args: string[]): string {
  for (const [i, arg] of args.entries()) {
    if (arg === '--use') return args[i + 1] ?? 'forward'
    if (arg.startsWith('--use=')) return arg.slice('--use='.length)
  }
  return 'forward'
}
