import { stat } from 'node:fs/promises'
import { type Counters, type Emit, pause, type SourceComponent, type SourceContext } from '../index.js'
import { emitLines, newLogCounters } from './emit-lines.js'
import { LineSplitter, newLineCounters } from './lines.js'
import type { LogFormat } from './log-format.js'
import type { FollowOptions } from './options.js'
import { checkReadable, namedFiles, readBlocks } from './read-blocks.js'

/** Milliseconds between two portions of lines. */
const PORTION_TIME = 50

/** Reads files again and again at a given rate, and stamps the events with the present time. */
export class ReplayedLog implements SourceComponent {
  #options: FollowOptions
  #format: LogFormat
  #stop = new AbortController()
  #finished: Promise<void> | undefined
  #lines = newLineCounters()
  #counters = { ...newLogCounters(), rounds: 0 }

  constructor(options: FollowOptions, format: LogFormat) {
    this.#options = options
    this.#format = format
  }

  async open(emit: Emit, context: SourceContext): Promise<void> {
    const files = await namedFiles(this.#options.file)
    await Promise.all(files.map(checkReadable))
    this.#finished = this.#run(files, emit, context).catch((error) => {
      if (!this.#stop.signal.aborted) context.fail(error)
    })
  }

  async #run(files: string[], emit: Emit, { clock, log }: SourceContext): Promise<void> {
    const { signal } = this.#stop
    const perPortion = (this.#options.replay! * PORTION_TIME) / 1000
    const now: Emit = ({ type, data }) => emit({ type, data })
    let due = 0
    let next = clock.now()
    while (!signal.aborted) {
      const before = this.#lines.lines
      for (const file of files) {
        const parser = this.#format.parser()
        const { onLine, end } = emitLines(parser, file, now, this.#counters)
        parser.begin?.((await stat(file)).mtimeMs)
        for await (const line of this.#linesOf(file)) {
          while (due < 1) {
            next = Math.max(next + PORTION_TIME, clock.now())
            await pause(clock, next - clock.now(), signal)
            if (signal.aborted) return
            due += perPortion
          }
          due--
          onLine(...line)
        }
        end()
      }
      this.#counters.rounds++
      if (this.#lines.lines === before) {
        log.warn({ files }, 'nothing to replay; looking again in a second')
        await pause(clock, 1000, signal)
      }
    }
  }

  async *#linesOf(file: string): AsyncGenerator<[string, boolean]> {
    let lines: [string, boolean][] = []
    const splitter = new LineSplitter(
      this.#options.maxLineBytes,
      (line, cut) => lines.push([line, cut]),
      this.#lines,
    )
    for await (const block of readBlocks(file, this.#stop.signal)) {
      splitter.push(block)
      yield* lines
      lines = []
    }
    splitter.end()
    yield* lines
  }

  async close(): Promise<void> {
    this.#stop.abort()
    await this.#finished
  }

  counters(): Counters {
    return { ...this.#lines, ...this.#counters, ...this.#format.counters?.() }
  }
}
