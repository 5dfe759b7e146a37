import type { Counters, Emit, SourceComponent, SourceContext } from '../index.js'
import { Checkpoint } from './checkpoint.js'
import { emitLines, newLogCounters } from './emit-lines.js'
import { FollowedFiles } from './files.js'
import type { LogFormat } from './log-source.js'
import type { FollowOptions } from './options.js'
import { Places } from './place.js'

/** Follows files until it is closed. */
export class FollowedLog implements SourceComponent {
  #options: FollowOptions
  #format: LogFormat
  #files: FollowedFiles | undefined
  #checkpoint: Checkpoint | undefined
  #counters = newLogCounters()

  constructor(options: FollowOptions, format: LogFormat) {
    this.#options = options
    this.#format = format
  }

  async open(emit: Emit, context: SourceContext): Promise<void> {
    const { file: paths, fromStart, checkpoint, checkpointInterval, ...rest } = this.#options
    const { clock, log } = context
    const places =
      checkpoint === undefined ? new Places() : new Places(await Checkpoint.read(checkpoint, log))
    if (checkpoint !== undefined) {
      this.#checkpoint = new Checkpoint(checkpoint, places, log)
      this.#checkpoint.every(checkpointInterval, clock)
    }
    this.#files = new FollowedFiles({
      ...rest,
      ...{ paths, places, clock, log },
      start: fromStart ? 'beginning' : 'end',
      lines: (path) => emitLines(this.#format.parser(), path, emit, this.#counters).onLine,
    })
    await this.#files.open()
  }

  async close(): Promise<void> {
    await this.#files?.close()
    await this.#checkpoint?.close()
  }

  counters(): Counters {
    return { ...this.#files?.counters(), ...this.#counters }
  }
}
