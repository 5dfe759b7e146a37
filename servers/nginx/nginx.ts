import { once } from 'node:events'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { Agent, request } from 'node:http'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { findProgram } from '../programs.js'
import { ServerProcess } from '../server-process.js'

const PATH = `${process.env.PATH}:/usr/sbin:/sbin`
const TEMPORARY = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']

/** The path of a file in the folder of an nginx. */
type At = (name: string) => string

/** What an nginx serves and writes; each is a part of nginx.conf. */
export interface NginxOptions {
  /** Inside `http`, before its server. Default: access.log in the format combined. */
  http?: (at: At) => string
  /** Inside `server`. Default: everything is answered with 200. */
  server?: (at: At) => string
}

/** A real nginx in a folder of its own, on a socket file, so that no port can be taken. error.log is always there. */
export class Nginx implements AsyncDisposable {
  readonly #folder: string
  readonly #process: ServerProcess
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 4 })

  private constructor(folder: string, process: ServerProcess) {
    this.#folder = folder
    this.#process = process
  }

  /**
   * What `node:test` takes as `skip`: false when nginx is there, else the reason, which is said aloud on stderr too.
   * @throws with CI=true in the environment, where a suite must not be left out
   */
  static skip(): string | false {
    const missing = ['nginx', 'setpriv'].filter((name) => findProgram(name, PATH) === undefined)
    if (missing.length === 0) return false
    const reason = `nginx needs ${missing.join(', ')}, not found on the PATH`
    if (process.env.CI === 'true') throw new Error(`${reason}; in CI nothing is skipped`)
    process.stderr.write(`\nNOT TESTED: ${reason}\n\n`)
    return reason
  }

  /** Starts one; resolves when it listens. */
  static async start(options: NginxOptions = {}): Promise<Nginx> {
    const folder = mkdtempSync(join(tmpdir(), 'storm-nginx-'))
    const at: At = (name) => join(folder, name)
    const {
      http = () => `access_log ${at('access.log')} combined;`,
      server = () => 'location / { return 200 ok; }',
    } = options
    mkdirSync(at('temporary'))
    writeFileSync(
      at('nginx.conf'),
      `${process.getuid?.() === 0 ? 'user root;' : ''} daemon off; pid ${at('pid')}; error_log ${at('error.log')};
      events {}
      http {
        ${http(at)}
        ${TEMPORARY.map((name) => `${name}_temp_path ${at(`temporary/${name}`)};`).join(' ')}
        server { listen unix:${at('socket')}; ${server(at)} }
      }`,
    )
    try {
      const started = await ServerProcess.start({
        name: `nginx in ${folder}`,
        command: [findProgram('nginx', PATH)!, '-p', folder, '-c', at('nginx.conf')],
        async ready() {
          if (!existsSync(at('pid')) || !existsSync(at('socket'))) throw new Error(errors(at))
        },
      })
      return new Nginx(folder, started)
    } catch (error) {
      rmSync(folder, { recursive: true, force: true })
      throw error
    }
  }

  /** The path of a file in its folder, such as access.log. */
  at(name: string): string {
    return join(this.#folder, name)
  }

  /** Makes a request over one of four connections that stay open; resolves with the status once it is answered. */
  get(path: string, headers: Record<string, string> = {}): Promise<number> {
    return new Promise((resolve, reject) => {
      request({ socketPath: this.at('socket'), path, headers, agent: this.#agent }, (response) => {
        response.resume().on('end', () => resolve(response.statusCode!))
      })
        .on('error', reject)
        .end()
    })
  }

  /** Sends bytes that are no request of an honest client, and waits until nginx has had enough of them. */
  async raw(bytes: string): Promise<void> {
    const socket = connect(this.at('socket'))
    socket.end(Buffer.from(bytes, 'latin1'))
    socket.resume()
    await once(socket, 'close')
  }

  /** Renames a log to its name and `.1`, and has nginx open it anew, as logrotate does. */
  rotate(name: string): void {
    renameSync(this.at(name), this.at(`${name}.1`))
    process.kill(Number(readFileSync(this.at('pid'), 'utf8')), 'SIGUSR1')
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#agent.destroy()
    await this.#process.stop()
    rmSync(this.#folder, { recursive: true, force: true })
  }
}

function errors(at: At): string {
  return existsSync(at('error.log')) ? readFileSync(at('error.log'), 'utf8') : 'it does not listen yet'
}
