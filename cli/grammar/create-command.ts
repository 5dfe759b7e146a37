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
    .configureHelp({ helpWidth: HELP_WIDTH })
}

/** Wider lines are hard to read, however wide the terminal is. */
const HELP_WIDTH = Math.min(process.stdout.columns ?? 100, 110)

/** Command lines and what each does. */
export type Examples = readonly (readonly [line: string, does: string])[]

export function addExamples(command: Command, examples: Examples): Command {
  if (examples.length === 0) return command
  return command.addHelpText('after', `\nExamples:\n${exampleLines(examples, HELP_WIDTH).join('\n')}`)
}

/** What each does stands behind it, or below all of them where there is no room for that. */
export function exampleLines(examples: Examples, helpWidth: number): string[] {
  const width = Math.max(...examples.map(([line]) => line.length))
  const beside = examples.map(([line, does]) => `  $ ${line.padEnd(width)}  ${does}`.trimEnd())
  if (beside.every((line) => line.length <= helpWidth)) return beside
  return examples.flatMap(([line, does]) => [`  $ ${line}`, ...(does ? [`      ${does}`] : [])])
}
