import type { Command } from 'commander'
import { componentCommand } from './component-command.js'
import { createCommand } from './create-command.js'
import { type Kind, resolveComponent, shipped } from './resolve.js'

/**
 * `source <name>` and `sink <name>`: which flags there are depends on the component, so the first word picks
 * it, and a command made from its descriptions reads the rest.
 */
export function namedCommand(
  kind: Kind,
  { description, examples }: { description: string; examples: (name: string) => string },
): Command {
  const names = shipped(kind)
  return createCommand(kind)
    .description(description)
    .argument(
      '<name>',
      `a shipped ${kind} (${names.join(', ')}), a path such as ./my-${kind}.js, or a package`,
    )
    .argument('[options...]', `its options; see eventstorm ${kind} <name> --help`)
    .usage('<name> [options]')
    .passThroughOptions()
    .addHelpText('after', `\nExamples:\n${examples(names[0]!)}\n  $ eventstorm ${kind} ${names[0]} --help`)
    .action(async (name: string, rest: string[]) => {
      const definition = await resolveComponent(kind, name)
      const command = componentCommand(`eventstorm ${kind} ${name}`, definition, examples(name))
      await command.parseAsync(rest, { from: 'user' })
    })
}
