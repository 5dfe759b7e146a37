import pc from 'picocolors'
import {
  Audit,
  duration,
  type Running,
  type Subscription,
  subscribe,
  subscribeOptions,
  systemClock,
  z,
} from '../../lib/index.js'
import { auditLines } from '../audit-text.js'
import { checked } from '../component-command.js'
import { addExamples, createCommand } from '../create-command.js'
import { ends } from '../ends.js'
import { addFlags, readFlags } from '../flags.js'
import { createLog } from '../logging.js'
import { quietLog } from '../process-options.js'
import { run } from '../run.js'
import { openScreen } from '../top-screen.js'
import { SORT_KEYS, TopTable } from '../top-table.js'
import { tableLines } from '../top-text.js'

const wire = z.strictObject(subscribeOptions.pick(ends).shape)

const topOptions = z.strictObject({
  sort: z
    .enum(SORT_KEYS)
    .default('rate')
    .meta({ description: 'What the rows are sorted by.', argument: 'key' }),
  interval: duration().pipe(z.number().min(100)).prefault('1s').meta({
    description: 'Time between two looks.',
    argument: 'time',
  }),
  count: z.int().min(1).optional().meta({ description: 'End after so many looks.' }),
  audit: z.boolean().default(false).meta({
    description:
      'What every source sent and what every sink has of it, as they report; patterns are not used.',
  }),
  output: z.enum(['table', 'json']).default('table').meta({
    description: 'How an audit is printed: tables, or one line of JSON a look.',
    argument: 'format',
  }),
  rows: z.int().min(1).default(100).meta({ description: 'Rows printed at most when piped.' }),
  ...quietLog,
})

type Settings = z.output<typeof topOptions>

export const topCommand = () => {
  const command = createCommand('top')
    .description('Show streams and their rates and losses: a live table, or plain text when piped.')
    .argument('[patterns...]', "event types such as http.hit or 'http.**' (default: everything)")
    .action(async (patterns: string[]) => {
      const settings = checked(topOptions, readFlags(command, topOptions))
      const framework = checked(wire, readFlags(command, wire))
      const log = createLog({ level: settings.logLevel })
      const wanted = settings.audit ? ['_report.**'] : patterns
      const subscription = subscribe({
        ...framework,
        ...(wanted.length > 0 ? { subscribe: wanted } : {}),
        log: log.of('top'),
      })
      const display = settings.audit ? audit : process.stdout.isTTY ? live : plain
      if (!settings.audit) void takeAll(subscription)
      const start = async (): Promise<Running> => subscription
      await run([{ kind: 'sink', name: 'top', start }], {
        log,
        until: display(subscription, settings, framework.connect),
      })
    })
  for (const schema of [topOptions, wire]) addFlags(command, 'Options:', schema)
  return addExamples(command, [
    ['eventstorm top', 'the router on this machine; q quits'],
    ["eventstorm top 'http.**' --sort lost", 'some types, the worst first'],
    ['eventstorm top --audit', 'the whole bus added up, from what sources and sinks report'],
    ['eventstorm top --interval 10s --count 6 > rates.txt', 'a minute as text'],
  ])
}

/** Only counts: no event is decoded. */
async function takeAll(subscription: Subscription): Promise<void> {
  for await (const _ of subscription);
}

/** Calls `show` after each interval, with its length in seconds. Resolves after `count` of them, or when the subscription has ended. */
function everyLook(
  subscription: Subscription,
  { interval, count }: Settings,
  show: (seconds: number) => void,
) {
  let before = systemClock.now()
  let looks = 0
  return new Promise<void>((resolve) => {
    const stop = systemClock.every(interval, () => {
      const now = systemClock.now()
      show(Math.max(1, now - before) / 1000)
      before = now
      if (++looks === count) finish()
    })
    const finish = () => {
      stop()
      resolve()
    }
    subscription.ended.then(finish, finish)
  })
}

async function audit(subscription: Subscription, settings: Settings): Promise<void> {
  const books = new Audit()
  const reading = (async () => {
    for await (const batch of subscription) for (const event of batch) books.take(event, systemClock.now())
  })()
  const look = pc.createColors(process.stdout.isTTY)
  await everyLook(subscription, settings, () => {
    const now = systemClock.now()
    const [streams, sinks] = [books.streams(now), books.sinks(now)]
    const time = new Date(now).toISOString()
    const text =
      settings.output === 'json'
        ? JSON.stringify({ time, streams, sinks })
        : `${time}\n${auditLines(streams, sinks, look).join('\n')}\n`
    process.stdout.write(`${text}\n`)
  })
  await subscription.close()
  await reading
}

async function plain(subscription: Subscription, settings: Settings): Promise<void> {
  const look = pc.createColors(false)
  const table = new TopTable()
  await everyLook(subscription, settings, (seconds) => {
    table.look(subscription.streams(), subscription.counters(), seconds)
    const lines = tableLines(table.sorted(settings.sort), table.totals, { look, maxRows: settings.rows })
    process.stdout.write(`${new Date(systemClock.now()).toISOString()}\n${lines.join('\n')}\n\n`)
  })
}

/** Looks that a rate on the screen is the mean of: one event in five seconds shall not flicker. */
const CALM_LOOKS = 5

/** Lines of the screen that are no rows: title, gap, heading, how many more, sums. */
const OTHER_LINES = 5

async function live(subscription: Subscription, settings: Settings, connect: string[]): Promise<void> {
  const table = new TopTable(CALM_LOOKS)
  const where = connect.join(', ') || 'tcp://127.0.0.1:5556'
  const draw = () => {
    const rows = table.sorted(settings.sort)
    const lines = tableLines(rows, table.totals, {
      look: pc,
      grouped: true,
      width: screen.columns,
      maxRows: Math.max(1, screen.rows - OTHER_LINES),
    })
    const streams = `${rows.length} stream${rows.length === 1 ? '' : 's'}`
    const title = `${pc.bold('eventstorm top')}  ${where}  ${pc.dim(`${streams}, by ${settings.sort}, q quits`)}`
    screen.draw([title, '', ...lines])
  }
  let quit!: () => void
  const quitting = new Promise<void>((resolve) => {
    quit = resolve
  })
  const screen = openScreen(draw, quit)
  try {
    draw()
    const looking = everyLook(subscription, settings, (seconds) => {
      table.look(subscription.streams(), subscription.counters(), seconds)
      draw()
    })
    await Promise.race([looking, quitting])
  } finally {
    screen.close()
  }
}
