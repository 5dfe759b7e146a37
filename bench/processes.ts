import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'

/** What a role tells the bench, over the channel of its process. */
export type Report = Record<string, unknown>

/** One role of a bench in a process of its own. */
export class RoleProcess {
  readonly role: string
  #child: ChildProcess
  #reports: Report[] = []

  /** @param role name of a role in `program`, roles.ts by default */
  constructor(role: string, options: object, program = './roles.js') {
    this.role = role
    this.#child = fork(fileURLToPath(new URL(program, import.meta.url)), [role, JSON.stringify(options)])
    this.#child.on('message', (report: Report) => this.#reports.push(report))
    this.#child.on('exit', (code) => {
      if (code) this.#reports.push({ failed: `${role} exited with ${code}` })
    })
  }

  get pid(): number {
    return this.#child.pid!
  }

  /** The next report that has the key. */
  async report<T extends Report>(key: string): Promise<T> {
    for (;;) {
      const failure = this.#reports.find((report) => 'failed' in report)
      if (failure) throw new Error(String(failure.failed))
      const index = this.#reports.findIndex((report) => key in report)
      if (index >= 0) return this.#reports.splice(index, 1)[0] as T
      await Promise.race([once(this.#child, 'message'), once(this.#child, 'exit')])
    }
  }

  tell(message: object): void {
    this.#child.send(message)
  }

  signal(name: NodeJS.Signals): void {
    this.#child.kill(name)
  }

  async stop(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return
    const gone = once(this.#child, 'exit')
    this.#child.kill('SIGKILL')
    await gone
  }
}

/** A sender and a receiver in two processes, with a router in a third between them if wanted. */
export class Line implements AsyncDisposable {
  private constructor(
    readonly sender: RoleProcess,
    readonly receiver: RoleProcess,
    readonly router: RoleProcess | undefined,
  ) {}

  /** Resolves when all are connected and the sender waits for a word. */
  static async start(
    senderRole: string,
    receiverRole: string,
    routed: boolean,
    options: object,
  ): Promise<Line> {
    const started: RoleProcess[] = []
    const start = (role: string, more: object) => {
      const process = new RoleProcess(role, { ...options, ...more })
      started.push(process)
      return process
    }
    try {
      const router = routed ? start('router', {}) : undefined
      const between = await router?.report<{ ready: string; sinks: string }>('ready')
      const receiver = start(receiverRole, { endpoint: between?.sinks })
      const { ready } = await receiver.report<{ ready: string }>('ready')
      const sender = start(senderRole, { endpoint: between?.ready ?? ready })
      await sender.report('ready')
      return new Line(sender, receiver, router)
    } catch (error) {
      for (const process of started) await process.stop()
      throw error
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const process of [this.sender, this.receiver, this.router]) await process?.stop()
  }
}

export const median = (values: number[]): number => {
  const sorted = [...values].sort((a, b) => a - b)
  const middle = sorted.length >> 1
  return sorted.length % 2 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2
}
