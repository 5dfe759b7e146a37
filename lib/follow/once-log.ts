import { stat } from 'node:fs/promises'
import { type Counters, type Emit, reason, type SourceComponent, type SourceContext } from '../index.js'
import { emitLines, newLogCounters } from './emit-lines.js'
import { LineSplitter, newLineCounters } from './lines.js'
import { waitForListener } from './listener.js'
import type { LogFormat } from './log-format.js'
import type { FollowOptions } from './options.js'
import { checkReadable, namedFiles, readBlocks } from './read-blocks.js'

/** Waits for a subscriber, reads files from start to end, and ends. */
export class LogReadOnce implements SourceComponent {
  #options: FollowOptions
  #format: LogFormat
  #stop = new AbortController()
  #finished: Promise<void> | undefined
  #lines = newLineCounters()
  #counters = newLogCounters()

  constructor(options: FollowOptions, format: LogFormat) {
    this.#options = options
    this.#format = format
  }

  async open(emit: Emit, context: SourceContext): Promise<void> {
    const files = await namedFiles(this.#options.file)
    // What cannot be opened is said before anything is read.
    await Promise.all(files.map(checkReadable))
    this.#finished = this.#run(files, emit, context)
  }

  async #run(files: string[], emit: Emit, context: SourceContext): Promise<void> {
    const { signal } = this.#stop
    const { subscriberTimeout } = this.#options
    await waitForListener(this.#format.types, subscriberTimeout, context, signal)
    let failure: unknown
    for (const file of files) {
      const parser = this.#format.parser()
      const { onLine, end } = emitLines(parser, file, emit, this.#counters)
      const splitter = new LineSplitter(this.#options.maxLineBytes, onLine, this.#lines)
      try {
        parser.begin?.((await stat(file)).mtimeMs)
        // Each block is a turn of the event loop, at whose end goes out what was emitted.
        for await (const block of readBlocks(file, signal)) splitter.push(block)
        if (signal.aborted) return
        splitter.end()
      } catch (error) {
        failure ??= error
        context.log.error({ file, error: reason(error) }, 'reading failed; going on with the next file')
      }
      end()
    }
    if (failure === undefined) context.finish()
    else context.fail(failure)
  }

  async close(): Promise<void> {
    this.#stop.abort()
    await this.#finished
  }

  counters(): Counters {
    return { ...this.#lines, ...this.#counters, ...this.#format.counters?.() }
  }
}
