import {
  type AttachedSink,
  attach,
  EventSource,
  parseOptions,
  type RouterComponent,
  type RouterDefinition,
} from '../../lib/index.js'
import { CollectingSink } from '../collecting-sink.js'
import { FaultyRouter } from '../faulty-router.js'
import type { RouterConformance, Scene } from './conformance.js'
import { Stage } from './stage.js'

const TYPES = ['order.placed', 'http.hit', 'cpu.usage', 'debug.note', 'a']
/** Who emits. */
export const SOURCES = ['shop 1', 'shop 2']

/** The stage for one check of a router, with sources and a sink. */
export class RouterStage extends Stage {
  readonly heard = new CollectingSink()
  readonly types: readonly string[]
  readonly passes: (type: string, source: string) => boolean
  #definition: RouterDefinition
  #options: Record<string, unknown>

  constructor({ definition, passes = () => true, types = TYPES }: RouterConformance, scene: Scene) {
    super(scene)
    this.#definition = definition
    this.#options = parseOptions(definition.options, scene.options, definition.name)
    this.passes = passes
    this.types = types
  }

  component(): RouterComponent {
    return this.#definition.create(this.#options)
  }

  router(): FaultyRouter {
    return this.own(new FaultyRouter({ clock: this.clock, component: this.component() }))
  }

  async sink(routers: readonly FaultyRouter[]): Promise<AttachedSink> {
    const connect = routers.flatMap((each) => [...each.sinkEndpoints])
    return this.own(await attach(this.heard, { connect, clock: this.clock, reconnectInterval: '20ms' }))
  }

  /** Sources that somebody listens to. */
  async sources(routers: readonly FaultyRouter[]): Promise<EventSource[]> {
    const connect = routers.flatMap((each) => [...each.sourceEndpoints])
    const sources = SOURCES.map((source) =>
      this.own(new EventSource({ source, connect, clock: this.clock, reconnectInterval: '20ms' })),
    )
    for (const source of sources) await source.subscribed()
    return sources
  }

  /** One event of each type by each source. */
  emit(sources: readonly EventSource[], i: number): void {
    for (const source of sources) for (const type of this.types) source.emit(type, { i, text: 'ä\u{1f600}' })
  }

  /** How many of the events that one `emit` emits are to pass. */
  get passing(): number {
    return SOURCES.flatMap((source) => this.types.filter((type) => this.passes(type, source))).length
  }
}
