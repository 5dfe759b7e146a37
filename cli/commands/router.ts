import { Option } from 'commander'
import { EventstormError, show } from '../../lib/index.js'
import { componentCommand } from '../grammar/component-command.js'
import type { Examples } from '../grammar/create-command.js'
import { lateCommand } from '../grammar/late-command.js'
import { resolveComponent, shipped } from '../resolve.js'

const EXAMPLES: Examples = [
  ['eventstorm router', 'both sides on their default ports'],
  [
    'eventstorm router --bind-sources tcp://0.0.0.0:5555 --key router.key --allow-sources sources.allow',
    'take events from other machines',
  ],
  ['eventstorm router --connect-sources tcp://10.0.0.5:5556', 'take events from another router'],
  ['eventstorm router --connect-sinks tcp://10.0.0.6:5555', 'hand events to another router'],
]

/** What decides which messages pass is looked for first; the rest is read by its command. */
export const routerCommand = () =>
  lateCommand('router', 'Run a router: sources dial in at one side, sinks at the other.', async (args) => {
    const [word] = args
    if (word !== undefined && !word.startsWith('-')) {
      throw new EventstormError(
        'OPTIONS_INVALID',
        `expected options, got ${show(word)}; which router it is stands behind --use: eventstorm router --use ${word}`,
      )
    }
    const definition = await resolveComponent('router', used(args))
    const use = `What decides which messages pass: ${shipped('router').join(', ')}, a path or a package.`
    return componentCommand('eventstorm router', definition, EXAMPLES).addOption(
      new Option('--use <component>', use).default('forward').helpGroup('Options of the process:'),
    )
  })

function used(args: string[]): string {
  for (const [i, arg] of args.entries()) {
    if (arg === '--use') return args[i + 1] ?? 'forward'
    if (arg.startsWith('--use=')) return arg.slice('--use='.length)
  }
  return 'forward'
}
