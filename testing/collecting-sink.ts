import type { EventBatch, EventSink, StormEvent } from '../lib/index.js'

/**
 * A sink that keeps the events in memory, to be looked at by a test; in the place of a store, say.
 *
 *     const store = new CollectingSink()
 *     await using sink = await attach(store, { bind: [freeEndpoint()] })
 */
export class CollectingSink implements EventSink {
  /** What has been written, in order of arrival; grows without a bound. */
  readonly events: StormEvent[] = []
  /** How often `open` was called. */
  opened = 0
  /** Whether it was closed as often as it was opened. */
  closed = true

  open(): void {
    this.opened++
    this.closed = false
  }

  write(batch: EventBatch): void {
    for (const event of batch) this.events.push(event)
  }

  close(): void {
    this.closed = true
  }

  /** The events of one type. */
  of(type: string): StormEvent[] {
    return this.events.filter((event) => event.type === type)
  }
}
