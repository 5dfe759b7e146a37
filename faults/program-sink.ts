import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'

const PROGRAM = fileURLToPath(new URL('../cli/eventstorm.js', import.meta.url))

/** A sink as the program runs it, in a process of its own; ends with this one. */
export class ProgramSink {
  #child: ChildProcess
  #end = () => void this.#child.kill('SIGKILL')

  /** @param words its name and its flags */
  constructor(words: readonly string[]) {
    this.#child = spawn(process.execPath, [PROGRAM, 'sink', ...words], { stdio: 'ignore' })
    process.once('exit', this.#end)
  }

  get pid(): number {
    return this.#child.pid!
  }

  pause(): void {
    this.#child.kill('SIGSTOP')
  }

  resume(): void {
    this.#child.kill('SIGCONT')
  }

  async kill(): Promise<void> {
    process.off('exit', this.#end)
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return
    const gone = once(this.#child, 'exit')
    this.#end()
    await gone
  }
}
