import { decodeEvents } from './codec.js'
import type { StormEvent } from './event.js'
import type { Message } from './wire.js'

/**
 * Some events on their way into a sink: whole messages, in order of arrival. Nothing is decoded before
 * somebody asks for it.
 */
export class EventBatch implements Iterable<StormEvent> {
  /** The messages as they came over the wire, for sinks that keep the bytes. */
  readonly messages: readonly Message[]
  /** How many events, by the headers. */
  readonly size: number
  /** How many bytes of BSON, headers included. */
  readonly bytes: number
  #onUndecodable: (count: number) => void
  #events: StormEvent[] | undefined

  constructor(messages: readonly Message[], onUndecodable: (count: number) => void = () => {}) {
    this.messages = messages
    this.#onUndecodable = onUndecodable
    this.size = messages.reduce((sum, message) => sum + message.count, 0)
    this.bytes = messages.reduce((sum, message) => sum + message.body.length, 0)
  }

  /**
   * The events, decoded once and kept. One that is no valid BSON is left out and counted as `undecodable`;
   * the others are not harmed.
   */
  events(): StormEvent[] {
    if (this.#events === undefined) {
      this.#events =
        this.messages.length === 1 ? decodeEvents(this.messages[0]!) : this.messages.flatMap(decodeEvents)
      const bad = this.size - this.#events.length
      if (bad > 0) this.#onUndecodable(bad)
    }
    return this.#events
  }

  [Symbol.iterator](): Iterator<StormEvent> {
    return this.events()[Symbol.iterator]()
  }
}
