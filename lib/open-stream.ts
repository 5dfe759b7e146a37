import { WriteSite } from './codec/codec.js'
import { isReserved } from './event.js'

/** First allocation for a stream whose habits are unknown. */
export const FIRST_BATCH_BYTES = 512

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

  constructor(type: string) {
    this.topic = Buffer.from(type)
    this.reserved = isReserved(type)
  }
}
