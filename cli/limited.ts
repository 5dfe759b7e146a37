import { EventBatch, type EventSink, type Message } from '../lib/index.js'

/**
 * A sink that has enough after so many events: the last batch is cut at the limit, and what comes later is
 * passed over.
 */
export function limited(sink: EventSink, limit: number, enough: () => void): EventSink {
  let left = limit
  return {
    open: (context) => sink.open?.(context),
    close: () => sink.close?.(),
    counters: () => sink.counters?.() ?? {},
    async write(batch, signal) {
      if (left <= 0) return
      const part = batch.size <= left ? batch : new EventBatch(firstOf(batch.messages, left))
      left -= part.size
      await sink.write(part, signal)
      if (left <= 0) enough()
    },
  }
}

/** The first `count` events of messages; a message says itself how many of its events count. */
function firstOf(messages: readonly Message[], count: number): Message[] {
  const taken: Message[] = []
  for (const message of messages) {
    if (count <= 0) break
    taken.push(message.count <= count ? message : { ...message, count })
    count -= message.count
  }
  return taken
}
