import type { Command } from 'commander'
import { createCommand } from './create-command.js'

/**
 * A command whose options are known only after something was looked up: `build` makes the command that reads
 * them, `--help` included.
 */
export function lateCommand(
  name: string,
  description: string,
  build: (args: string[]) => Promise<Command>,
): Command {
  return createCommand(name)
    .description(description)
    .usage('[options]')
    .argument('[options...]')
    .allowUnknownOption()
    .helpOption(false)
    .action(async (_words: string[], _options: object, outer: Command) => {
      const inner = await build(outer.args)
      await inner.parseAsync(outer.args, { from: 'user' })
    })
}
