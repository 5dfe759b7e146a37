import { EventRouter, type RouterOptions, type Stream } from '../lib/index.js'
import { freeEndpoint } from './endpoints.js'
import { until } from './until.js'

/**
 * A router that does on purpose what networks and processes do by accident: it loses messages, it goes away and comes
 * back. Two of them side by side bring every event twice.
 *
 *     await using router = new FaultyRouter()
 *     // attach a sink to router.sinkEndpoints, connect a source to router.sourceEndpoints
 *     router.losing = true       // from here on nothing passes, and the sink will count it as lost
 *     router.losing = false
 *     await router.restart()     // at the same endpoints, with what was on its way gone
 */
export class FaultyRouter implements AsyncDisposable {
  /** Where sources dial in. */
  readonly sourceEndpoints: readonly string[]
  /** Where sinks dial in. */
  readonly sinkEndpoints: readonly string[]
  /** While true, messages are kept back; heartbeats pass, so that whoever listens learns of the loss. */
  losing = false
  /** Events kept back so far, in all its lives. */
  lost = 0
  #router: EventRouter
  #options: RouterOptions

  /**
   * @param options as for an `EventRouter`; its `component` is asked for what is not lost. Default: both sides are bound
   *   to free endpoints.
   * @throws as the constructor of `EventRouter` does
   */
  constructor(options: RouterOptions = {}) {
    const { component = {} } = options
    this.#options = {
      reconnectInterval: '20ms',
      ...options,
      component: {
        route: (message) => {
          if (component.route?.(message) === false) return false
          if (!this.losing || message.count === 0) return true
          this.lost += message.count
          return false
        },
      },
    }
    this.#router = new EventRouter({
      bindSources: [freeEndpoint()],
      bindSinks: [freeEndpoint()],
      ...this.#options,
    })
    this.sourceEndpoints = this.#router.sourceEndpoints
    this.sinkEndpoints = this.#router.sinkEndpoints
  }

  /** The counters of its present life. */
  counters() {
    return this.#router.counters()
  }

  /** What it knows of each stream, in its present life. */
  streams(): Iterable<Stream> {
    return this.#router.streams()
  }

  /** Closes it at once, as if it were killed; what it held is gone. */
  close(): Promise<void> {
    return this.#router.close()
  }

  /** Opens it again where it was; who was connected dials again by itself. */
  async reopen(): Promise<void> {
    if (this.#router.status !== 'stopped') return
    const ends = { bindSources: [...this.sourceEndpoints], bindSinks: [...this.sinkEndpoints] }
    // libzmq gives an endpoint up some time after its socket was closed.
    await until('the endpoints can be bound again', () => {
      try {
        this.#router = new EventRouter({ ...this.#options, ...ends })
        return true
      } catch {
        return false
      }
    })
  }

  /** `close` and `reopen`. */
  async restart(): Promise<void> {
    await this.close()
    await this.reopen()
  }

  /** Closes it. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }
}
