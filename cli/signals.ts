import { isatty } from 'node:tty'
import type { Log } from './logging.js'

const ENDS = { SIGINT: 130, SIGTERM: 143 } as const

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
 * The one place for signals: the first SIGINT or SIGTERM ends the program, a second one at once; so does a reader of
 * stdout that leaves. SIGHUP is taken when there is something to read again, and kills the program otherwise.
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
    if (state.ending) process.exit(ENDS[signal as keyof typeof ENDS])
    log.of('eventstorm').info({ signal }, 'stopping; a second signal stops at once')
    finish()
  }
  const onHangup = () => {
    // A terminal that was closed sends it too, and nobody wants to go on without knowing.
    if (process.stderr.isTTY && !isatty(2)) return finish()
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
    for (const signal of Object.keys(ENDS)) process.off(signal, onSignal)
    process.off('SIGHUP', onHangup)
  }
  for (const signal of Object.keys(ENDS)) process.on(signal, onSignal)
  if (reloads) process.on('SIGHUP', onHangup)
  process.stdout.on('error', onPipe)
  return state
}
