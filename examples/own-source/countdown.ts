/*
 * A source of one's own: it counts down, and ends. A source is the default export of its module, and runs by its path:
 *
 *     node dist/cli/eventstorm.js source ./dist/examples/own-source/countdown.js --from 3
 *
 * The framework stamps, numbers, encodes, makes messages, sends, counts and drains; what is left to do is to emit. Its test,
 * countdown.test.ts, says the same again: the suite of eventstorm/testing checks the rest.
 */
import { defineSource, duration, type Emit, type SourceComponent, type SourceContext, z } from 'eventstorm'

/** Described once: flags, checks, tables of documents and pipeline files follow from it. */
const options = z.strictObject({
  from: z.int().min(1).default(3).meta({ description: 'Where to begin.' }),
  interval: duration().prefault('1s').meta({ description: 'Time between two ticks.', argument: 'time' }),
})

class Countdown implements SourceComponent {
  #left: number
  #interval: number
  #stop = () => {}

  constructor({ from, interval }: z.output<typeof options>) {
    this.#left = from
    this.#interval = interval
  }

  /** Starts producing, and returns. The clock is lent, so that a test can own time. */
  async open(emit: Emit, { clock, finish, subscribed, log }: SourceContext): Promise<void> {
    // Optional: what is emitted before somebody has subscribed is sent to nobody.
    if (!(await subscribed('countdown.tick', 5000))) log.warn({}, 'nobody listens; counting all the same')
    this.#stop = clock.every(this.#interval, () => {
      // `emit` never waits. Its answer, whether anybody wants the event, is for those who would rather not make it.
      if (this.#left > 0) return emit({ type: 'countdown.tick', data: { left: this.#left-- } })
      emit({ type: 'countdown.end', data: null })
      finish()
    })
  }

  /** Stops producing: once it has returned, `emit` is not called any more. */
  close(): void {
    this.#stop()
  }

  /** Numbers of its own, for metrics, beside those of the framework. */
  counters() {
    return { left: this.#left }
  }
}

export default defineSource({
  name: 'countdown',
  summary: 'Counts down, and ends.',
  types: ['countdown.tick', 'countdown.end'],
  hints: { 'countdown.tick': { title: 'Countdown', fields: { left: { kind: 'gauge' } } } },
  options,
  create: (given) => new Countdown(given),
})
