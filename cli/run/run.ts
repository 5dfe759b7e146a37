import type { Log } from '../logging.js'
import { Crew, type Job } from './crew.js'
import { listen } from './signals.js'

export interface RunOptions {
  log: Log
  /** Called before anything is started. What it returns goes on until all has stopped. */
  serve?(): undefined | Promise<AsyncDisposable>
  /** Whether what sinks ask for has come to where sources will be heard; sources are started then. */
  arrived?(): boolean
  /** Called when everything was started, for greetings. */
  onStarted?(): void
  /** Ends everything when it resolves, as failed when it rejects. */
  until?: Promise<unknown>
  /**
   * Called at SIGHUP: the jobs that shall run from now on. The same object is the same job, which goes on as it is;
   * those that are missing are stopped, and then those that are new are started.
   */
  reload?(): Promise<readonly Job[]>
}

const never = new Promise<never>(() => {})

/**
 * Runs jobs until they end by themselves, one fails, a signal comes, or the reader of stdout leaves. A signal to end does
 * not wait for a start that is under way.
 *
 * @returns when all has ended well
 * @throws what made a job fail, after the others were drained
 */
export async function run(jobs: readonly Job[], options: RunOptions): Promise<void> {
  const { log, serve, arrived, onStarted, until = never, reload } = options
  const crew = new Crew(log)
  const signals = listen(log, reload !== undefined)
  const start = (some: readonly Job[]) => crew.start(some, () => signals.ending, arrived)
  const change = async () => {
    const next = await reload!()
    if (signals.ending) return
    await crew.keepOnly(next)
    await start(next)
  }
  let served: AsyncDisposable | undefined
  let failure: unknown
  try {
    served = await serve?.()
    await Promise.race([start(jobs), signals.ended])
    if (!signals.ending) onStarted?.()
    const end = Promise.race([signals.ended, until])
    const over = () => Promise.race([end, crew.ended()]).then(() => 'over' as const)
    while ((await Promise.race([over(), signals.hangup()])) !== 'over') {
      await Promise.race([change(), signals.ended])
    }
  } catch (error) {
    failure = error
  }
  await crew.stopAll()
  await served?.[Symbol.asyncDispose]()
  signals.stop()
  // A sink that could not print because nobody reads any more has not failed.
  if (failure !== undefined && !signals.unread) throw failure
}
