import { endsOf, type HasEnds } from '../cli/pipeline/part-ends.js'
import { DEFAULT_SOURCES_ENDPOINT } from '../lib/index.js'
import { freeEndpoint } from './endpoints.js'

/** For each endpoint of a pipeline file one that nobody else uses: an ipc path for what others could dial. */
export class OwnEndpoints {
  #known = new Map<string, string>()

  /** The endpoint that stands for one of the file, however it is written there. */
  of(endpoint: string): string {
    // Where the system is to choose the port, each one is another.
    if (/:[0*]$/.test(endpoint)) return freeEndpoint('ipc')
    const key = place(endpoint)
    const known = this.#known.get(key)
    if (known !== undefined) return known
    const fresh = freeEndpoint(endpoint.startsWith('inproc:') ? 'inproc' : 'ipc')
    this.#known.set(key, fresh)
    return fresh
  }

  /** The framework's options of a part, with these endpoints, and with the defaults written out. */
  framework(part: HasEnds): Record<string, unknown> {
    const own: Record<string, string[]> = {}
    const move = (option: string, endpoint: string) => {
      own[option] ??= []
      own[option].push(this.of(endpoint))
    }
    const ends = endsOf(part)
    for (const { option, endpoint } of ends) move(option, endpoint)
    if (part.definition.kind === 'sink') {
      const told = [part.framework.report ?? []].flat() as string[]
      // Who was given no endpoint at all reports to the router of this machine.
      const lacksAll = told.length === 0 && ends.every(({ path }) => path.length === 0)
      for (const endpoint of lacksAll ? [DEFAULT_SOURCES_ENDPOINT] : told) move('report', endpoint)
    }
    return { ...part.framework, ...own, reconnectInterval: 20 }
  }
}

/** What two ways of writing one endpoint have in common: of a port of this machine, its number. */
function place(endpoint: string): string {
  const [, host, port] = /^tcp:\/\/(.+):(\d+)$/.exec(endpoint) ?? []
  const here = host !== undefined && /^(\*|localhost|127\.\d+\.\d+\.\d+|0\.0\.0\.0|\[::1?\])$/.test(host)
  return here ? `port ${port}` : endpoint
}
