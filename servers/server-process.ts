import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as pause } from 'node:timers/promises'

/** How much of what a server prints is kept, characters. */
const KEPT_OUTPUT = 4096
const ASK_AGAIN = 50

export interface ServerOptions {
  /** What it is called in errors. */
  name: string
  /** The program and its arguments. */
  command: [string, ...string[]]
  env?: Record<string, string>
  /** Asks the server whether it is there; called again and again until it does not reject. */
  ready(): Promise<unknown>
  /** How long it may take until it is ready, milliseconds. Default: 60000. */
  timeout?: number
}

/**
 * A real server as a process of its own, to be stopped, killed and started again. It dies with the process that
 * started it, also when that is killed.
 */
export class ServerProcess implements AsyncDisposable {
  readonly #options: ServerOptions
  #child: ChildProcess | undefined
  #output = ''

  private constructor(options: ServerOptions) {
    this.#options = options
  }

  /** Starts it; resolves when it has answered. @throws with what it printed, when it does not */
  static async start(options: ServerOptions): Promise<ServerProcess> {
    const server = new ServerProcess(options)
    await server.start()
    return server
  }

  /** Whether its process is there, paused or not. */
  get running(): boolean {
    return this.#child !== undefined && this.#child.exitCode === null && this.#child.signalCode === null
  }

  get pid(): number | undefined {
    return this.running ? this.#child!.pid : undefined
  }

  /** The last of what it printed. */
  get output(): string {
    return this.#output
  }

  /** Starts it, again, with the same command: same port, same data. */
  async start(): Promise<void> {
    if (this.running) throw new Error(`${this.#options.name} is running`)
    const { command, env } = this.#options
    // The kernel kills it when this process is gone, whatever ended that.
    const child = spawn('setpriv', ['--pdeathsig', 'KILL', '--', ...command], {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, ...env },
    })
    this.#child = child
    const keep = (text: string) => {
      this.#output = (this.#output + text).slice(-KEPT_OUTPUT)
    }
    for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', keep)
    const failed = new Promise<never>((_, reject) => child.once('error', reject))
    const late = new AbortController()
    try {
      await Promise.race([this.#answer(late.signal), failed])
    } catch (error) {
      await this.kill()
      throw error
    } finally {
      late.abort()
    }
  }

  async #answer(signal: AbortSignal): Promise<void> {
    const { name, ready, timeout = 60_000 } = this.#options
    let last: unknown = 'no answer yet'
    const asked = async () => {
      while (this.running && !signal.aborted) {
        try {
          await ready()
          return 'ready'
        } catch (error) {
          last = error
          await pause(ASK_AGAIN)
        }
      }
      return 'ended'
    }
    const outcome = await Promise.race([asked(), pause(timeout, 'late', { signal })])
    if (outcome === 'ready') return
    if (outcome === 'late')
      throw new Error(`${name} did not answer within ${timeout} ms: ${last}\n${this.#output}`)
    const { exitCode, signalCode } = this.#child!
    throw new Error(`${name} ended with ${exitCode ?? signalCode} before it answered\n${this.#output}`)
  }

  /** SIGSTOP: it stands still, its connections stay open. */
  pause(): void {
    this.#child?.kill('SIGSTOP')
  }

  /** SIGCONT. */
  resume(): void {
    this.#child?.kill('SIGCONT')
  }

  /** SIGKILL, and waits for its end. */
  kill(): Promise<void> {
    return this.#end('SIGKILL')
  }

  /** SIGTERM, and waits for its end; a server that takes longer than `patience` milliseconds is killed. */
  async stop(patience = 10_000): Promise<void> {
    const impatient = setTimeout(() => this.#child?.kill('SIGKILL'), patience)
    await this.#end('SIGTERM')
    clearTimeout(impatient)
  }

  async restart(): Promise<void> {
    await this.stop()
    await this.start()
  }

  async #end(signal: NodeJS.Signals): Promise<void> {
    if (!this.running || this.#child?.pid === undefined) return
    const gone = once(this.#child, 'exit')
    this.#child.kill(signal)
    await gone
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.kill()
  }
}
