import { Crew, type Job } from './crew.js'
import type { Log } from './logging.js'
import { listen } from './signals.js'

export interface RunOptions {
  log: Log
  /** Called when everything runs, for metrics and greetings. What it returns is closed at the end. */
  onRunning?(): undefined | Promise<AsyncDisposable | undefined>
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
 * Runs jobs until they end by themselves, one fails, a signal comes, or the reader of stdout leaves.
 *
 * @returns when all has ended well
 * @throws what made a job fail, after the others were drained
 */
export async function run(jobs: readonly Job[], options: RunOptions): Promise<void> {
  const { log, onRunning, until = never, reload } = options
  const crew = new Crew(log)
  const signals = listen(log, reload !== undefined)
  let attended: AsyncDisposable | undefined
  let failure: unknown
  try {
    await crew.start(jobs, () => signals.ending)
    attended = await onRunning?.()
    const end = Promise.race([signals.ended, until])
    const over = () => Promise.race([end, crew.ended()]).then(() => 'over' as const)
    while ((await Promise.race([over(), signals.hangup()])) !== 'over') {
      const next = await reload!()
      await crew.keepOnly(next)
      await crew.start(next, () => signals.ending)
    }
  } catch (error) {
    failure = error
  }
  await crew.stopAll()
  await attended?.[Symbol.asyncDispose]()
  signals.stop()
  // A sink that could not print because nobody reads any more has not failed.
  if (failure !== undefined && !signals.unread) throw failure
}
