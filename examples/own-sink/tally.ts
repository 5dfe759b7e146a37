/*
 * A sink of one's own: it keeps a file with the number of events by type. A sink is the default export of its module, and
 * runs by its path:
 *
 *     node dist/cli/eventstorm.js sink ./dist/examples/own-sink/tally.js --file tally.json
 *
 * The framework subscribes, queues, makes batches, counts, retries with a back-off and drains; what is left to do is to write
 * a batch. Its test, tally.test.ts, says the same again: the suite of eventstorm/testing checks the rest.
 */
import { readFile, rename, writeFile } from 'node:fs/promises'
import { type Context, defineSink, type EventBatch, type EventSink, reason, SinkError, z } from 'eventstorm'

/** Described once: flags, checks, tables of documents and pipeline files follow from it. */
const options = z.strictObject({
  file: z
    .string()
    .min(1)
    .meta({ description: 'File with the numbers, as JSON; made anew or gone on with.', argument: 'path' }),
  depth: z.int().min(1).optional().meta({
    description: 'How many words of a type are told apart: 1 for http, 2 for http.hit. Default: all.',
  }),
})

export class Tally implements EventSink {
  #options: z.output<typeof options>
  #context: Context | undefined
  #counts = new Map<string, number>()

  constructor(given: z.output<typeof options>) {
    this.#options = given
  }

  /** Called before the first write, and again after a `reconnect`. Nothing is opened before, not even by `create`. */
  async open(context: Context): Promise<void> {
    this.#context = context
    const text = await readFile(this.#options.file, 'utf8').catch((error: NodeJS.ErrnoException) => {
      // A file that is not there yet is none that cannot be read.
      if (error.code === 'ENOENT') return '{}'
      throw new SinkError('stop', `expected a file that can be read: ${reason(error)}`, error)
    })
    this.#counts = new Map(Object.entries(JSON.parse(text) as Record<string, number>))
    context.log.info({ types: this.#counts.size }, 'tally is open')
  }

  /** Calls never overlap. What it throws says how to go on: retry, wait, reconnect, skip or stop. */
  async write(batch: EventBatch): Promise<void> {
    const counts = new Map(this.#counts)
    // Type and number stand in the header of a message: no event is decoded for this.
    for (const { type, count } of batch.messages) {
      const key = type.split('.').slice(0, this.#options.depth).join('.')
      counts.set(key, (counts.get(key) ?? 0) + count)
    }
    const { file } = this.#options
    try {
      // Whoever reads the file finds it whole, and what was not written counts as not written.
      await writeFile(`${file}.new`, JSON.stringify(Object.fromEntries(counts)))
      await rename(`${file}.new`, file)
    } catch (error) {
      throw new SinkError('retry', `expected to write ${file}: ${reason(error)}`, error)
    }
    this.#counts = counts
  }

  /** Called once for each `open` that succeeded; there is nothing to flush here. */
  close(): void {
    this.#context?.log.debug({}, 'tally is closed')
  }

  /** Numbers of its own, for metrics, beside those of the framework. */
  counters() {
    return { types: this.#counts.size }
  }
}

export default defineSink({
  name: 'tally',
  summary: 'Keeps a file with the number of events by type.',
  options,
  create: (given) => new Tally(given),
})
