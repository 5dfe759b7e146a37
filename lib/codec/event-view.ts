import type { StormEvent } from '../event.js'
import type { Message } from '../wire.js'
import { decodeEvent } from './codec.js'
import { dataDocument } from './event-reader.js'
import { FieldSite, readField } from './field-reader.js'
import { UNREAD } from './shape-reader.js'

// What was learned of the shapes of each type's data. Emptied when it grows too large: then it is learned again.
const MAX_TYPES_LEARNED = 20_000
const MAX_FIELDS_LEARNED = 100
const types = new Map<string, Map<string, FieldSite>>()

function fieldsOf(type: string): Map<string, FieldSite> {
  let fields = types.get(type)
  if (fields === undefined) {
    if (types.size >= MAX_TYPES_LEARNED) types.clear()
    fields = new Map()
    types.set(type, fields)
  }
  return fields
}

/** An event that is read where it lies: for who wants a field or two of it, and not the whole. */
export class EventView {
  /** Number within the stream, from 0. */
  readonly seq: number
  #message: Message
  #start: number
  #end: number
  #fields: Map<string, FieldSite>
  /** Where its data lies. `#to` is 0 as long as nobody has asked, and -1 when the event has to be read as a whole. */
  #from = 0
  #to = 0
  #event: StormEvent | undefined | null = null

  constructor(message: Message, seq: number, start: number, end: number, fields: Map<string, FieldSite>) {
    this.seq = seq
    this.#message = message
    this.#start = start
    this.#end = end
    this.#fields = fields
  }

  /** The event type, as in the event. */
  get type(): string {
    return this.#message.type
  }

  /** Who emitted it, as in the event. */
  get source(): string {
    return this.#message.source
  }

  /** Start of the source's incarnation, microseconds since 1970. */
  get epoch(): number {
    return this.#message.epoch
  }

  /**
   * A field of the data, such as `status` or `user.name`; undefined when there is none. Only as much of the event is
   * looked at as lies before the field, so damage behind it goes unnoticed.
   */
  get(field: string): unknown {
    if (this.#to === 0) this.#locate()
    if (this.#to > 0) {
      const site = this.#fields.get(field) ?? this.#learn(field)
      const value = readField(this.#message.body, this.#from, this.#to, site)
      if (value !== UNREAD) return value
    }
    return dig(this.event()?.data, field)
  }

  /** The whole event, decoded once; undefined when it is no valid one. */
  event(): StormEvent | undefined {
    if (this.#event === null) this.#event = decodeEvent(this.#message, this.seq, this.#start, this.#end)
    return this.#event
  }

  #locate(): void {
    const { body } = this.#message
    this.#from = dataDocument(body, this.#start, this.#end)
    const to = this.#from < 0 ? -1 : this.#from + body.readInt32LE(this.#from)
    this.#to = to > this.#from + 4 && to < this.#end ? to : -1
  }

  #learn(field: string): FieldSite {
    if (this.#fields.size >= MAX_FIELDS_LEARNED) this.#fields.clear()
    const site = new FieldSite(field.split('.'))
    this.#fields.set(field, site)
    return site
  }
}

/** A view of each event of a message, valid or not. */
export function viewEvents(message: Message, views: EventView[]): void {
  const { type, seq, body, count } = message
  const fields = fieldsOf(type)
  let at = message.offset
  for (let i = 0; i < count; i++) {
    const end = at + body.readInt32LE(at)
    views.push(new EventView(message, seq + i, at, end, fields))
    at = end
  }
}

function dig(data: unknown, field: string): unknown {
  let value = data
  for (const key of field.split('.')) {
    if (value === null || typeof value !== 'object' || !Object.hasOwn(value, key)) return undefined
    value = (value as Record<string, unknown>)[key]
  }
  return value
}
