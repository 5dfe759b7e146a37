import { UNUSUAL } from '../codec/codec.js'
import type { LineParser, LineWriter } from '../component.js'
import type { NewEvent } from '../event.js'
import { SyslogHeads, type SyslogOptions } from './head.js'

const DASH = 45
const NINE = 57
const LETTER_T = 84

/** Leaves lines that may begin with a head to the parser. A class, as V8 looks up getters of a literal at each call. */
class UnlessStamped implements LineWriter {
  readonly type: string
  #writer: LineWriter
  #block: Buffer = Buffer.alloc(0)

  constructor(writer: LineWriter) {
    this.type = writer.type
    this.#writer = writer
  }

  get time(): number | undefined {
    return this.#writer.time
  }

  get next(): number {
    return this.#writer.next
  }

  begin(block: Buffer, from: number): void {
    this.#block = block
    this.#writer.begin(block, from)
  }

  write(target: Buffer, at: number, limit: number): number {
    const block = this.#block
    const from = this.#writer.next
    const stamped = block[from]! > NINE || (block[from + 10] === LETTER_T && block[from + 4] === DASH)
    return stamped ? UNUSUAL : this.#writer.write(target, at, limit)
  }

  taken(): boolean {
    return this.#writer.taken()
  }
}

/** Whether a line may begin with one of the two stamps of syslog; costs next to nothing where it does not. */
function mayBeStamped(line: string): boolean {
  return line.charCodeAt(0) > NINE || (line.charCodeAt(10) === LETTER_T && line.charCodeAt(4) === DASH)
}

/**
 * A parser that also takes its lines as syslog has them: where a line begins with a head of that program, the parser
 * has what comes after it. If that fits nothing, the parser has the line as it is. Events without a time have the
 * head's.
 */
export function alsoPrefixed(parser: LineParser, program: string, options: SyslogOptions = {}): LineParser {
  const heads = new SyslogHeads(options)
  const { writer } = parser
  return {
    writer: writer && new UnlessStamped(writer),
    line(line) {
      if (!mayBeStamped(line)) return parser.line(line)
      const head = heads.read(line)
      if (head?.program !== program) return parser.line(line)
      const result = parser.line(line.slice(head.messageAt))
      if (!Array.isArray(result)) return parser.line(line)
      const withTime = (event: NewEvent) => (event.time ? event : { ...event, time: new Date(head.time) })
      return result.map(withTime)
    },
    begin(modified) {
      heads.begin(modified)
      parser.begin?.(modified)
    },
    expire(now) {
      heads.advance(now)
      return parser.expire?.(now) ?? []
    },
    end: () => parser.end?.() ?? [],
    save: () => parser.save?.(),
    restore: (saved) => parser.restore?.(saved),
  }
}
