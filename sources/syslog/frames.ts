/** One message as it came over a connection. */
export type OnFrame = (bytes: Buffer, truncated: boolean) => void

const LF = 10
const CR = 13
const NUL = 0
const SPACE = 32
const LESS_THAN = 60
const ZERO = 48
const NINE = 57

const isDigit = (byte: number) => byte >= ZERO && byte <= NINE

/** So many figures at most; with more the count cannot be meant, and nothing behind it can be found again. */
const MAX_FIGURES = 7

const NOTHING = Buffer.alloc(0)

/** `counted?` is behind a figure and a blank, where a message must begin with its priority; a text need not. */
type State = 'between' | 'counting' | 'counted?' | 'counted' | 'line'

/**
 * Takes the bytes of one connection apart into messages, as RFC 6587 has it: each message begins either with its
 * length and a blank (octet counting), or ends with a line feed. What is longer than `limit` bytes is cut, the rest
 * of it skipped. Never holds more than `limit` bytes.
 */
export class Frames {
  #limit: number
  #onFrame: OnFrame
  #state: State = 'between'
  #digits = ''
  /** Bytes of the counted message that are still to come. */
  #missing = 0
  /** Whether this connection counts; then what does not begin with a figure or `<` is no message. */
  #counts = false
  /** What an unfinished message has so far: a copy, since pieces of one byte each would cost a hundred times as much. */
  #held: Buffer = NOTHING
  #length = 0
  #cut = false

  constructor(limit: number, onFrame: OnFrame) {
    this.#limit = limit
    this.#onFrame = onFrame
  }

  /** Returns false when the connection speaks nothing that can be understood any more. */
  push(bytes: Buffer): boolean {
    let at = 0
    while (at < bytes.length) {
      if (this.#state === 'between') {
        const byte = bytes[at]!
        if (byte === LF || byte === CR || byte === NUL || byte === SPACE) {
          at++
        } else if (isDigit(byte)) {
          this.#state = 'counting'
          this.#digits = ''
        } else {
          if (this.#counts && byte !== LESS_THAN) return this.#giveUp()
          this.#state = 'line'
        }
      } else if (this.#state === 'counting') {
        const byte = bytes[at]!
        if (isDigit(byte) && this.#digits.length < MAX_FIGURES) {
          this.#digits += String.fromCharCode(byte)
          at++
        } else if (byte === SPACE && !this.#digits.startsWith('0')) {
          this.#state = 'counted?'
          at++
        } else {
          if (this.#counts) return this.#giveUp()
          this.#hold(Buffer.from(this.#digits))
          this.#state = 'line'
        }
      } else if (this.#state === 'counted?') {
        if (bytes[at] === LESS_THAN) {
          this.#missing = Number(this.#digits)
          this.#counts = true
          this.#state = 'counted'
        } else {
          if (this.#counts) return this.#giveUp()
          this.#hold(Buffer.from(`${this.#digits} `))
          this.#state = 'line'
        }
      } else if (this.#state === 'counted') {
        const end = Math.min(bytes.length, at + this.#missing)
        const part = bytes.subarray(at, end)
        this.#missing -= end - at
        at = end
        if (this.#missing === 0) this.#give(part, false)
        else this.#hold(part)
      } else {
        const end = bytes.indexOf(LF, at)
        if (end < 0) {
          this.#hold(bytes.subarray(at))
          return true
        }
        this.#give(bytes.subarray(at, end), false)
        at = end + 1
      }
    }
    return true
  }

  /** The connection is over. @param clean whether the other side has closed it, so that a line may be complete */
  end(clean: boolean): void {
    if (this.#state === 'counting' || this.#state === 'counted?') this.#hold(Buffer.from(this.#digits))
    if (this.#length > 0) this.#give(NOTHING, !clean || this.#state === 'counted')
  }

  #giveUp(): false {
    this.#state = 'between'
    return false
  }

  #hold(part: Buffer): void {
    const taken = Math.min(part.length, this.#limit - this.#length)
    if (taken < part.length) this.#cut = true
    const length = this.#length + taken
    if (length > this.#held.length) {
      const larger = Buffer.allocUnsafeSlow(Math.min(this.#limit, Math.max(length, 2 * this.#held.length)))
      this.#held.copy(larger, 0, 0, this.#length)
      this.#held = larger
    }
    part.copy(this.#held, this.#length, 0, taken)
    this.#length = length
  }

  #give(last: Buffer, broken: boolean): void {
    let bytes = last
    if (this.#length > 0 || last.length > this.#limit) {
      this.#hold(last)
      bytes = this.#held.subarray(0, this.#length)
      this.#held = NOTHING
      this.#length = 0
    }
    const truncated = broken || this.#cut
    this.#cut = false
    this.#state = 'between'
    this.#onFrame(bytes, truncated)
  }
}
