import { fstatSync } from 'node:fs'
import pc from 'picocolors'
import { type DestinationStream, destination, type Logger as PinoLogger, pino } from 'pino'
import { type Clock, type Logger, systemClock } from '../lib/index.js'

export const LOG_LEVELS = ['debug', 'info', 'warn', 'error', 'silent'] as const
export type LogLevel = (typeof LOG_LEVELS)[number]

/** The log of the whole process: JSON lines, or lines for people where people look. */
export interface Log {
  /** The log of one component. */
  of(component: string): Logger
  /** How much is said, from now on. */
  level: LogLevel
  /** Says nothing more; for when the program only cleans up after its reader has left. */
  silence(): void
}

export interface LogOptions {
  level: LogLevel
  /** Lines for people instead of JSON. Default: whether stderr is a terminal. */
  readable?: boolean
  colors?: boolean
  /** A syslog priority before each line, by which `journalctl -p` selects. Default: whether stderr is the journal. */
  priorities?: boolean
  /** Where the lines go. Default: stderr. */
  to?: DestinationStream
  clock?: Clock
}

export function createLog(options: LogOptions): Log {
  const { level, readable = process.stderr.isTTY === true, clock = systemClock } = options
  const to = options.to ?? destination({ fd: 2, sync: true })
  const colors = pc.createColors(options.colors ?? (readable && pc.isColorSupported))
  const priorities = options.priorities ?? isJournal()
  const components = new Map<string, { child: PinoLogger; guarded: Logger }>()
  let open = true
  const stream = {
    write(line: string) {
      if (!open) return
      const text = readable ? toReadable(line, colors) : line
      to.write(priorities ? priorityOf(line) + text : text)
    },
  }
  const root = pino(
    {
      level,
      base: null,
      timestamp: () => `,"time":"${new Date(clock.now()).toISOString()}"`,
      formatters: { level: (label) => ({ level: label }) },
    },
    stream,
  )
  return {
    of(component) {
      const known = components.get(component)
      if (known) return known.guarded
      const child = root.child({ component })
      const guarded = guardFlood(child, clock)
      components.set(component, { child, guarded })
      return guarded
    },
    get level() {
      return root.level as LogLevel
    },
    set level(level) {
      root.level = level
      for (const { child } of components.values()) child.level = level
    },
    silence: () => {
      open = false
    },
  }
}

/** As systemd.exec(5) has it: the device and inode of what it connected to the journal. */
export function isJournal(): boolean {
  if (process.env.JOURNAL_STREAM === undefined) return false
  const { dev, ino } = fstatSync(2)
  return process.env.JOURNAL_STREAM === `${dev}:${ino}`
}

/** sd-daemon(3); the journal takes it off again. */
const PRIORITIES: Record<string, string> = { debug: '<7>', info: '<6>', warn: '<4>', error: '<3>' }

/** The level is the first member of a line. */
const priorityOf = (line: string) => PRIORITIES[/^{"level":"(\w+)"/.exec(line)?.[1] ?? ''] ?? ''

const FLOOD_WINDOW = 1000
/** Messages remembered for each component; they are fixed texts, so that many means something is odd. */
const MAX_MESSAGES = 200

interface Burst {
  fields: object
  repeated: number
}

/**
 * The same message at most once a second: the first goes out at once, and what came during the second after it
 * is one line with the last one's fields and how many they were. Debug lines are for those who want them all.
 */
function guardFlood(log: Logger, clock: Clock): Logger {
  const bursts = new Map<string, Burst>()
  const once = (write: (fields: object, message: string) => void) => (fields: object, message: string) => {
    const burst = bursts.get(message)
    if (burst !== undefined) {
      burst.fields = fields
      burst.repeated++
      return
    }
    write(fields, message)
    if (bursts.size >= MAX_MESSAGES) return
    const fresh: Burst = { fields, repeated: 0 }
    bursts.set(message, fresh)
    const stop = clock.every(FLOOD_WINDOW, () => {
      if (fresh.repeated === 0) {
        bursts.delete(message)
        stop()
        return
      }
      write({ ...fresh.fields, repeated: fresh.repeated }, message)
      fresh.repeated = 0
    })
  }
  return {
    debug: (fields, message) => log.debug(fields, message),
    info: once((fields, message) => log.info(fields, message)),
    warn: once((fields, message) => log.warn(fields, message)),
    error: once((fields, message) => log.error(fields, message)),
  }
}

type Colors = ReturnType<typeof pc.createColors>

const LABELS: Record<string, (colors: Colors) => string> = {
  debug: (colors) => colors.dim('debug'),
  info: (colors) => colors.green('info '),
  warn: (colors) => colors.yellow('warn '),
  error: (colors) => colors.red('error'),
}

/** `12:04:31 warn  web  write failed  error="..." attempt=2` */
function toReadable(line: string, colors: Colors): string {
  const { level, time, component, msg, ...fields } = JSON.parse(line) as Record<string, unknown>
  const clock = new Date(String(time)).toTimeString().slice(0, 8)
  const label = LABELS[String(level)]?.(colors) ?? String(level)
  const rest = Object.entries(fields).map(([key, value]) => colors.dim(`${key}=${brief(value)}`))
  return `${[colors.dim(clock), label, colors.bold(String(component)), String(msg), ...rest].join(' ')}\n`
}

function brief(value: unknown): string {
  const text = typeof value === 'string' ? value : JSON.stringify(value)
  return /^[\w./:@+-]*$/.test(text) ? text : JSON.stringify(text)
}
