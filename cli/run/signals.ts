import { isatty } from 'node:tty'
import type { Log } from '../logging.js'

const EXIT_CODES = { SIGINT: 130, SIGTERM: 143 } as const
const ENDS = Object.keys(EXIT_CODES)

/** What comes to the program from outside. */
export interface Signals {
  /** Resolves when it shall end. */
  readonly ended: Promise<void>
  /** Whether it shall end. */
  readonly ending: boolean
  /** Whether it ends because nobody reads what it prints any more. */
  readonly unread: boolean
  /** Resolves when the file shall be read again; each call waits for a signal that no call before has had. */
  hangup(): Promise<void>
  stop(): void
}

/**
 * The one place for signals: the first SIGINT or SIGTERM ends the program, a second one at once, as if nobody had taken
 * it; so does a reader of stdout that leaves. SIGHUP is taken when there is something to read again, and kills the program
 * otherwise.
 */
export function listen(log: Log, reloads: boolean): Signals {
  let end!: () => void
  let hungUp = false
  let onHungUp = () => {}
  const state = {
    ended: new Promise<void>((resolve) => {
      end = resolve
    }),
    ending: false,
    unread: false,
    hangup: () =>
      new Promise<void>((resolve) => {
        onHungUp = () => {
          hungUp = false
          onHungUp = () => {}
          resolve()
        }
        if (hungUp) onHungUp()
      }),
    stop,
  }
  const finish = () => {
    state.ending = true
    end()
  }
  const onSignal = (signal: NodeJS.Signals) => {
    if (state.ending) {
      // Not by process.exit: threads of drivers that are at work then abort the process.
      stop()
      process.kill(process.pid, signal)
      // The first process of a container is not killed by that.
      setTimeout(() => process.exit(EXIT_CODES[signal as keyof typeof EXIT_CODES]), 100)
      return
    }
    log.of('eventstorm').info({ signal }, 'stopping; a second signal stops at once')
    finish()
  }
  const onHangup = () => {
    // A terminal that was closed sends it too, and nobody wants to go on without knowing.
    if (process.stderr.isTTY && !isatty(2)) {
      log.silence()
      return finish()
    }
    hungUp = true
    onHungUp()
  }
  // The reader has left (`| head`): nobody is there to write to, and that is no error. What else befalls it, main tells.
  const onPipe = (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') {
      log.silence()
      state.unread = true
    }
    finish()
  }
  function stop() {
    for (const signal of ENDS) process.off(signal, onSignal)
    process.off('SIGHUP', onHangup)
  }
  for (const signal of ENDS) process.on(signal, onSignal)
  if (reloads) process.on('SIGHUP', onHangup)
  process.stdout.on('error', onPipe)
  return state
}
