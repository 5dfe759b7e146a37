import { pause, type Running, reason, systemClock } from '../lib/index.js'
import type { Log } from './logging.js'
import { quiet } from './quiet.js'
import { ALONG_THE_WAY, KINDS, type Kind } from './resolve.js'

/** Something to start, and to stop when its turn comes. */
export interface Job {
  kind: Kind
  name: string
  start(): Promise<Running>
}

/** How long everything together may take to drain. */
const DRAIN_DEADLINE = 10_000
/** How long it may take to close what did not drain. */
const CLOSE_DEADLINE = 2000

/**
 * All that runs in this program. Routers start first, then sinks, then sources, so that nothing is emitted into the
 * void; they stop in the order of the events: sources, routers, sinks.
 */
export class Crew {
  #running = new Map<Job, Running>()
  #log: Log

  constructor(log: Log) {
    this.#log = log
  }

  /**
   * Starts what is new, one after the other, until `enough`.
   * @throws what kept one from starting
   */
  async start(jobs: readonly Job[], enough: () => boolean): Promise<void> {
    for (const kind of KINDS) {
      for (const job of jobs.filter((each) => each.kind === kind && !this.#running.has(each))) {
        if (enough()) return
        this.#running.set(job, await job.start())
      }
    }
  }

  /** Stops those that are not among `jobs`, and leaves the others alone. */
  async keepOnly(jobs: readonly Job[]): Promise<void> {
    const gone = new Map([...this.#running].filter(([job]) => !jobs.includes(job)))
    await this.#stop(gone, () => Promise.resolve())
    for (const job of gone.keys()) this.#running.delete(job)
  }

  /** Stops all, each when what comes from those before it is through. */
  stopAll(): Promise<void> {
    return this.#stop(this.#running, quiet)
  }

  /** Resolves when nothing will come any more from those that run now, rejects when one of them has failed. */
  async ended(): Promise<void> {
    const entries = [...this.#running]
    const sources = entries.filter(([job]) => job.kind === 'source')
    const decisive = sources.length > 0 ? sources : entries
    const failures = entries.map(([, each]) => each.ended.then(() => never))
    await Promise.race([Promise.all(decisive.map(([, each]) => each.ended)), ...failures])
  }

  async #stop(going: ReadonlyMap<Job, Running>, settled: typeof quiet): Promise<void> {
    const deadline = new AbortController()
    const cancel = systemClock.after(DRAIN_DEADLINE, () => deadline.abort())
    const inTime = (work: Promise<unknown>) => Promise.race([work, aborted(deadline.signal)])
    for (const kind of ALONG_THE_WAY) {
      const group = [...going].filter(([job]) => job.kind === kind)
      // What the stage before has sent is still on its way through the system's buffers.
      if (kind !== 'source' && going.size > group.length) {
        await inTime(Promise.all(group.map(([, each]) => settled(each, deadline.signal))))
      }
      await inTime(Promise.all(group.map(([job, each]) => this.#drain(job, each))))
    }
    cancel()
    if (!deadline.signal.aborted) return
    this.#log.of('eventstorm').warn({ deadline: DRAIN_DEADLINE }, 'not drained in time; closing')
    await Promise.race([
      Promise.allSettled([...going.values()].map((each) => each.close())),
      pause(systemClock, CLOSE_DEADLINE),
    ])
  }

  async #drain(job: Job, each: Running): Promise<void> {
    try {
      await each.drain()
    } catch (error) {
      // Its failure is told by `ended`; that it failed on the way out must not keep the others.
      this.#log.of(job.name).warn({ error: reason(error) }, 'did not stop cleanly')
    }
  }
}

const never = new Promise<never>(() => {})

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve()
    else signal.addEventListener('abort', () => resolve(), { once: true })
  })
}
