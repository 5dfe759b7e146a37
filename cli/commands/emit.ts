import { LineSplitter } from '../../lib/follow/index.js'
import {
  dataFromJson,
  duration,
  EventSource,
  EventstormError,
  isTypeName,
  reason,
  show,
  sourceOptions,
  z,
} from '../../lib/index.js'
import { checked } from '../grammar/component-command.js'
import { addExamples, createCommand } from '../grammar/create-command.js'
import { endOptions } from '../grammar/end-options.js'
import { addFlags, readFlags } from '../grammar/flags.js'
import { quietLog } from '../grammar/process-options.js'
import { createLog } from '../logging.js'
import { run } from '../run/run.js'

const wire = z.strictObject(sourceOptions.pick({ source: true, ...endOptions }).shape)

const emitOptions = z.strictObject({
  time: z.string().optional().meta({
    description: 'When it happened, as 2026-01-31T12:00:00Z or milliseconds since 1970. Default: now.',
    argument: 'time',
  }),
  wait: duration().prefault('2s').meta({ description: 'How long to wait for somebody who listens.' }),
  ...quietLog,
})

/** Longest line of standard input; the largest event that is sent by default is of that size. */
const MAX_LINE_BYTES = 1024 * 1024

export const emitCommand = () => {
  const command = createCommand('emit')
    .description('Emit one event, or one for each line of standard input.')
    .argument('<type>', 'a dotted name such as order.placed')
    .argument('<json>', "the event's data as JSON; - reads one JSON text a line from standard input")
    .action(async (type: string, json: string) => {
      const settings = checked(emitOptions, readFlags(command, emitOptions))
      const framework = checked(wire, readFlags(command, wire))
      if (!isTypeName(type)) {
        throw new EventstormError(
          'TYPE_INVALID',
          `expected an event type such as "order.placed", got ${show(type)}`,
        )
      }
      const time = settings.time === undefined ? undefined : readTime(settings.time)
      const data = json === '-' ? undefined : dataFromJson(json)
      const log = createLog({ level: settings.logLevel })
      const source = new EventSource({ ...framework, log: log.of('emit') })
      const send = (value: unknown) => source.emit(type, value, time ? { time } : {})
      const work = async () => {
        await source.subscribed(type, { timeout: settings.wait })
        const heard = json === '-' ? await emitLines(send) : send(data)
        if (!heard) throw new EventstormError('TIMEOUT', `nobody listens to ${show(type)}`)
      }
      await run([{ kind: 'source', name: 'emit', start: async () => source }], { log, until: work() })
    })
  for (const schema of [emitOptions, wire]) addFlags(command, 'Options:', schema)
  return addExamples(command, [
    [`eventstorm emit order.placed '{"total": 12.5}'`, 'through the router on this machine'],
    ['eventstorm emit log.line - < lines.ndjson', 'one event for each line'],
    [`eventstorm emit deploy.done '{}' --source ci --time 2026-01-31T12:00:00Z`, ''],
  ])
}

function readTime(text: string): Date {
  const time = new Date(/^\d+$/.test(text) ? Number(text) : text)
  if (!Number.isNaN(time.getTime())) return time
  throw new EventstormError(
    'TIME_INVALID',
    `--time: expected a time such as 2026-01-31T12:00:00Z, got ${show(text)}`,
  )
}

/**
 * A line that is no event is told and left out; the others go.
 * @returns whether anybody heard anything, or there was nothing to say
 * @throws DATA_INVALID at the end, when some lines were left out
 */
async function emitLines(send: (data: unknown) => boolean): Promise<boolean> {
  let number = 0
  let heard = 0
  let bad = 0
  const splitter = new LineSplitter(MAX_LINE_BYTES, (line) => {
    number++
    if (line.trim() === '') return
    try {
      if (send(dataFromJson(line))) heard++
    } catch (error) {
      bad++
      process.stderr.write(`eventstorm: line ${number}: ${reason(error)}\n`)
    }
  })
  for await (const chunk of process.stdin) {
    splitter.push(chunk as Buffer)
    // Lets what was emitted leave before more is read.
    await new Promise((resolve) => setImmediate(resolve))
  }
  splitter.end()
  if (bad > 0) throw new EventstormError('DATA_INVALID', `${bad} of ${number} lines were left out`)
  return heard > 0 || number === 0
}
