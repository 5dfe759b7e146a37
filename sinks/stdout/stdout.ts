import type { Writable } from 'node:stream'
import pc from 'picocolors'
import {
  type Context,
  defineSink,
  type EventBatch,
  type EventSink,
  reason,
  SinkError,
  total,
  z,
} from '../../lib/index.js'
import { type Format, ndjson, pretty } from './format.js'

const options = z.strictObject({
  format: z.enum(['auto', 'ndjson', 'pretty']).default('auto').meta({
    description:
      'JSON, one event a line, or lines for people. `auto`: lines for people on a terminal, else JSON.',
    argument: 'format',
  }),
})

/** A stream to write to that may be a terminal. */
type Output = Writable & { isTTY?: boolean; columns?: number }

/** A failed write tells its callback; the event of the same error would end the process if nobody listened. */
const ignoreError = () => {}

/** Prints events, one string a batch. A batch counts as written when the system has taken all of it. */
export class StdoutSink implements EventSink {
  #output: Output
  #format: Format
  #context: Context | undefined
  #printing: { batch: EventBatch; done: Promise<void> } | undefined
  #unprintable = 0

  constructor({ format }: z.output<typeof options>, output: Output = process.stdout) {
    this.#output = output
    const terminal = output.isTTY === true
    const colour = terminal ? pc.isColorSupported : Boolean(process.env.FORCE_COLOR)
    const lines = format === 'pretty' || (format === 'auto' && terminal)
    this.#format = lines ? pretty(() => (terminal ? output.columns : undefined), colour) : ndjson
  }

  open(context: Context): void {
    this.#context = context
    // Once a stream and for good: the event comes after the callback, when the sink may be closed already.
    if (!this.#output.listeners('error').includes(ignoreError)) this.#output.on('error', ignoreError)
  }

  write(batch: EventBatch): Promise<void> {
    // After a time-out the same batch comes again; the stream still has it and would print it twice.
    if (this.#printing?.batch !== batch) this.#printing = { batch, done: this.#print(batch) }
    return this.#printing.done
  }

  counters() {
    return { unprintable: this.#unprintable }
  }

  #print(batch: EventBatch): Promise<void> {
    let text = ''
    for (const event of batch) {
      try {
        text += `${this.#format(event)}\n`
      } catch (error) {
        // Nested too deeply for JSON, for example. The others of the batch are fine.
        this.#unprintable++
        this.#context?.log.warn(
          { type: event.type, source: event.source, seq: event.seq, error: reason(error) },
          'event cannot be printed',
        )
      }
    }
    return new Promise((resolve, reject) => {
      this.#output.write(text, (error) => (error ? reject(stopped(error)) : resolve()))
    })
  }
}

/** There is no way back to an output that failed. EPIPE, the usual case, is no accident: `head` has seen enough. */
function stopped(error: Error): SinkError {
  return new SinkError('stop', `stdout takes no more: ${reason(error)}`, error)
}

/** Prints events, as NDJSON or as lines for people. */
export default defineSink({
  name: 'stdout',
  summary: 'Prints events: one JSON document a line, or readable lines on a terminal.',
  options,
  counters: { unprintable: total('Events that could not be printed, as they are nested too deeply, say.') },
  create: (given) => new StdoutSink(given),
})
