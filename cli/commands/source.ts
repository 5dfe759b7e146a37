import { namedCommand } from '../grammar/named-command.js'

export const sourceCommand = () =>
  namedCommand('source', {
    description: 'Run a source: it reads something and emits events.',
    specimen: 'nginx',
    examples: (name) => [
      [`eventstorm source ${name}`, 'dial tcp://127.0.0.1:5555'],
      [`eventstorm source ${name} --connect tcp://10.0.0.5:5555`, 'dial a router elsewhere'],
      [`eventstorm source ${name} --bind tcp://127.0.0.1:5560`, 'let routers and sinks dial in'],
    ],
  })
