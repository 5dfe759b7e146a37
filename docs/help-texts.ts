/** Prints every help text of the program, each as its command, a NUL, its text, and a NUL; for those who read them all. */
import { CommanderError } from 'commander'
import { createProgram } from '../cli/program.js'
import { shipped } from '../cli/resolve.js'

const named = (command: string, names: string[]) => names.map((name) => [command, name])

const commands = [
  [],
  ...createProgram().commands.map((command) => [command.name()]),
  ...named('source', shipped('source')),
  ...named('parse', shipped('source')),
  ...named('sink', shipped('sink')),
]

for (const words of commands) {
  process.stdout.write(`${words.join(' ')}\0`)
  try {
    await createProgram().parseAsync([...words, '--help'], { from: 'user' })
    throw new Error(`expected a help text of ${words.join(' ')}, but the command was run`)
  } catch (error) {
    // Commander ends with an error that is none once it has printed.
    if (!(error instanceof CommanderError && error.exitCode === 0)) throw error
  }
  process.stdout.write('\0')
}
