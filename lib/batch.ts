import { decodeEvents } from './codec/codec.js'
import { type EventView, viewEvents } from './codec/event-view.js'
import type { StormEvent } from './event.js'
import { type Message, sliceMessage } from './wire.js'

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
  #events: StormEvent[] | undefined
  #documents: Buffer[] | undefined

  constructor(messages: readonly Message[]) {
    this.messages = messages
    this.size = messages.reduce((sum, message) => sum + message.count, 0)
    this.bytes = messages.reduce((sum, message) => sum + message.body.length, 0)
  }

  /**
   * The events, decoded once and kept. One that is no valid BSON is left out and counted as `undecodable`;
   * the others are not harmed.
   */
  events(): StormEvent[] {
    if (this.#events === undefined) {
      this.#events = []
      for (const message of this.messages) decodeEvents(message, this.#events)
    }
    return this.#events
  }

  /**
   * The events without decoding them, for who reads a field or two of each: several times faster than `events()`. Also
   * those that are no valid events, which have no fields then and are not counted.
   */
  views(): EventView[] {
    const views: EventView[] = []
    for (const message of this.messages) viewEvents(message, views)
    return views
  }

  /**
   * The BSON of each of `events()`, in the same order and as it came over the wire: documents `{ time, data }`, with the
   * extension attributes behind. Views of the messages, for sinks that keep the bytes; `decodeEvents` reads them.
   */
  documents(): Buffer[] {
    this.#documents ??= documentsOf(this.messages, this.events(), this.undecodable > 0)
    return this.#documents
  }

  /** Events that could not be decoded; 0 as long as nobody has asked for the events. */
  get undecodable(): number {
    return this.#events === undefined ? 0 : this.size - this.#events.length
  }

  /** The events, each made when its turn comes; what cannot be decoded is left out. */
  [Symbol.iterator](): Iterator<StormEvent> {
    return this.events()[Symbol.iterator]()
  }

  /** Two batches of about half the events each, in order; for a batch of at least two events. */
  halves(): [EventBatch, EventBatch] {
    if (this.messages.length > 1) {
      const middle = this.messages.length >> 1
      return [new EventBatch(this.messages.slice(0, middle)), new EventBatch(this.messages.slice(middle))]
    }
    const message = this.messages[0]!
    const middle = message.count >> 1
    return [
      new EventBatch([sliceMessage(message, 0, middle)]),
      new EventBatch([sliceMessage(message, middle, message.count)]),
    ]
  }
}

function documentsOf(messages: readonly Message[], events: readonly StormEvent[], some: boolean): Buffer[] {
  const documents: Buffer[] = []
  for (const message of messages) {
    const { body, count } = message
    let at = message.offset
    for (let i = 0; i < count; i++) {
      const end = at + body.readInt32LE(at)
      if (!some || isEventAt(events[documents.length], message, i)) documents.push(body.subarray(at, end))
      at = end
    }
  }
  return documents
}

function isEventAt(event: StormEvent | undefined, { type, source, epoch, seq }: Message, i: number): boolean {
  return event?.seq === seq + i && event.type === type && event.source === source && event.epoch === epoch
}
