import { namedCommand } from '../grammar/named-command.js'

export const sinkCommand = () =>
  namedCommand('sink', {
    description: 'Run a sink: it takes events and writes them somewhere.',
    specimen: 'stdout',
    examples: (name) => [
      [`eventstorm sink ${name}`, 'everything from tcp://127.0.0.1:5556'],
      [`eventstorm sink ${name} --subscribe 'http.**'`, 'only some types; repeatable'],
      [`eventstorm sink ${name} --metrics 9464`, 'and serve /metrics, /livez and /readyz'],
    ],
  })
