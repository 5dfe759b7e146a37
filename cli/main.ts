import { CommanderError } from 'commander'
import { codeOf, type ErrorCode, EventstormError, reason, relaxCollector } from '../lib/index.js'
import { isJournal } from './logging.js'
import { createProgram } from './program.js'

/** sysexits.h: something was found in an unconfigured or misconfigured state. */
export const EX_CONFIG = 78
const EX_FAILURE = 1
const EX_USAGE = 2

/** What the user typed wrongly, as opposed to what went wrong. */
const USAGE_ERRORS = new Set<ErrorCode>([
  'OPTIONS_INVALID',
  'COMPONENT_NOT_FOUND',
  'COMPONENT_INVALID',
  'PATTERN_INVALID',
  'ENDPOINT_INVALID',
  'BIND_INSECURE',
  'FORMAT_INVALID',
  'TYPE_INVALID',
  'DATA_INVALID',
  'TIME_INVALID',
  'QUERY_INVALID',
])

/** Runs the program and ends the process: with 0, 1 (failure), 2 (usage) or 78 (bad configuration). */
export async function main(args: string[]): Promise<never> {
  let code = 0
  relaxCollector()
  let full: EventstormError | undefined
  // Whoever reads may leave early (`| head`); commands notice by their writes, and end. A full disk is a failure.
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE')
      full ??= new EventstormError('SINK_FAILED', `stdout takes no more: ${error.message}`)
  })
  try {
    await createProgram().parseAsync(args, { from: 'user' })
    // What befell the last write is told a turn later.
    await new Promise((resolve) => setImmediate(resolve))
    if (full) throw full
    code = Number(process.exitCode ?? 0)
  } catch (error) {
    code = report(error)
  }
  await flushed(process.stdout)
  process.exit(code)
}

function report(error: unknown): number {
  // Commander has said what was wrong already; help and version come this way too, with 0.
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : EX_USAGE
  const code = codeOf(error)
  if (code !== undefined) {
    tell(`eventstorm: ${code}: ${reason(error)}\n`)
    if (code === 'PIPELINE_INVALID') return EX_CONFIG
    return USAGE_ERRORS.has(code) ? EX_USAGE : EX_FAILURE
  }
  // Not foreseen, so whoever looks into it needs the stack.
  tell(`eventstorm: ${error instanceof Error ? (error.stack ?? error.message) : reason(error)}\n`)
  return EX_FAILURE
}

/** To the journal as what it is, an error: each line is an entry of its own there. */
function tell(text: string): void {
  process.stderr.write(isJournal() ? text.replace(/^(?=.)/gm, '<3>') : text)
}

/** An exit would cut off what a slow reader has not taken yet. */
function flushed(stream: NodeJS.WriteStream): Promise<void> {
  return new Promise((resolve) => {
    if (stream.destroyed || stream.writableLength === 0) resolve()
    else
      stream
        .once('drain', resolve)
        .once('error', () => resolve())
        .once('close', resolve)
  })
}
