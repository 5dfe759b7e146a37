import { Asker, askerOptions } from '../../lib/ask/index.js'
import {
  type Answer,
  ask,
  duration,
  EventstormError,
  queryOptions,
  type StoreReader,
  systemClock,
  z,
} from '../../lib/index.js'
import { checked } from '../grammar/component-command.js'
import { addExamples, createCommand } from '../grammar/create-command.js'
import { addFlags, readFlags } from '../grammar/flags.js'
import { quietLog } from '../grammar/process-options.js'
import { serveQueries } from '../http/query-server.js'
import { createLog } from '../logging.js'
import { openStore } from '../open-store.js'
import { OUTPUTS, printAnswer } from '../query-output.js'
import { run } from '../run/run.js'

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

const wayOptions = z.strictObject({
  sql: z.string().min(1).optional().meta({
    description:
      'One SELECT instead of the question, over a view called events; for stores that have SQL: segments.',
    argument: 'select',
  }),
  timeout: duration()
    .pipe(z.number().min(1))
    .prefault('5m')
    .meta({ description: 'How long the store may take.', argument: 'time' }),
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
      const questionFlags = readFlags(command, queryOptions)
      const question = checked(queryOptions, questionFlags)
      await using reader = await openStore(store)
      if (server.listen !== undefined) return await listen(reader, server)
      const { sql, timeout } = checked(wayOptions, readFlags(command, wayOptions))
      const late = new EventstormError('TIMEOUT', `the store took longer than ${timeout} ms; see --timeout`)
      const end = new AbortController()
      const cancel = systemClock.after(timeout, () => end.abort(late))
      const answer =
        sql === undefined
          ? await ask(reader, question, { signal: end.signal })
          : await askSql(reader, sql, questionFlags, question.limit, end.signal)
      cancel()
      process.stdout.write(printAnswer(answer, output ?? (process.stdout.isTTY ? 'table' : 'ndjson')))
      if (answer.truncated) {
        process.stderr.write(`eventstorm: ends at ${question.limit} rows; see --limit\n`)
      }
    })
  addFlags(command, 'Options:', commandOptions)
  addFlags(command, 'The question:', queryOptions)
  addFlags(command, 'The question:', wayOptions)
  addFlags(command, 'Answering over HTTP:', serverOptions)
  return addExamples(command, [
    ['eventstorm query', 'how many events there are'],
    ['eventstorm query --by type --measure count --from 1h', 'of each type, in the last hour'],
    ["eventstorm query --type http.hit --every 1m --measure count --measure 'p99(ms)'", 'a row a minute'],
    ["eventstorm query --type 'http.**' --where 'status>=500' --latest 10", 'the latest errors themselves'],
    ['eventstorm query --store segments:/var/lib/eventstorm --by source --output csv', ''],
    ['eventstorm query --store mongodb:url.txt --by type', 'of MongoDB, whose URL is in that file'],
    ['eventstorm query --sql "SELECT source, max(time) FROM events GROUP BY source"', ''],
    ['eventstorm query --listen 8080', "then curl 'http://127.0.0.1:8080/api/query?by=type'"],
  ])
}

async function askSql(
  reader: StoreReader,
  text: string,
  flags: object,
  limit: number,
  signal: AbortSignal,
): Promise<Answer> {
  const others = Object.keys(flags).filter((name) => name !== 'limit')
  if (others.length > 0) {
    throw new EventstormError(
      'QUERY_INVALID',
      `expected --sql or a question, got both: --${others.join(', --')}`,
    )
  }
  if (!reader.sql) {
    throw new EventstormError(
      'QUERY_INVALID',
      'this store has no SQL; ask it with --type, --by, --measure ...',
    )
  }
  const { columns, rows } = await reader.sql(text, limit + 1, signal)
  return { columns, rows: rows.slice(0, limit), truncated: rows.length > limit }
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
