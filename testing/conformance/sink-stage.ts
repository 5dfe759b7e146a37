import assert from 'node:assert/strict'
import {
  type AttachedSink,
  attach,
  dataFromJson,
  dataToJson,
  type EventSink,
  EventSource,
  parseOptions,
  type SinkOptions,
  type StormEvent,
  show,
} from '../../lib/index.js'
import { freeEndpoint } from '../endpoints.js'
import type { Scene, SinkConformance } from './conformance.js'
import { Stage } from './stage.js'
import { checkBalance } from './totals.js'

type Identity = Pick<StormEvent, 'type' | 'source' | 'seq' | 'data'>

const TYPES = ['order.placed', 'order.paid', 'http.hit']

/** Data of every kind that JSON has, in turn. */
const DATA = [
  { total: 12.5, currency: 'EUR', paid: true, note: null },
  { text: 'Übergrößenträger, 数, \u{1f600}, "quoted", \\ and \n', list: [1, 'two', { three: 3 }] },
  { user: { name: 'ann', roles: ['a', 'b'] }, count: -7 },
  { big: 2 ** 40, tiny: 1e-9, empty: '', none: [] },
  { long: 'x'.repeat(2000) },
  {},
] as const

/** The stage for one check of a sink, with sources that feed it. */
export class SinkStage extends Stage {
  readonly conformance: SinkConformance
  /** What was emitted while somebody listened. */
  readonly emitted: Identity[] = []
  #numbers = new Map<string, number>()

  constructor(conformance: SinkConformance, scene: Scene) {
    super(scene)
    this.conformance = conformance
  }

  component(): EventSink {
    const { definition, create } = this.conformance
    const options = parseOptions(definition.options, this.scene.options, definition.name)
    return create?.(this.scene, options) ?? definition.create(options)
  }

  /** Attaches the sink; by itself it is bound. Its deadlines are far: time passes fast here. */
  async attach(component: EventSink, options: SinkOptions = {}): Promise<AttachedSink> {
    const { definition } = this.conformance
    return this.own(
      await attach(component, {
        ...(definition.defaults as SinkOptions | undefined),
        ...(options.connect ? {} : { bind: [freeEndpoint()] }),
        name: definition.name,
        reconnectInterval: '20ms',
        writeTimeout: '1d',
        drainTimeout: '1d',
        clock: this.clock,
        log: this.log.log,
        ...options,
      }),
    )
  }

  /** A source that the sink, or what is before it, listens to. */
  async source(connect: readonly string[], name = 'conformance'): Promise<EventSource> {
    const source = this.own(
      new EventSource({
        source: name,
        connect: [...connect],
        reconnectInterval: '20ms',
        sendHighWaterMark: 100_000,
        clock: this.clock,
      }),
    )
    await this.clock.advanceUntil('somebody listens', () => TYPES.every((type) => source.wants(type)), 0)
    return source
  }

  /** Emits events of three types, with all kinds of data. */
  emit(source: EventSource, amount: number): void {
    for (let i = 0; i < amount; i++) {
      const type = TYPES[i % TYPES.length]!
      const data = DATA[i % DATA.length]!
      const stream = `${source.name} ${type}`
      const seq = this.#numbers.get(stream) ?? 0
      assert.ok(source.emit(type, data), 'somebody listens')
      this.#numbers.set(stream, seq + 1)
      this.emitted.push({ type, source: source.name, seq, data })
    }
  }

  /** Waits until the sink knows of every event that the sources have sent, and accounts for each. */
  async received(sink: AttachedSink, sources: readonly EventSource[]): Promise<void> {
    await this.clock.advanceUntil('the sink knows of everything that was sent', () => {
      const counters = sink.counters()
      checkBalance(counters)
      const sum = (name: 'emitted' | 'sent') => sources.reduce((all, each) => all + each.counters()[name], 0)
      return sum('emitted') === sum('sent') && counters.received + counters.lost === sum('sent')
    })
  }

  /** Waits until nothing waits to be written. */
  async written(sink: AttachedSink): Promise<void> {
    await this.clock.advanceUntil('everything is written', () => {
      const counters = sink.counters()
      checkBalance(counters)
      return counters.queued === 0
    })
  }

  /** Drains the sink, however long its target takes. */
  async drain(sink: AttachedSink): Promise<void> {
    let drained = false
    const done = sink.drain().then(() => {
      drained = true
    })
    await this.clock.advanceUntil('the sink has drained', () => drained, 100)
    await done
    checkBalance(sink.counters())
  }

  /** Checks, when the target can be read, that it holds just these events, each once and with its data. */
  async holds(expected: readonly Identity[]): Promise<void> {
    const { stored } = this.conformance
    if (stored === undefined) return
    const text = ({ source, type, seq, data }: Identity) =>
      `${source} ${type} ${seq} ${dataToJson(dataFromJson(JSON.stringify(data)))}`
    const found = [...(await stored(this.scene))].map((each) => text(checkStored(each))).sort()
    const wanted = expected.map(text).sort()
    assert.deepEqual(
      {
        count: found.length,
        differ: found
          .filter((each, i) => each !== wanted[i])
          .slice(0, 3)
          .map(brief),
      },
      { count: wanted.length, differ: [] },
    )
  }
}

/** What is no event at all would be told from the expected ones in words that nobody understands. */
function checkStored(each: Identity): Identity {
  const isEvent = typeof each === 'object' && typeof each?.type === 'string' && 'data' in each
  assert.ok(isEvent, `expected stored() to give events { type, source, seq, data }, got ${show(each)}`)
  return each
}

const brief = (text: string) => text.slice(0, 200)
