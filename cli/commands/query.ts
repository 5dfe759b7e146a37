import { Asker, askerOptions } from '../../lib/ask/index.js'
import { ask, queryOptions, type StoreReader, z } from '../../lib/index.js'
import { checked } from '../component-command.js'
import { addExamples, createCommand } from '../create-command.js'
import { addFlags, readFlags } from '../flags.js'
import { createLog } from '../logging.js'
import { openStore } from '../open-store.js'
import { quietLog } from '../process-options.js'
import { OUTPUTS, printAnswer } from '../query-output.js'
import { serveQueries } from '../query-server.js'
import { run } from '../run.js'

const commandOptions = z.strictObject({
  store: z.string().default('segments:./eventstorm-data').meta({
    description: 'Which store: its sink, a colon, and what that sink wants, such as segments:DIR.',
    argument: 'store',
  }),
  output: z
    .enum(OUTPUTS)
    .optional()
    .meta({ description: 'How to print. Default: table on a terminal, else ndjson.', argument: 'format' }),
})

const serverOptions = z.strictObject({
  listen: z.int().min(0).max(65535).optional().meta({
    description: 'Ask nothing, but answer such questions as JSON at /api/query on this port of 127.0.0.1.',
    argument: 'port',
  }),
  ...askerOptions.shape,
  ...quietLog,
})

export const queryCommand = () => {
  const command = createCommand('query')
    .description('Ask a store: counts and other measures of its events by time and by fields, or the events.')
    .action(async () => {
      const { store, output } = checked(commandOptions, readFlags(command, commandOptions))
      const server = checked(serverOptions, readFlags(command, serverOptions))
      const question = checked(queryOptions, readFlags(command, queryOptions))
      await using reader = await openStore(store)
      if (server.listen !== undefined) return await listen(reader, server)
      const answer = await ask(reader, question)
      process.stdout.write(printAnswer(answer, output ?? (process.stdout.isTTY ? 'table' : 'ndjson')))
      if (answer.truncated) {
        process.stderr.write(`eventstorm: ends at ${question.limit} rows; see --limit\n`)
      }
    })
  addFlags(command, 'Options:', commandOptions)
  addFlags(command, 'The question:', queryOptions)
  addFlags(command, 'Answering over HTTP:', serverOptions)
  return addExamples(command, [
    ['eventstorm query', 'how many events there are'],
    ['eventstorm query --by type --measure count --from 1h', 'of each type, in the last hour'],
    ["eventstorm query --type http.hit --every 1m --measure count --measure 'p99(ms)'", 'a row a minute'],
    ["eventstorm query --type 'http.**' --where 'status>=500' --latest 10", 'the latest errors themselves'],
    ['eventstorm query --store segments:/var/lib/eventstorm --by source --output csv', ''],
    ['eventstorm query --listen 8080', "then curl 'http://127.0.0.1:8080/api/query?by=type'"],
  ])
}

async function listen(reader: StoreReader, server: z.output<typeof serverOptions>): Promise<void> {
  const { listen: port, logLevel, ...bounds } = server
  const log = createLog({ level: logLevel })
  const start = async () => {
    const running = await serveQueries(new Asker(reader, bounds), port!)
    process.stderr.write(`eventstorm: answers at ${running.url}\n`)
    return running
  }
  await run([{ kind: 'sink', name: 'query', start }], { log })
}
