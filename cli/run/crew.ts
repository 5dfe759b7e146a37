import { pause, type Running, reason, systemClock } from '../../lib/index.js'
import type { Log } from '../logging.js'
import { ALONG_THE_WAY, KINDS, type Kind } from '../resolve.js'
import { quiet } from './quiet.js'

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
/** How long sources wait for what sinks ask for to come to where they will be heard; beyond it something is wrong there. */
const ARRIVE_WITHIN = 2000
/** Time between two looks whether they have. */
const ARRIVE_LOOK = 5

/**
 * All that runs in this program. Routers start first, then sinks, then sources, so that nothing is emitted into the
 * void; they stop in the order of the events: sources, routers, sinks. Those of a kind start side by side.
 */
export class Crew {
  #running = new Map<Job, Running>()
  /** Starts that are under way. */
  #starting = new Map<Job, Promise<unknown>>()
  #log: Log

  constructor(log: Log) {
    this.#log = log
  }

  /**
   * Starts what is new, kind by kind, until `enough`.
   * @param arrived whether those before the sources have come to where they dial; it is waited for, but not for ever
   * @throws what kept one from starting
   */
  async start(jobs: readonly Job[], enough: () => boolean, arrived = () => true): Promise<void> {
    for (const kind of KINDS) {
      if (enough()) return
      const fresh = jobs.filter((each) => each.kind === kind && !this.#running.has(each))
      if (kind === 'source' && fresh.length > 0) await this.#arrive(arrived, enough)
      await Promise.all(fresh.map((job) => this.#start(job)))
    }
  }

  async #arrive(arrived: () => boolean, enough: () => boolean): Promise<void> {
    for (let waited = 0; waited < ARRIVE_WITHIN && !enough() && !arrived(); waited += ARRIVE_LOOK)
      await pause(systemClock, ARRIVE_LOOK)
  }

  async #start(job: Job): Promise<void> {
    const started = job.start()
    this.#starting.set(job, started)
    try {
      this.#running.set(job, await started)
    } finally {
      this.#starting.delete(job)
    }
  }

  /** Stops those that are not among `jobs`, and leaves the others alone. */
  async keepOnly(jobs: readonly Job[]): Promise<void> {
    const gone = new Map([...this.#running].filter(([job]) => !jobs.includes(job)))
    await this.#stop(gone, () => Promise.resolve())
    for (const job of gone.keys()) this.#running.delete(job)
  }

  /** Stops all, each when what comes from those before it is through; what is starting, once it has started. */
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
    const left = new Set([...going.keys(), ...this.#starting.keys()])
    const deadline = new AbortController()
    const half = new AbortController()
    const cancels = [
      systemClock.after(DRAIN_DEADLINE, () => deadline.abort()),
      // What hangs before them takes no time from the sinks, where events wait to be written.
      systemClock.after(DRAIN_DEADLINE / 2, () => half.abort()),
    ]
    for (const kind of ALONG_THE_WAY) {
      const { signal } = kind === 'sink' ? deadline : half
      const inTime = (work: Promise<unknown>) => Promise.race([work, aborted(signal)])
      const late = [...this.#starting].filter(([job]) => job.kind === kind)
      await inTime(Promise.allSettled(late.map(([, started]) => started)))
      const group = [...going].filter(([job]) => job.kind === kind)
      // What the stage before has sent is still on its way through the system's buffers.
      if (kind !== 'source' && going.size > group.length) {
        await inTime(Promise.all(group.map(([, each]) => settled(each, signal))))
      }
      const drained = group.map(([job, each]) => this.#drain(job, each).then(() => left.delete(job)))
      await inTime(Promise.all(drained))
    }
    for (const cancel of cancels) cancel()
    if (left.size === 0) return
    const parts = [...left].map(({ name }) => name).sort()
    this.#log.of('eventstorm').warn({ parts }, 'not drained in time; closing')
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
