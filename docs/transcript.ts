import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { hostname, tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

/*
 * Documents show commands and what they print as blocks of `console`: a line with `$ ` is a command, the lines below it are its
 * output. Here they are run by a real shell, one after the other, in a folder of their own.
 */

export interface Step {
  command: string
  /** What the document says that it prints. */
  output: string
}

/** All commands of a document, in order. */
export function stepsOf(markdown: string): Step[] {
  const blocks = [...markdown.matchAll(/^```console\n([\s\S]*?)^```$/gm)].map(([, block]) => block!)
  return blocks.flatMap((block) =>
    block
      .split(/^\$ /m)
      .slice(1)
      .map((text) => {
        const [command, ...output] = text.trimEnd().split('\n')
        return { command: command!, output: output.join('\n') }
      }),
  )
}

/** Commands that only look, and may be given again until they show what is expected. */
export const isLook = (command: string) => /^(tail|curl|wc) /.test(command)

const PROGRAM = fileURLToPath(new URL('../cli/eventstorm.js', import.meta.url))
/** What makes the default endpoints explicit: documents use them, tests have ports of their own. */
const ENDS: Record<string, string> = {
  router: '--bind-sources tcp://127.0.0.1:5555 --bind-sinks tcp://127.0.0.1:5556',
  source: '--connect tcp://127.0.0.1:5555',
  emit: '--connect tcp://127.0.0.1:5555',
  sink: '--connect tcp://127.0.0.1:5556 --report tcp://127.0.0.1:5555',
  top: '--connect tcp://127.0.0.1:5556',
  tap: '--connect tcp://127.0.0.1:5556',
}

/** What this machine is called in documents. */
const HOST = 'web-1'

/** The same command on this machine, with each port replaced by another one. */
export function here(command: string, ports: ReadonlyMap<string, number>): string {
  const explicit = command.replace(/\beventstorm (\w+)([^|<>&]*)/g, (whole, name, rest) =>
    name in ENDS && !/--(connect|bind)/.test(rest) ? `${whole.trimEnd()} ${ENDS[name]} ` : whole,
  )
  return explicit
    .replaceAll(HOST, hostname())
    .replace(/\b\d{4,5}\b/g, (digits) => String(ports.get(digits) ?? digits))
}

/** A shell in a new folder, with the program `eventstorm`. Leaving its scope kills it and all that it has started. */
export class Shell implements AsyncDisposable {
  readonly folder: string
  #process: ChildProcessWithoutNullStreams
  #stdout = ''
  #said = () => {}
  #exit: Promise<void>

  private constructor(folder: string) {
    this.folder = folder
    const { NODE_TEST_CONTEXT: _, ...env } = process.env
    this.#process = spawn('bash', ['--noprofile', '--norc'], {
      cwd: folder,
      // A group of its own, so that all of it can be killed.
      detached: true,
      env: { ...env, NO_COLOR: '1', PATH: `${join(folder, '.bin')}:${env.PATH}` },
    })
    this.#process.stderr.resume()
    this.#process.stdout.setEncoding('utf8').on('data', (text) => {
      this.#stdout += text
      this.#said()
    })
    this.#exit = new Promise((resolve) => {
      this.#process.once('exit', () => {
        resolve()
        this.#said()
      })
    })
  }

  static async open(): Promise<Shell> {
    const folder = await mkdtemp(join(tmpdir(), 'eventstorm-transcript-'))
    const shell = new Shell(folder)
    const program = `#!/bin/sh\nexec '${process.execPath}' '${PROGRAM}' "$@"\n`
    const { code } = await shell.run('mkdir .bin')
    if (code !== 0) throw new Error(`expected a folder to write to, got ${folder}`)
    await writeFile(join(folder, '.bin/eventstorm'), program, { mode: 0o755 })
    return shell
  }

  /** Gives it one command, and waits for its end; what is sent to the background goes on. */
  async run(command: string): Promise<{ stdout: string; code: number }> {
    const from = this.#stdout.length
    const end = /\n?<end (\d+)>\n$/
    this.#process.stdin.write(`${command}\necho "<end $?>"\n`)
    for (;;) {
      const said = this.#stdout.slice(from)
      const found = end.exec(said)
      if (found) return { stdout: said.slice(0, found.index).trimEnd(), code: Number(found[1]) }
      if (this.#process.exitCode !== null || this.#process.signalCode !== null)
        throw new Error(`the shell ended at: ${command}\n${said}`)
      await new Promise<void>((resolve) => {
        this.#said = resolve
      })
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    try {
      process.kill(-this.#process.pid!, 'SIGKILL')
    } catch {
      // It has ended already.
    }
    await this.#exit
    await rm(this.folder, { recursive: true, force: true })
  }
}

/** What differs from run to run or from machine to machine, made alike: host, times, widths of columns. */
export function plain(text: string): string {
  return text
    .replaceAll(hostname(), HOST)
    .replace(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, '2026-11-21T12:00:00.000Z')
    .replace(/\d\d:\d\d:\d\dZ/g, '12:00:00Z')
    .replace(/ +/g, ' ')
    .replace(/ $/gm, '')
}

/** The same with every number from 100 on as `N`: a document says that such numbers differ. */
export const roughly = (text: string) => plain(text).replace(/(?<![\d:.T-])[1-9]\d{2,}(?![\d:.-])/g, 'N')
