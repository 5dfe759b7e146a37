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

  /** @param role name of a role in roles.ts */
  constructor(role: string, options: object) {
    this.role = role
    this.#child = fork(fileURLToPath(new URL('./roles.js', import.meta.url)), [role, JSON.stringify(options)])
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

export const median = (values: number[]): number => {
  const sorted = [...values].sort((a, b) => a - b)
  const middle = sorted.length >> 1
  return sorted.length % 2 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2
}
