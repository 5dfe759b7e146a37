import type { Command } from 'commander'
import { type Kind, resolveComponent, shipped } from '../resolve.js'
import { componentCommand } from './component-command.js'
import { addExamples, createCommand, type Examples } from './create-command.js'

/**
 * `source <name>` and `sink <name>`: which flags there are depends on the component, so the first word picks
 * it, and a command made from its descriptions reads the rest.
 */
export function namedCommand(
  kind: Kind,
  {
    description,
    specimen,
    examples,
  }: {
    description: string
    /** A shipped one that runs anywhere, for the examples. */
    specimen: string
    examples: (name: string) => Examples
  },
): Command {
  const names = shipped(kind)
  const command = createCommand(kind)
    .description(description)
    .argument(
      '<name>',
      `a shipped ${kind} (${names.join(', ')}), a path such as ./my-${kind}.js, or a package`,
    )
    .argument('[options...]', `its options; see eventstorm ${kind} <name> --help`)
    .usage('<name> [options]')
    .passThroughOptions()
    .action(async (name: string, rest: string[]) => {
      const definition = await resolveComponent(kind, name)
      const inner = componentCommand(`eventstorm ${kind} ${name}`, definition, examples(name))
      await inner.parseAsync(rest, { from: 'user' })
    })
  const help = [`eventstorm ${kind} ${specimen} --help`, 'its options'] as const
  return addExamples(command, [...examples(specimen), help])
}
