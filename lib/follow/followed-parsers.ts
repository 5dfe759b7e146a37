import { dataFromJson, dataToJson, type Emit, type LineParser, type Logger, reason } from '../index.js'
import { type EmittedLines, emitLines, type LogCounters } from './emit-lines.js'
import type { OnLine } from './lines.js'

/** Parsers kept for names that stand for nothing at present, since the next file of that name may come any time. */
const MAX_RESTING = 1000

/** What a parser knew when a checkpoint was made. */
export interface SavedParser {
  /** The name that is followed. */
  path: string
  /** What its `save` returned, as Extended JSON. */
  state: string
}

interface Entry {
  parser: LineParser
  lines: EmittedLines
}

/** The parsers of the names that are followed, one for each name, however often its file is rotated. */
export class FollowedParsers {
  /** Goes up when a parser may know something else than before. */
  changes = 0
  #make: () => LineParser
  #emit: Emit
  #counters: LogCounters
  #log: Logger
  #entries = new Map<string, Entry>()
  #resting = new Set<string>()

  /** @param saved what `save` returned in the life before */
  constructor(
    make: () => LineParser,
    saved: readonly SavedParser[],
    { emit, counters, log }: { emit: Emit; counters: LogCounters; log: Logger },
  ) {
    this.#make = make
    this.#emit = emit
    this.#counters = counters
    this.#log = log
    for (const { path, state } of saved) this.#restore(path, state)
  }

  /** What shall have the lines of a name. */
  lines(path: string): OnLine {
    this.#resting.delete(path)
    const { onLine } = (this.#entries.get(path) ?? this.#add(path, this.#make())).lines
    const given: OnLine = (line, cut) => {
      this.changes++
      onLine(line, cut)
    }
    const { bytes } = onLine
    if (bytes !== undefined) {
      given.bytes = {
        take: (block, from) => {
          this.changes++
          return bytes.take(block, from)
        },
        next: () => bytes.next(),
      }
    }
    return given
  }

  begin(path: string, modified: number): void {
    try {
      this.#entries.get(path)?.parser.begin?.(modified)
    } catch (error) {
      this.#log.error({ file: path, error: reason(error) }, 'the parser could not begin the file')
    }
  }

  /** What has waited too long goes out, but for names that `except` names. */
  expire(now: number, except: (path: string) => boolean): void {
    for (const [path, { lines }] of this.#entries) {
      if (!except(path) && lines.expire(now)) this.changes++
    }
  }

  /** Nothing stands under that name at present. */
  rest(path: string): void {
    this.#resting.add(path)
    if (this.#resting.size <= MAX_RESTING) return
    const oldest: string = this.#resting.values().next().value!
    this.#resting.delete(oldest)
    this.#entries.get(oldest)?.lines.end()
    this.#entries.delete(oldest)
    this.changes++
  }

  /** What they know now. A parser that cannot tell is left out, and begins anew after a restart. */
  save(): SavedParser[] {
    const saved: SavedParser[] = []
    for (const [path, { parser }] of this.#entries) {
      try {
        const state = parser.save?.()
        if (state !== undefined) saved.push({ path, state: dataToJson(state) })
      } catch (error) {
        this.#log.error({ file: path, error: reason(error) }, 'what the parser knows could not be saved')
      }
    }
    return saved
  }

  /** Nothing will come any more, and nothing is kept: what is still open goes out. */
  end(): void {
    for (const { lines } of this.#entries.values()) lines.end()
  }

  #restore(path: string, state: string): void {
    let parser = this.#make()
    try {
      parser.restore?.(dataFromJson(state))
    } catch (error) {
      this.#log.error(
        { file: path, error: reason(error) },
        'what the parser knew is of no use; it begins anew',
      )
      parser = this.#make()
    }
    this.#add(path, parser)
    this.rest(path)
  }

  #add(path: string, parser: LineParser): Entry {
    const entry = { parser, lines: emitLines(parser, path, this.#emit, this.#counters) }
    this.#entries.set(path, entry)
    return entry
  }
}
