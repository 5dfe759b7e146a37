import pc from 'picocolors'
import {
  duration,
  type Running,
  type Subscription,
  subscribe,
  subscribeOptions,
  systemClock,
  z,
} from '../../lib/index.js'
import { checked } from '../grammar/component-command.js'
import { addExamples, createCommand } from '../grammar/create-command.js'
import { endOptions } from '../grammar/end-options.js'
import { addFlags, readFlags } from '../grammar/flags.js'
import { processOptions, quietLog } from '../grammar/process-options.js'
import { serveMetrics } from '../http/metrics-server.js'
import { createLog } from '../logging.js'
import { run } from '../run/run.js'
import { addAudit } from '../top/audit-metrics.js'
import { auditScreen } from '../top/audit-screen.js'
import { Reports } from '../top/top-audit.js'
import { openScreen, type Screen } from '../top/top-screen.js'
import { SORT_KEYS, TopTable } from '../top/top-table.js'
import { tableLines, timeOfDay } from '../top/top-text.js'

const wire = z.strictObject(subscribeOptions.pick(endOptions).shape)

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
  output: z.enum(['table', 'json', 'none']).default('table').meta({
    description: 'How an audit is printed: tables, one line of JSON a look, or not at all.',
    argument: 'format',
  }),
  ...processOptions.pick({ metrics: true }).shape,
  rows: z.int().min(1).default(100).meta({ description: 'Rows printed at most when piped.' }),
  ...quietLog,
})

const REPORTS = ['_report.**']

type Settings = z.output<typeof topOptions>

export const topCommand = () => {
  const command = createCommand('top')
    .description('Show streams and their rates and losses: a live table, or plain text when piped.')
    .argument('[patterns...]', "event types such as http.hit or 'http.**' (default: everything)")
    .action(async (patterns: string[]) => {
      const settings = checked(topOptions, readFlags(command, topOptions))
      const framework = checked(wire, readFlags(command, wire))
      const log = createLog({ level: settings.logLevel })
      const wanted = settings.audit ? REPORTS : patterns
      const open = (types: string[]) =>
        subscribe({
          ...framework,
          ...(types.length > 0 ? { subscribe: types } : {}),
          log: log.of('top'),
        })
      const subscription = open(wanted)
      const reports = new Reports()
      // In a connection of its own: what is counted in the table is what was asked for.
      const beside = settings.audit || framework.bind.length > 0 ? undefined : open(REPORTS)
      if (beside) void reports.read(beside)
      void (settings.audit ? reports.read(subscription) : takeAll(subscription))
      const { audit, output } = settings
      const isLive = process.stdout.isTTY && (!audit || output === 'table')
      const display = audit ? (isLive ? liveAudit : plainAudit) : isLive ? live : plain
      const start = async (): Promise<Running> => subscription
      const observed = () => [{ kind: 'sink', name: 'top', running: subscription }] as const
      await run([{ kind: 'sink', name: 'top', start }], {
        log,
        until: display(subscription, settings, reports, framework.connect).finally(() => beside?.close()),
        serve: () =>
          settings.metrics === undefined
            ? undefined
            : serveMetrics(settings.metrics, {
                observed,
                add: (registry) => addAudit(registry, reports.books, systemClock.now()),
              }),
      })
    })
  for (const schema of [topOptions, wire]) addFlags(command, 'Options:', schema)
  return addExamples(command, [
    ['eventstorm top', 'the router on this machine; q quits'],
    ["eventstorm top 'http.**' --sort lost", 'some types, the worst first'],
    ['eventstorm top --audit', 'the whole bus added up, from what sources and sinks report'],
    ['eventstorm top --audit --output none --metrics 9464', 'the same for Prometheus'],
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

async function plainAudit(subscription: Subscription, settings: Settings, reports: Reports): Promise<void> {
  await everyLook(subscription, settings, () => {
    if (settings.output !== 'none') process.stdout.write(`${reports.text(settings.output)}\n`)
  })
  await subscription.close()
}

async function plain(subscription: Subscription, settings: Settings, reports: Reports): Promise<void> {
  const look = pc.createColors(false)
  const table = new TopTable()
  await everyLook(subscription, settings, (seconds) => {
    table.look(subscription.streams(), subscription.counters(), seconds)
    const lines = tableLines(table.sorted(settings.sort), table.totals, { look, maxRows: settings.rows })
    const text = [new Date(systemClock.now()).toISOString(), ...lines, ...reports.troubles()].join('\n')
    process.stdout.write(`${text}\n\n`)
  })
}

/** Looks that a rate on the screen is the mean of: one event in five seconds shall not flicker. */
const CALM_LOOKS = 5

/** Lines of the screen that are no rows: title, gap, heading, how many more, sums. */
const OTHER_LINES = 5

async function live(
  subscription: Subscription,
  settings: Settings,
  reports: Reports,
  connect: string[],
): Promise<void> {
  const table = new TopTable(CALM_LOOKS)
  await onScreen(subscription, settings, {
    look: (seconds) => table.look(subscription.streams(), subscription.counters(), seconds),
    lines: ({ rows, columns }) => {
      const streams = table.sorted(settings.sort)
      const wrong = reports.troubles().slice(0, Math.floor(rows / 3))
      const lines = tableLines(streams, table.totals, {
        look: pc,
        grouped: true,
        width: columns,
        maxRows: Math.max(1, rows - OTHER_LINES - wrong.length),
      })
      const told = `${streams.length} stream${streams.length === 1 ? '' : 's'}, by ${settings.sort}`
      const cut = wrong.map((line) => pc.red(line.slice(0, columns)))
      return [titleLine('eventstorm top', connect, told), '', ...lines, ...cut]
    },
  })
}

async function liveAudit(
  subscription: Subscription,
  settings: Settings,
  { books }: Reports,
  connect: string[],
): Promise<void> {
  await onScreen(subscription, settings, {
    lines: ({ rows, columns }) => {
      const now = systemClock.now()
      const title = titleLine('eventstorm top --audit', connect, timeOfDay(now))
      return [title, '', ...auditScreen(books, now, { rows: rows - 2, columns, look: pc })]
    },
  })
}

function titleLine(name: string, connect: string[], told: string): string {
  const where = connect.join(', ') || 'tcp://127.0.0.1:5556'
  return `${pc.bold(name)}  ${where}  ${pc.dim(`${told}, q quits`)}`
}

/** Draws after each look and whenever there is more or less room, until somebody quits. */
async function onScreen(
  subscription: Subscription,
  settings: Settings,
  { look, lines }: { look?: (seconds: number) => void; lines: (screen: Screen) => string[] },
): Promise<void> {
  let quit!: () => void
  const quitting = new Promise<void>((resolve) => {
    quit = resolve
  })
  const draw = () => screen.draw(lines(screen))
  const screen = openScreen(draw, quit)
  try {
    draw()
    const looking = everyLook(subscription, settings, (seconds) => {
      look?.(seconds)
      draw()
    })
    await Promise.race([looking, quitting])
  } finally {
    screen.close()
  }
}
