import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import type { Counters } from '../lib/index.js'
import type { Command, Flow } from './role.js'

interface Report {
  done: true
  counters: Counters
  /** Resident memory of the process, bytes. */
  rss: number
}

/** A source, router or sink in a process of its own, to be killed, stopped and restarted. */
export class Remote implements AsyncDisposable {
  readonly endpoints: readonly string[]
  #child: ChildProcess
  /** Aborted when it has ended: it answers nothing any more. */
  #gone: AbortSignal

  private constructor(child: ChildProcess, gone: AbortSignal, endpoints: readonly string[]) {
    this.#child = child
    this.#gone = gone
    this.endpoints = endpoints
  }

  /** Starts it; resolves when its sockets are open. */
  static async start(
    role: 'source' | 'router' | 'sink',
    options: object,
    /** A program that runs it, such as `ip netns exec NAME`. */
    through: readonly string[] = [],
  ): Promise<Remote> {
    const [execPath = process.execPath, ...execArgv] = [...through, process.execPath]
    const program = fileURLToPath(new URL('./role.js', import.meta.url))
    const child = fork(program, [role, JSON.stringify(options)], {
      execPath,
      execArgv: through.length > 0 ? execArgv : [],
    })
    const gone = new AbortController()
    child.once('exit', (code, signal) =>
      gone.abort(new Error(`the ${role} ended with ${code ?? signal} before it answered`)),
    )
    const { endpoints } = await nextMessage(child, gone.signal)
    return new Remote(child, gone.signal, endpoints)
  }

  /** Its process id. */
  get pid(): number {
    return this.#child.pid!
  }

  async #tell(command: Command): Promise<Report> {
    const answer = nextMessage(this.#child, this.#gone)
    if (this.#child.connected) this.#child.send(command)
    return answer
  }

  /** What it has counted so far. */
  counters(): Promise<Counters> {
    return this.look().then((report) => report.counters)
  }

  /** What it has counted so far, and the memory that it holds. */
  look(): Promise<Report> {
    return this.#tell({ look: true })
  }

  /** Sources: emits `count` events `{ i }` once somebody listens, and resolves when they were sent. */
  emit(type: string, count: number, turnEvery?: number): Promise<Report> {
    return this.#tell({ emit: { type, count, ...(turnEvery !== undefined && { turnEvery }) } })
  }

  /** Sources: goes on emitting, instead of what it emitted so far; a rate of 0 ends it. */
  flow(flow: Flow): Promise<Report> {
    return this.#tell({ flow })
  }

  /** Drains it; the process ends by itself. */
  async drain(): Promise<Report> {
    const gone = once(this.#child, 'exit')
    const report = await this.#tell({ drain: true })
    await gone
    return report
  }

  /** SIGSTOP: it stands still, its connections stay open. */
  pause(): void {
    this.#child.kill('SIGSTOP')
  }

  /** SIGCONT. */
  resume(): void {
    this.#child.kill('SIGCONT')
  }

  /** SIGKILL, and waits for its end. */
  async kill(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return
    const gone = once(this.#child, 'exit')
    this.#child.kill('SIGKILL')
    await gone
  }

  /** Kills it. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.kill()
  }
}

/** Whoever waits for one that has ended hears of its end. */
async function nextMessage(child: ChildProcess, gone: AbortSignal) {
  try {
    const [message] = await once(child, 'message', { signal: gone })
    return message
  } catch (error) {
    throw gone.reason ?? error
  }
}
