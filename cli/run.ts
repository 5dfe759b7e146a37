import { pause, type Running, reason, systemClock } from '../lib/index.js'
import type { Log } from './logging.js'
import { KINDS, type Kind } from './resolve.js'

/** Something to start, and to stop when its turn comes. */
export interface Job {
  kind: Kind
  name: string
  start(): Promise<Running>
}

export interface RunOptions {
  log: Log
  /** Called when everything runs, for metrics and greetings. What it returns is closed at the end. */
  onRunning?(running: ReadonlyMap<Job, Running>): undefined | Promise<AsyncDisposable | undefined>
  /** Ends everything when it resolves, as failed when it rejects. */
  until?: Promise<unknown>
}

/** How long everything together may take to drain. */
const DRAIN_DEADLINE = 10_000
/** How long it may take to close what did not drain. */
const CLOSE_DEADLINE = 2000
/** An end is quiet when nothing has come for so long; what was sent before is then through. */
const QUIET_FOR = 40

const SIGNALS = { SIGINT: 130, SIGTERM: 143 } as const

/**
 * Runs jobs until they end by themselves, one fails, a signal comes, or the reader of stdout leaves. Routers
 * start first, then sinks, then sources, so that nothing is emitted into the void; they stop in the order of
 * the events: sources, routers, sinks.
 *
 * The one place for signals: the first SIGINT or SIGTERM drains within a deadline, a second one ends at once.
 *
 * @returns when all has ended well
 * @throws what made a job fail, after the others were drained
 */
export async function run(
  jobs: readonly Job[],
  { log, onRunning, until = never }: RunOptions,
): Promise<void> {
  const running = new Map<Job, Running>()
  const interruption = listen(log)
  let attended: AsyncDisposable | undefined
  let failure: unknown
  try {
    for (const kind of KINDS) {
      for (const job of jobs.filter((each) => each.kind === kind)) {
        if (interruption.happened) break
        running.set(job, await job.start())
      }
    }
    attended = await onRunning?.(running)
    await Promise.race([interruption.promise, allDone(running), until])
  } catch (error) {
    failure = error
  }
  await stopAll(running, log)
  await attended?.[Symbol.asyncDispose]()
  interruption.stop()
  // A sink that could not print because nobody reads any more has not failed.
  if (failure !== undefined && !interruption.unread) throw failure
}

/** Resolves when nothing will come any more, rejects when one has failed. */
async function allDone(running: ReadonlyMap<Job, Running>): Promise<void> {
  const entries = [...running]
  const sources = entries.filter(([job]) => job.kind === 'source')
  const decisive = sources.length > 0 ? sources : entries
  const failures = entries.map(([, each]) => each.ended.then(() => never))
  await Promise.race([Promise.all(decisive.map(([, each]) => each.ended)), ...failures])
}

const never = new Promise<never>(() => {})

function listen(log: Log) {
  let interrupt!: () => void
  const promise = new Promise<void>((resolve) => {
    interrupt = resolve
  })
  const state = { promise, happened: false, unread: false, stop }
  const onSignal = (signal: NodeJS.Signals) => {
    if (state.happened) process.exit(SIGNALS[signal as keyof typeof SIGNALS])
    log.of('eventstorm').info({ signal }, 'stopping; a second signal stops at once')
    state.happened = true
    interrupt()
  }
  // The reader has left (`| head`): nobody is there to write to, and that is no error. What else befalls it, main tells.
  const onPipe = (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') {
      log.silence()
      state.unread = true
    }
    state.happened = true
    interrupt()
  }
  function stop() {
    for (const signal of Object.keys(SIGNALS)) process.off(signal, onSignal)
  }
  for (const signal of Object.keys(SIGNALS)) process.on(signal, onSignal)
  process.stdout.on('error', onPipe)
  return state
}

async function stopAll(running: ReadonlyMap<Job, Running>, log: Log): Promise<void> {
  const deadline = new AbortController()
  const cancel = systemClock.after(DRAIN_DEADLINE, () => deadline.abort())
  const inTime = (work: Promise<unknown>) => Promise.race([work, aborted(deadline.signal)])
  for (const kind of ['source', 'router', 'sink'] as const) {
    const group = [...running].filter(([job]) => job.kind === kind)
    // What the stage before has sent is still on its way through the system's buffers.
    if (kind !== 'source' && running.size > group.length) {
      await inTime(Promise.all(group.map(([, each]) => quiet(each, deadline.signal))))
    }
    await inTime(Promise.all(group.map(([job, each]) => drain(job, each, log))))
  }
  cancel()
  if (!deadline.signal.aborted) return
  log.of('eventstorm').warn({ deadline: DRAIN_DEADLINE }, 'not drained in time; closing')
  await Promise.race([
    Promise.allSettled([...running.values()].map((each) => each.close())),
    pause(systemClock, CLOSE_DEADLINE),
  ])
}

async function drain(job: Job, each: Running, log: Log): Promise<void> {
  try {
    await each.drain()
  } catch (error) {
    // Its failure is told by `ended`; that it failed on the way out must not keep the others.
    log.of(job.name).warn({ error: reason(error) }, 'did not stop cleanly')
  }
}

/** Waits until no more messages come in. */
async function quiet(each: Running, signal: AbortSignal): Promise<void> {
  for (let before = -1; !signal.aborted && each.status === 'running'; ) {
    const { messages, messagesIn } = each.counters()
    const now = Number(messages ?? messagesIn ?? 0)
    if (now === before) return
    before = now
    await pause(systemClock, QUIET_FOR, signal)
  }
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve()
    else signal.addEventListener('abort', () => resolve(), { once: true })
  })
}
