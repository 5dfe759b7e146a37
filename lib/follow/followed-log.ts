import type { Counters, Emit, SourceComponent, SourceContext } from '../index.js'
import { Checkpoint } from './checkpoint.js'
import { newLogCounters } from './emit-lines.js'
import { FollowedFiles } from './files.js'
import { FollowedParsers } from './followed-parsers.js'
import { waitForListener } from './listener.js'
import type { LogFormat } from './log-format.js'
import type { FollowOptions } from './options.js'
import { Places } from './place.js'

/** Milliseconds between two looks at what waits in the parsers. */
const EXPIRE_INTERVAL = 1000

/** Follows files until it is closed. */
export class FollowedLog implements SourceComponent {
  #options: FollowOptions
  #format: LogFormat
  #files: FollowedFiles | undefined
  #parsers: FollowedParsers | undefined
  #checkpoint: Checkpoint | undefined
  #stopClock = () => {}
  #stop = new AbortController()
  #counters = newLogCounters()

  constructor(options: FollowOptions, format: LogFormat) {
    this.#options = options
    this.#format = format
  }

  async open(emit: Emit, context: SourceContext): Promise<void> {
    const {
      file: paths,
      fromStart,
      checkpoint,
      checkpointInterval,
      subscriberTimeout,
      ...rest
    } = this.#options
    const { types } = this.#format
    const { clock, log } = context
    const before = checkpoint === undefined ? undefined : await Checkpoint.read(checkpoint, log)
    const places = new Places(before?.places)
    const counters = this.#counters
    const parsers = new FollowedParsers(this.#format.parser, before?.parsers ?? [], { emit, counters, log })
    const files = new FollowedFiles({
      ...rest,
      ...{ paths, places, clock, log },
      start: fromStart ? 'beginning' : 'end',
      lines: (path) => parsers.lines(path),
      onBegin: (path, modified) => parsers.begin(path, modified),
      onForget: (path) => parsers.rest(path),
      // What lies there already would be read, and gone, before the first subscription can arrive.
      ...((fromStart || before !== undefined) && {
        ready: waitForListener(types, subscriberTimeout, context, this.#stop.signal),
      }),
    })
    this.#parsers = parsers
    this.#files = files
    if (checkpoint !== undefined) {
      const memory = {
        changes: () => places.changes + parsers.changes,
        recall: () => ({ places: places.all(), parsers: parsers.save() }),
      }
      this.#checkpoint = new Checkpoint(checkpoint, memory, log)
      this.#checkpoint.every(checkpointInterval, clock)
    }
    await files.open()
    // Of a file that is still being caught up with, nothing waits by the present time.
    this.#stopClock = clock.every(EXPIRE_INTERVAL, () =>
      parsers.expire(clock.now(), (path) => files.behind(path)),
    )
  }

  async close(): Promise<void> {
    this.#stopClock()
    this.#stop.abort()
    await this.#files?.close()
    // With a checkpoint the next run goes on with what is open.
    if (this.#checkpoint === undefined) this.#parsers?.end()
    await this.#checkpoint?.close()
  }

  counters(): Counters {
    return { ...this.#files?.counters(), ...this.#counters, ...this.#format.counters?.() }
  }
}
