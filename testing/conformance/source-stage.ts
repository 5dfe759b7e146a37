import {
  type AttachedSink,
  attach,
  parseOptions,
  type SinkOptions,
  type SourceComponent,
  type SourceOptions,
  type StartedSource,
  startSource,
} from '../../lib/index.js'
import { CollectingSink } from '../collecting-sink.js'
import { freeEndpoint } from '../endpoints.js'
import type { Scene, SourceAt, SourceConformance } from './conformance.js'
import { Stage } from './stage.js'

/** A source that runs, with the component in it. */
export interface Played {
  component: SourceComponent
  source: StartedSource
}

/** The stage for one check of a source, with sinks that listen. */
export class SourceStage extends Stage {
  readonly conformance: SourceConformance

  constructor(conformance: SourceConformance, scene: Scene) {
    super(scene)
    this.conformance = conformance
  }

  /** A sink that listens; by itself it is bound. */
  async listen(
    options: SinkOptions = { bind: [freeEndpoint()] },
  ): Promise<{ sink: AttachedSink; heard: CollectingSink }> {
    const heard = new CollectingSink()
    const sink = await attach(heard, { clock: this.clock, reconnectInterval: '20ms', ...options })
    this.own(sink)
    return { sink, heard }
  }

  /** Does something to the source's world. */
  async let<T>({ component }: Played, act: (at: SourceAt) => T | Promise<T>): Promise<T> {
    return act({ scene: this.scene, component, clock: this.clock })
  }

  /** @param step how fast time passes while it opens, for one that waits in vain for somebody to listen */
  async start(connect: readonly string[], options: SourceOptions = {}, step = 0): Promise<Played> {
    const { definition, findParser } = this.conformance
    const component = definition.create(parseOptions(definition.options, this.scene.options, definition.name))
    const starting = startSource(component, {
      source: 'conformance',
      name: definition.name,
      connect: [...connect],
      reconnectInterval: '20ms',
      sendHighWaterMark: 100_000,
      // In real time, whatever the clock says.
      drainTimeout: '1m',
      clock: this.clock,
      log: this.log.log,
      ...(definition.hints && { hints: definition.hints }),
      ...(findParser && { findParser }),
      ...options,
    })
    let settled = false
    const settle = () => {
      settled = true
    }
    starting.then(settle, settle)
    await this.clock.advanceUntil(`${definition.name} is open`, () => settled, step)
    return { component, source: this.own(await starting) }
  }

  /** Starts the source and waits until somebody listens to it. */
  async startHeard(connect: readonly string[], options: SourceOptions = {}): Promise<Played> {
    const played = await this.start(connect, options)
    await this.clock.advanceUntil(
      'somebody listens to the source',
      () => count(played.source, 'subscriptions') > 0,
      0,
    )
    return played
  }

  /** Starts the source in a world that has an end. */
  async startFinite(connect: readonly string[]): Promise<Played> {
    const more = await this.conformance.finite!(this.scene)
    this.scene.options = { ...this.scene.options, ...more }
    const played = await this.start(connect)
    // It may wait for a listener only so long, and on this clock time passes faster than a connection is made.
    await this.clock.advanceUntil(
      'somebody listens to the source, or it has ended',
      () => count(played.source, 'subscriptions') > 0 || played.source.status !== 'running',
      0,
    )
    return played
  }

  /** Feeds it, and waits until it has emitted what came of it. */
  async feed(played: Played, amount: number): Promise<void> {
    const { source } = played
    const before = count(source, 'emitted')
    const exact = (await this.let(played, (at) => this.conformance.feed(amount, at))) ?? undefined
    const { name } = this.conformance.definition
    await this.clock.advanceUntil(`${name} emits what it was fed`, () => {
      const emitted = count(source, 'emitted') - before
      if (exact === undefined ? emitted > 0 : emitted >= exact) return true
      if (source.status === 'running') return false
      throw new Error(`expected ${name} to run on under the options of begin(), but it has ended by itself`)
    })
    const emitted = count(source, 'emitted') - before
    if (exact !== undefined && emitted !== exact)
      throw new Error(`expected ${exact} events of what was fed, got ${emitted}`)
  }

  /** Waits until a sink has received, or knows to have lost, everything that was sent. */
  async settle({ source }: Played, sink: AttachedSink): Promise<void> {
    await this.clock.advanceUntil('the sink knows of everything that was sent', () => {
      const { received, lost } = sink.counters()
      // What was emitted in this turn of the event loop is sent at its end.
      const handled = count(source, 'sent') + count(source, 'unwanted') + count(source, 'dropped')
      return handled === count(source, 'emitted') && received + lost === count(source, 'sent')
    })
  }
}

/** One of a source's counters. */
export function count(source: StartedSource, name: string): number {
  return Number(source.counters()[name] ?? 0)
}
