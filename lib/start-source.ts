import { checkComponent } from './check-component.js'
import { systemClock } from './clock.js'
import type { Emit, Running, SourceComponent, SourceContext, Status } from './component.js'
import { silent } from './component.js'
import type { Counters } from './counter-info.js'
import { EventstormError, show } from './errors.js'
import type { TypeHint } from './hint.js'
import { Lifecycle } from './lifecycle.js'
import { EventSource, type SourceOptions } from './source.js'

/** A source component at work. */
export interface StartedSource extends Running {
  readonly endpoints: readonly string[]
}

/** Options of the source's EventSource, and what its component needs from whoever runs it. */
export interface StartSourceOptions extends SourceOptions {
  /** What it is called in logs and metrics. Default: source. */
  name?: string
  /** Where a source that works with other sources' parsers finds them. Default: nowhere. */
  findParser?: SourceContext['findParser']
  /** How events of its types like to be shown; those of its definition. */
  hints?: Record<string, TypeHint>
}

/**
 * Runs a source component: opens its socket, lets it emit, and ends with it when it finishes by itself.
 *
 * @throws COMPONENT_INVALID, OPTIONS_INVALID, ENDPOINT_INVALID, BIND_FAILED, and whatever the component's `open` throws
 */
export async function startSource(
  component: SourceComponent,
  options: StartSourceOptions = {},
): Promise<StartedSource> {
  checkComponent('source', component, { open: true, close: true, counters: false })
  const runner = new SourceRunner(component, options)
  await runner.open()
  return runner
}

class SourceRunner implements StartedSource {
  #component: SourceComponent
  #source: EventSource
  #context: SourceContext
  #life = new Lifecycle()
  /** Aborted once it is to end: a component that waits for a listener then waits no more. */
  #ending = new AbortController()

  constructor(component: SourceComponent, options: StartSourceOptions) {
    const { name = 'source', clock = systemClock, log = silent, findParser = findNone, ...given } = options
    const { hints = {}, ...rest } = given
    this.#component = component
    this.#source = new EventSource({ ...rest, clock, log })
    try {
      for (const [type, hint] of Object.entries(hints)) this.#source.describe(type, hint)
    } catch (error) {
      void this.#source.close()
      throw error
    }
    this.#context = {
      name,
      clock,
      log,
      findParser,
      finish: () => void this.drain(),
      fail: (error) => this.#fail(error),
      subscribed: (type, timeout) => this.#subscribed(type, timeout),
    }
  }

  get status(): Status {
    return this.#life.status
  }

  get ended(): Promise<void> {
    return this.#life.ended
  }

  get endpoints(): readonly string[] {
    return this.#source.endpoints
  }

  counters(): Counters {
    return { ...this.#component.counters?.(), ...this.#source.counters() }
  }

  async open(): Promise<void> {
    try {
      // The event has what `emit` takes as options; an object for each would be a cost for each.
      const emit: Emit = (event) => this.#source.emit(event.type, event.data, event)
      emit.written = (type, writer) => this.#source.emitWritten(type, writer)
      await this.#component.open(emit, this.#context)
      this.#life.running()
    } catch (error) {
      await this.#life.fail(error, () => this.#source.close())
      throw error
    }
  }

  drain(timeout?: number): Promise<void> {
    return this.#stop(() => this.#source.drain(timeout))
  }

  close(): Promise<void> {
    return this.#stop(() => this.#source.close())
  }

  /** Never longer than the source runs: its component may wait for this very answer before it can close. */
  #subscribed(type: string, timeout: number): Promise<boolean> {
    const { signal } = this.#ending
    if (signal.aborted) return Promise.resolve(false)
    return new Promise((resolve) => {
      const end = () => resolve(false)
      signal.addEventListener('abort', end, { once: true })
      this.#source
        .subscribed(type, { timeout })
        .then(() => resolve(true), end)
        .finally(() => signal.removeEventListener('abort', end))
    })
  }

  #stop(end: () => Promise<void>): Promise<void> {
    return this.#life.stop(() => this.#finish(end))
  }

  #fail(error: unknown): void {
    // What it emitted before is good and goes out. A failure of the end itself says less than this one.
    const end = () => this.#finish(() => this.#source.drain()).catch(() => {})
    void this.#life.fail(error, end)
  }

  async #finish(end: () => Promise<void>): Promise<void> {
    this.#ending.abort()
    try {
      await this.#component.close()
    } finally {
      // Whatever the component makes of its end, what it emitted goes out and the socket is closed.
      await end()
    }
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.drain()
  }
}

async function findNone(name: string): Promise<never> {
  throw new EventstormError(
    'COMPONENT_NOT_FOUND',
    `no parser of a source ${show(name)} is known here; give startSource a findParser`,
  )
}
