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
