/**
 * Loss accounting. Every stream (source, epoch, type) is numbered by its source, so a receiver knows exactly
 * which numbers never came. A number that comes after all, on a slower path, is taken off the loss again.
 */

/** What a receiver knows of a stream, or of many together. */
export interface LossCounters {
  /** Events that came and were new. */
  received: number
  /** Events that were sent and have not come. Goes down when one comes late. */
  lost: number
  /** Events that came again and were discarded. */
  duplicate: number
  /** Events that came after they had been counted as lost, or before what was first seen; part of `received`. */
  late: number
}

/** What a message is to its receiver; `overlap`: partly there already, and discarded as malformed. */
export type Verdict = 'fresh' | 'late' | 'duplicate' | 'overlap'

/** Numbers `from` up to but without `to` that have not come. */
interface Gap {
  from: number
  to: number
  /** False for numbers from before this receiver came, which nobody sent to it. */
  counted: boolean
}

/** How many gaps a stream remembers; the oldest one beyond that is lost for good. */
export const MAX_GAPS = 64

/** How far ahead of ours the clock of a source may be, milliseconds. */
const MAX_CLOCK_SKEW = 86_400_000

/** What a receiver knows of one stream: a source, one life of it (its epoch), and a type. */
export class Stream implements LossCounters {
  received = 0
  lost = 0
  duplicate = 0
  late = 0
  /** When something of it last came, milliseconds since 1970. */
  heard = 0
  readonly type: string
  readonly source: string
  readonly epoch: number
  /** The number expected next; undefined until the first message when the beginning is unknown. */
  #next: number | undefined
  /** Numbers from before this receiver came, which nobody sent to it. */
  #before = 0
  #beat = 0
  #gaps: Gap[] = []
  #totals: LossCounters

  /** @param fromStart whether the receiver was there when the stream began, so that number 0 is expected. */
  constructor(type: string, source: string, epoch: number, fromStart: boolean, totals: LossCounters) {
    this.type = type
    this.source = source
    this.epoch = epoch
    this.#next = fromStart ? 0 : undefined
    this.#totals = totals
  }

  /** The number expected next, and how many of those before it were never meant for this receiver. */
  get standing(): { next: number; before: number } {
    return { next: this.#next ?? 0, before: this.#before }
  }

  /** Accounts for a message of `count` events from number `seq` on, and says what to do with it. */
  accept(seq: number, count: number): Verdict {
    const end = seq + count
    const fresh = this.#next === undefined || seq >= this.#next
    if (fresh) {
      this.#skipTo(seq)
      this.#next = end
      this.#count('received', count)
      return 'fresh'
    }
    const gap = this.#gaps.find((each) => each.from < end && seq < each.to)
    if (gap === undefined && end <= this.#next!) {
      this.#count('duplicate', count)
      return 'duplicate'
    }
    if (gap === undefined || seq < gap.from || end > gap.to) return 'overlap'
    this.#fill(gap, seq, end)
    if (gap.counted) this.#count('lost', -count)
    else this.#before -= count
    this.#count('late', count)
    this.#count('received', count)
    return 'late'
  }

  /** Accounts for a heartbeat: `next` is the number its source will send next. */
  heartbeat(next: number): void {
    if (this.#next === undefined || next > this.#next) {
      this.#skipTo(next)
      this.#next = next
    }
  }

  /** Whether a heartbeat is a new one and not a copy that took another way. */
  isNewBeat(beat: number): boolean {
    if (beat <= this.#beat) return false
    this.#beat = beat
    return true
  }

  #count(name: keyof LossCounters, count: number): void {
    this[name] += count
    this.#totals[name] += count
  }

  #skipTo(seq: number): void {
    const from = this.#next ?? 0
    if (seq === from) return
    const counted = this.#next !== undefined
    this.#gaps.push({ from, to: seq, counted })
    if (this.#gaps.length > MAX_GAPS) this.#gaps.shift()
    if (counted) this.#count('lost', seq - from)
    else this.#before += seq - from
  }

  #fill(gap: Gap, seq: number, end: number): void {
    const rest = [
      { ...gap, to: seq },
      { ...gap, from: end },
    ].filter((each) => each.from < each.to)
    this.#gaps.splice(this.#gaps.indexOf(gap), 1, ...rest)
    // Numbers out of the middle of a gap leave two behind.
    if (this.#gaps.length > MAX_GAPS) this.#gaps.shift()
  }
}

export interface LedgerOptions {
  /** Streams remembered at most; beyond it those unheard of longest are forgotten. */
  maxStreams: number
  /**
   * Since when the receiver has asked for events of a type without a break, microseconds since 1970. A stream
   * whose incarnation began later is expected from its first number on.
   */
  since(type: string): number
}

/** The streams of one receiver. What is forgotten stays in the totals. */
export class Ledger {
  readonly totals: LossCounters = { received: 0, lost: 0, duplicate: 0, late: 0 }
  /** How many streams were forgotten to stay within `maxStreams`. */
  forgotten = 0
  #options: LedgerOptions
  #size = 0
  /** source -> epoch -> type: three look-ups a message, and no key is built. */
  #sources = new Map<string, Map<number, Map<string, Stream>>>()
  /** A forgotten stream that comes back must not count from 0 again. */
  #forgottenEpoch = 0

  constructor(options: LedgerOptions) {
    this.#options = options
  }

  get size(): number {
    return this.#size
  }

  /** The stream, new or known. */
  stream(type: string, source: string, epoch: number, now: number): Stream {
    const types = this.#types(source, epoch)
    let stream = types.get(type)
    if (stream === undefined) {
      const fromStart = epoch > this.#forgottenEpoch && epoch >= this.#options.since(type)
      stream = new Stream(type, source, epoch, fromStart, this.totals)
      types.set(type, stream)
      this.#size++
      stream.heard = now
      if (this.#size > this.#options.maxStreams) this.#forgetOldest()
    }
    stream.heard = now
    return stream
  }

  #types(source: string, epoch: number): Map<string, Stream> {
    let epochs = this.#sources.get(source)
    if (epochs === undefined) {
      epochs = new Map()
      this.#sources.set(source, epochs)
    }
    let types = epochs.get(epoch)
    if (types === undefined) {
      types = new Map()
      epochs.set(epoch, types)
    }
    return types
  }

  *streams(): Generator<Stream> {
    for (const epochs of this.#sources.values()) {
      for (const types of epochs.values()) yield* types.values()
    }
  }

  /** Forgets streams of types that are no longer asked for. Their numbers go on without us, and that is no loss. */
  forgetTypes(unwanted: (type: string) => boolean): void {
    for (const stream of [...this.streams()]) {
      // Asked for again later, the type has a new `since`, so no epoch needs to be remembered here.
      if (unwanted(stream.type)) this.#remove(stream)
    }
  }

  /** Forgets a tenth at once, so that a flood of new streams does not pay for a scan each time. */
  #forgetOldest(): void {
    const all = [...this.streams()].sort((a, b) => a.heard - b.heard)
    for (const stream of all.slice(0, Math.ceil(all.length / 10))) {
      this.#remove(stream)
      this.forgotten++
      // An epoch from far in the future is made up or a broken clock's, and must not speak for all to come.
      const epoch = Math.min(stream.epoch, (stream.heard + MAX_CLOCK_SKEW) * 1000)
      this.#forgottenEpoch = Math.max(this.#forgottenEpoch, epoch)
    }
  }

  #remove({ source, epoch, type }: Stream): void {
    const epochs = this.#sources.get(source)
    const types = epochs?.get(epoch)
    if (!types?.delete(type)) return
    this.#size--
    if (types.size === 0) epochs!.delete(epoch)
    if (epochs!.size === 0) this.#sources.delete(source)
  }
}
