import { CREDIT, type Gap, MAX_CLIENT_RATE, type ServerFrame, type Subscribe } from './protocol.js'
import type { Peer } from './transport.js'
import type { EncodedTick, View } from './view.js'

/** One subscription of a client, and how far it has come. */
export class Member {
  readonly frame: Subscribe
  view: View | undefined
  /** Number of the last tick that was sent, and how many are not acknowledged. */
  #sent: number[] = []
  /** Where it is in the view's list of changes. */
  #seenChanges = 0
  #generation = 0
  #gap: Gap | undefined
  /** Since when the oldest tick under way has been so. */
  waitingSince: number | undefined

  constructor(frame: Subscribe) {
    this.frame = frame
  }

  join(view: View | undefined): void {
    this.view = view
    this.#sent = []
    this.#generation = 0
    this.#gap = undefined
    this.waitingSince = undefined
  }

  /** All series of the view it has joined. */
  firstSeries(): Buffer {
    return this.#seriesFrame(this.view!) ?? Buffer.from('')
  }

  /** Frames for a tick: all that comes before it and itself, or none when there is no credit. */
  framesFor(tick: EncodedTick, now: number, jam: boolean): Buffer[] {
    const view = this.view!
    if (jam || this.#sent.length >= CREDIT) {
      this.#skip(view, tick)
      return []
    }
    const frames: Buffer[] = []
    if (this.#gap) frames.push(encode(this.#gap))
    this.#gap = undefined
    const series = this.#seriesFrame(view)
    if (series) frames.push(series)
    frames.push(tick.bytes)
    this.#sent.push(tick.q)
    this.waitingSince ??= now
    return frames
  }

  /** @returns whether anything was acknowledged */
  acknowledge(q: number, now: number): boolean {
    const before = this.#sent.length
    this.#sent = this.#sent.filter((each) => each > q)
    if (this.#sent.length === before) return false
    this.waitingSince = this.#sent.length > 0 ? now : undefined
    return true
  }

  /** What the client does not know of the series yet. */
  #seriesFrame(view: View): Buffer | undefined {
    const reset = this.#generation !== view.generation
    if (!reset && this.#seenChanges === view.changes) return undefined
    const frame = view.seriesFrame(this.#seenChanges, reset)
    this.#generation = view.generation
    this.#seenChanges = view.changes
    return frame
  }

  #skip(view: View, { q, from, to, rows }: EncodedTick): void {
    const gap: Gap = this.#gap ?? { f: 'gap', view: view.number, from: q, to: q, t: [from, to], rows: 0 }
    gap.to = q
    gap.t[0] = Math.min(gap.t[0], from)
    gap.t[1] = to
    gap.rows += rows
    this.#gap = gap
  }
}

/** One browser. */
export class Client {
  readonly peer: Peer
  readonly members = new Map<number, Member>()
  /** When it last said anything. */
  heard: number
  closing = false
  #tokens = 2 * MAX_CLIENT_RATE
  #filledAt: number

  constructor(peer: Peer, now: number) {
    this.peer = peer
    this.heard = now
    this.#filledAt = now
  }

  send(frame: ServerFrame): void {
    this.peer.send(encode(frame))
  }

  /** Whether it may say one thing more now. */
  mayTalk(now: number): boolean {
    const filled = this.#tokens + (Math.max(0, now - this.#filledAt) / 1000) * MAX_CLIENT_RATE
    this.#tokens = Math.min(2 * MAX_CLIENT_RATE, filled) - 1
    this.#filledAt = now
    return this.#tokens >= 0
  }

  close(code: number, reason: string, retry?: number): void {
    if (this.closing) return
    this.closing = true
    this.send({ f: 'bye', reason, ...(retry === undefined ? {} : { retry }) })
    this.peer.close(code, reason)
  }
}

const encode = (frame: ServerFrame) => Buffer.from(JSON.stringify(frame))
