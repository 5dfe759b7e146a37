import { atTime, encodeEvent } from './codec/codec.js'
import { checkTypeName, type Data } from './event.js'
import { hintType, type TypeHint } from './hint.js'

/** Pause between two times that hints are told, milliseconds; who has just subscribed hears them sooner. */
const INTERVAL = 30_000

/** What a source says of how its types like to be shown, again and again for those who come later. */
export class ToldHints {
  /** Events on the reserved types of hints, as they are told but for the time. */
  #events = new Map<string, Uint8Array>()
  #toldAt = 0
  #maxBytes: number

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes
  }

  /** @throws TYPE_INVALID, DATA_INVALID, EVENT_TOO_LARGE */
  set(type: string, hint: TypeHint): void {
    checkTypeName(type)
    const told = hintType(type)
    // Here, where somebody can be told that it is no good; a timer has nobody to tell.
    this.#events.set(told, encodeEvent(told, new Date(0), hint as Data, undefined, this.#maxBytes))
    this.#toldAt = 0
  }

  /** The events that it is time for, each by its reserved type; all of them where somebody has just come. */
  *due(now: number, renewed: boolean): Generator<[type: string, event: Uint8Array]> {
    // A clock that was set back must not keep them from those who come.
    if (!renewed && now >= this.#toldAt && now - this.#toldAt < INTERVAL) return
    this.#toldAt = now
    for (const [type, event] of this.#events) yield [type, atTime(event, now)]
  }
}
