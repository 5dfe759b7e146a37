import { type AnyDefinition, DEFAULT_SINKS_ENDPOINT, DEFAULT_SOURCES_ENDPOINT } from '../lib/index.js'
import { freeEndpoint } from './endpoints.js'

interface OpenPart {
  definition: AnyDefinition
  /** The framework's options as they were given. */
  framework: Record<string, unknown>
}

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
  framework(part: OpenPart): Record<string, unknown> {
    const framework: Record<string, unknown> = { ...part.framework, reconnectInterval: 20 }
    const given = (option: string) => [part.framework[option] ?? []].flat() as string[]
    const lacks = (...options: string[]) => options.every((option) => given(option).length === 0)
    const move = (option: string, fallback?: string) => {
      const endpoints = fallback === undefined ? given(option) : [fallback]
      if (endpoints.length > 0) framework[option] = endpoints.map((each) => this.of(each))
    }
    const ends: Record<string, [option: string, instead: string, fallback: string][]> = {
      source: [['connect', 'bind', DEFAULT_SOURCES_ENDPOINT]],
      sink: [['connect', 'bind', DEFAULT_SINKS_ENDPOINT]],
      router: [
        ['bindSources', 'connectSources', DEFAULT_SOURCES_ENDPOINT],
        ['bindSinks', 'connectSinks', DEFAULT_SINKS_ENDPOINT],
      ],
    }
    for (const [option, instead, fallback] of ends[part.definition.kind]!) {
      move(option, lacks(option, instead) ? fallback : undefined)
      move(instead)
    }
    if (part.definition.kind === 'sink')
      move('report', lacks('connect', 'bind', 'report') ? DEFAULT_SOURCES_ENDPOINT : undefined)
    return framework
  }
}

/** What two ways of writing one endpoint have in common: of a port of this machine, its number. */
function place(endpoint: string): string {
  const [, host, port] = /^tcp:\/\/(.+):(\d+)$/.exec(endpoint) ?? []
  const here = host !== undefined && /^(\*|localhost|127\.\d+\.\d+\.\d+|0\.0\.0\.0|\[::1?\])$/.test(host)
  return here ? `port ${port}` : endpoint
}
