import { Command } from 'commander'

/** A command that throws instead of ending the process, and says whose error it was. */
export function createCommand(name: string): Command {
  return new Command(name)
    .exitOverride()
    .helpOption('-h, --help', 'Print this help.')
    .showHelpAfterError(`Try: ${name.startsWith('eventstorm') ? name : `eventstorm ${name}`} --help`)
    .configureOutput({
      outputError: (text, write) => write(text.replace(/^error: /, 'eventstorm: ')),
    })
    .configureHelp({ helpWidth: Math.min(process.stdout.columns ?? 100, 110) })
}

/** Command lines and what each does. */
export type Examples = readonly (readonly [line: string, does: string])[]

export function addExamples(command: Command, examples: Examples): Command {
  if (examples.length === 0) return command
  // A line that is much longer than the others does not push their meanings to the right.
  const width = Math.max(...examples.map(([line]) => line.length).filter((length) => length < 70))
  const rows = examples.map(([line, does]) => `  $ ${does ? `${line.padEnd(width)}  ${does}` : line}`)
  return command.addHelpText('after', `\nExamples:\n${rows.join('\n')}`)
}
