import { readFileSync } from 'node:fs'
import type { Command } from 'commander'
import { checkCommand } from './commands/check.js'
import { componentsCommand } from './commands/components.js'
import { emitCommand } from './commands/emit.js'
import { keygenCommand } from './commands/keygen.js'
import { parseCommand } from './commands/parse.js'
import { queryCommand } from './commands/query.js'
import { routerCommand } from './commands/router.js'
import { schemaCommand } from './commands/schema.js'
import { sinkCommand } from './commands/sink.js'
import { sourceCommand } from './commands/source.js'
import { tapCommand } from './commands/tap.js'
import { topCommand } from './commands/top.js'
import { upCommand } from './commands/up.js'
import { addExamples, createCommand, type Examples } from './grammar/create-command.js'

const EXAMPLES: Examples = [
  ['eventstorm up', "see this machine's own events, in one process"],
  ['eventstorm router', 'a router on tcp://127.0.0.1:5555 and :5556'],
  ['eventstorm source nginx --file access.log', 'follow a log into it'],
  ["eventstorm tap 'http.**'", 'watch what passes'],
  ['eventstorm top', 'rates and losses, live'],
  [`eventstorm emit order.placed '{"total": 12.5}'`, 'send one event'],
]

const COMMANDS = [
  upCommand,
  sourceCommand,
  routerCommand,
  sinkCommand,
  tapCommand,
  topCommand,
  emitCommand,
  parseCommand,
  queryCommand,
  checkCommand,
  keygenCommand,
  schemaCommand,
  componentsCommand,
]

/** The whole command line. */
export function createProgram(): Command {
  const program = createCommand('eventstorm')
    .description(
      'Collects events from sources, routes them, and hands them to sinks; every lost event is counted.',
    )
    .version(version(), '-V, --version', 'Print the version.')
    .enablePositionalOptions()
    .helpCommand(false)
  for (const create of COMMANDS) program.addCommand(create())
  return addExamples(program, EXAMPLES).addHelpText('after', '\nEach command has its own --help.')
}

function version(): string {
  const manifest = readFileSync(new URL('../../package.json', import.meta.url), 'utf8')
  return (JSON.parse(manifest) as { version: string }).version
}
