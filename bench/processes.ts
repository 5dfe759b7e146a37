import { type ChildProcess, fork, spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'

/** What a role tells the bench, over the channel of its process. */
export type Report = Record<string, unknown>

/** One role of a bench in a process of its own. */
export class RoleProcess {
  readonly role: string
  #child: ChildProcess
  #reports: Report[] = []
  #wake = () => {}
  #relayed = new Map<string, RoleProcess[]>()

  /**
   * @param role name of a role in `program`, roles.ts by default
   * @param program a module beside this one, or the path of a native program, which finds the channel's file descriptor
   *   in NODE_CHANNEL_FD: lines of JSON, both ways
   */
  constructor(role: string, options: object, program = './roles.js', nodeOptions: string[] = []) {
    this.role = role
    const given = [role, JSON.stringify(options)]
    const execArgv = [...process.execArgv, ...nodeOptions]
    this.#child = program.endsWith('.js')
      ? fork(fileURLToPath(new URL(program, import.meta.url)), given, { execArgv })
      : spawn(program, given, { stdio: ['inherit', 'inherit', 'inherit', 'ipc'] })
    this.#child.on('message', (report: Report) => {
      for (const key in report) {
        const others = this.#relayed.get(key)
        if (others === undefined) continue
        for (const other of others) other.tell(report)
        return
      }
      this.#reports.push(report)
      this.#wake()
    })
    this.#child.on('exit', (code, signal) => {
      this.#reports.push({ failed: `${role} ended with ${code ?? signal}` })
      this.#wake()
    })
  }

  get pid(): number {
    return this.#child.pid!
  }

  /** Reports with this key go on to another role, as they are. */
  relay(key: string, to: RoleProcess): void {
    this.#relayed.set(key, [...(this.#relayed.get(key) ?? []), to])
  }

  /** The next report that has the key. */
  async report<T extends Report>(key: string): Promise<T> {
    for (;;) {
      const index = this.#reports.findIndex((report) => key in report)
      if (index >= 0) return this.#reports.splice(index, 1)[0] as T
      const failure = this.#reports.find((report) => 'failed' in report)
      if (failure) throw new Error(String(failure.failed))
      await new Promise<void>((resolve) => {
        const others = this.#wake
        this.#wake = () => {
          others()
          resolve()
        }
      })
    }
  }

  tell(message: object): void {
    // It may just have ended.
    if (this.#child.connected) this.#child.send(message, () => {})
  }

  /** CPU it has used since this was last asked, seconds; of roles that answer marks. */
  async used(): Promise<number> {
    this.tell({ mark: true })
    return (await this.report<{ used: number }>('used')).used
  }

  signal(name: NodeJS.Signals): void {
    this.#child.kill(name)
  }

  get #ended(): boolean {
    return this.#child.exitCode !== null || this.#child.signalCode !== null
  }

  async stop(): Promise<void> {
    if (this.#ended) return
    const gone = once(this.#child, 'exit')
    this.#child.kill('SIGKILL')
    await gone
  }
}

/** Who plays a role: its name, the program that it is in, and options of its own. */
export interface Player {
  role: string
  program?: string | undefined
  options?: object
}

/** A sender and a receiver in two processes, with a router in a third between them if wanted. */
export class Line implements AsyncDisposable {
  private constructor(
    readonly sender: RoleProcess,
    readonly receiver: RoleProcess,
    readonly router: RoleProcess | undefined,
  ) {}

  /** Resolves when all are connected and the sender waits for a word. What the receiver has taken is told the sender. */
  static async start(
    sending: string | Player,
    receiving: string | Player,
    routing: boolean | Player,
    options: object,
  ): Promise<Line> {
    const started: RoleProcess[] = []
    const start = (player: string | Player, more: object) => {
      const { role, program, options: own } = asPlayer(player)
      const process = new RoleProcess(role, { ...options, ...more, ...own }, program)
      started.push(process)
      return process
    }
    try {
      const router = routing ? start(routing === true ? 'router' : routing, {}) : undefined
      const between = await router?.report<{ ready: string; sinks: string }>('ready')
      const receiver = start(receiving, { endpoint: between?.sinks })
      const { ready } = await receiver.report<{ ready: string }>('ready')
      const sender = start(sending, { endpoint: between?.ready ?? ready })
      receiver.relay('taken', sender)
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

const asPlayer = (player: string | Player): Player => (typeof player === 'string' ? { role: player } : player)

export const median = (values: number[]): number => {
  const sorted = [...values].sort((a, b) => a - b)
  const middle = sorted.length >> 1
  return sorted.length % 2 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2
}
