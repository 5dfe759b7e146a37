import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { built, type Recipe } from './build.js'
import { freePort } from './free-port.js'
import { findProgram } from './programs.js'
import { ServerProcess } from './server-process.js'

/** Where one server runs. */
export interface Place {
  /** The folder with what its recipe has made. */
  built: string
  host: string
  port: number
  /** A folder of its own. */
  data: string
}

/** How one kind of server is built and run. */
export interface KindOptions extends Recipe {
  /** Of its URL. */
  scheme: string
  /** The programs it is built and run with. */
  programs: string[]
  /** What else is in the way, as a sentence. */
  obstacle?(): string | undefined
  /** The program and its arguments; may write into the data folder before. */
  command(place: Place): [string, ...string[]] | Promise<[string, ...string[]]>
  env?: Record<string, string>
  /** Asks the server; rejects as long as it does not answer. */
  ready(place: Place): Promise<unknown>
  /** Milliseconds until it must be ready. Default: 60000. */
  timeout?: number
}

/** A server at work, with its place. */
export interface RunningServer extends AsyncDisposable {
  readonly url: string
  readonly place: Place
  readonly process: ServerProcess
}

/** One kind of real server that tests run. */
export class ServerKind {
  readonly name: string
  readonly #options: KindOptions

  constructor(options: KindOptions) {
    this.name = options.name
    this.#options = options
  }

  /** Why it cannot run on this machine; undefined when it can. */
  unavailable(): string | undefined {
    const missing = ['setpriv', 'flock', ...this.#options.programs].filter((name) => !findProgram(name))
    if (missing.length > 0) return `${this.name} needs ${missing.join(', ')}, not found on the PATH`
    return this.#options.obstacle?.()
  }

  /**
   * What `node:test` takes as `skip`: false when the server can run, else the reason, which is said aloud on stderr too.
   * @throws with CI=true in the environment, where a suite must not be left out
   */
  skip(): string | false {
    const reason = this.unavailable()
    if (reason === undefined) return false
    if (process.env.CI === 'true') throw new Error(`${reason}; in CI nothing is skipped`)
    process.stderr.write(`\nNOT TESTED: ${reason}\n\n`)
    return reason
  }

  /** Builds it when it is not built yet; resolves with the folder. */
  prepare(): Promise<string> {
    return built(this.#options)
  }

  /**
   * Starts one; resolves when it answers.
   * @param at Default: the loopback interface, a free port, and a new data folder that is removed with the server.
   */
  async start(at: { host?: string; port?: number; data?: string } = {}): Promise<RunningServer> {
    const { name, scheme, command, env, ready, timeout } = this.#options
    const host = at.host ?? '127.0.0.1'
    const place = {
      built: await this.prepare(),
      host,
      port: at.port ?? (await freePort(host)),
      data: at.data ?? (await mkdtemp(join(tmpdir(), `eventstorm-${name}-`))),
    }
    const remove = async () => {
      if (at.data === undefined) await rm(place.data, { recursive: true, force: true, maxRetries: 3 })
    }
    try {
      await mkdir(place.data, { recursive: true })
      const process = await ServerProcess.start({
        name: `${name} on ${host}:${place.port}`,
        command: await command(place),
        ready: () => ready(place),
        ...(env && { env }),
        ...(timeout && { timeout }),
      })
      return {
        url: `${scheme}://${host}:${place.port}`,
        place,
        process,
        async [Symbol.asyncDispose]() {
          await process.kill()
          await remove()
        },
      }
    } catch (error) {
      await remove()
      throw error
    }
  }
}
