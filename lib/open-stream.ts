import { WriteSite } from './codec/codec.js'
import { isReserved } from './event.js'

/** First allocation for a stream whose habits are unknown. */
const FIRST_BATCH_BYTES = 512

/** One numbered stream of a type, and the message it is filling. */
export class OpenStream {
  readonly topic: Buffer
  readonly reserved: boolean
  seq = 0
  wanted = false
  /** The state of the interest that `wanted` was computed from. */
  version = -1
  beat = 0
  /** Heartbeat intervals until the next heartbeat, and between the last two. */
  beatIn = 0
  beatPause = 1
  /** What is known of the shapes of its data. */
  readonly site = new WriteSite()
  /** Whether an event is being written behind the end of the open message, so that its buffer is taken. */
  writing = false
  /** Whether it stands in the list of streams to flush. */
  listed = false
  buffer: Buffer | undefined
  length = 0
  count = 0
  /** What the last message needed, as a first guess for the next. */
  expected = FIRST_BATCH_BYTES
  /** Whether a message went out in this turn because it was full. */
  filled = false

  #headerLength: number
  #batchBytes: number

  /**
   * @param headerLength what stands in front of the events of each message, bytes
   * @param batchBytes how large a message of many events may be
   */
  constructor(type: string, headerLength: number, batchBytes: number) {
    this.topic = Buffer.from(type)
    this.reserved = isReserved(type)
    this.#headerLength = headerLength
    this.#batchBytes = batchBytes
  }

  /** The buffer of the open message, with room for so many more bytes. */
  room(bytes: number): Buffer {
    if (this.buffer === undefined) {
      this.length = this.#headerLength
      this.buffer = Buffer.allocUnsafeSlow(Math.max(this.expected, this.length + bytes))
    } else if (this.writing || this.length + bytes > this.buffer.length) {
      const doubled = Math.min(this.buffer.length * 2, this.#batchBytes)
      const larger = Buffer.allocUnsafeSlow(Math.max(doubled, this.length + bytes))
      this.buffer.copy(larger, 0, 0, this.length)
      this.buffer = larger
    }
    return this.buffer
  }

  /** Has to be told that the message has gone: another one begins. */
  sent(): void {
    this.seq += this.count
    // Half as much again, as the next message may be a little larger; and what a turn has left over says little of it.
    const before = this.filled ? this.expected : this.expected >> 1
    const likely = Math.max(FIRST_BATCH_BYTES, this.length + (this.length >> 1), before)
    this.expected = Math.min(this.#batchBytes, likely)
    this.buffer = undefined
    this.count = 0
    this.beatIn = 0
    this.beatPause = 1
  }
}
