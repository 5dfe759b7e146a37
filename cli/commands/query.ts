import { EventstormError, parseQuery, queryOptions, show, systemClock, z } from '../../lib/index.js'
import { checked } from '../component-command.js'
import { addExamples, createCommand } from '../create-command.js'
import { addFlags, readFlags } from '../flags.js'
import { OUTPUTS, printAnswer } from '../query-output.js'
import { resolveComponent } from '../resolve.js'

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

export const queryCommand = () => {
  const command = createCommand('query')
    .description('Ask a store: counts and other measures of its events by time and by fields, or the events.')
    .action(async () => {
      const { store, output } = checked(commandOptions, readFlags(command, commandOptions))
      const question = parseQuery(checked(queryOptions, readFlags(command, queryOptions)), systemClock.now())
      await using reader = await openStore(store)
      const answer = await reader.query(question)
      process.stdout.write(printAnswer(answer, output ?? (process.stdout.isTTY ? 'table' : 'ndjson')))
      if (answer.rows.length >= question.limit) {
        process.stderr.write(`eventstorm: ends at ${question.limit} rows; see --limit\n`)
      }
    })
  addFlags(command, 'Options:', commandOptions)
  addFlags(command, 'The question:', queryOptions)
  return addExamples(command, [
    ['eventstorm query', 'how many events there are'],
    ['eventstorm query --by type --measure count --from 1h', 'of each type, in the last hour'],
    ["eventstorm query --type http.hit --every 1m --measure count --measure 'p99(ms)'", 'a row a minute'],
    ["eventstorm query --type 'http.**' --where 'status>=500' --latest 10", 'the latest errors themselves'],
    ['eventstorm query --store segments:/var/lib/eventstorm --by source --output csv', ''],
  ])
}

async function openStore(store: string) {
  const name = store.replace(/:.*$/s, '')
  const { reader } = await resolveComponent('sink', name)
  if (reader) return reader(store)
  throw new EventstormError('QUERY_INVALID', `the sink ${show(name)} is no store that can be asked`)
}
