import type { StormEvent } from '../../lib/index.js'

/** One event as it is kept. */
export interface EventDocument {
  _id: string
  time: Date
  type: string
  source: string
  epoch: number
  seq: number
  data: unknown
  extensions?: Record<string, unknown>
}

/**
 * The key says which event it is: `source type epoch seq`, so that what is written twice is there once. Only a source may
 * have spaces in it, so no two events can have the same key; and those of a stream lie beside each other in the index.
 */
export function toDocuments(events: readonly StormEvent[]): EventDocument[] {
  const documents: EventDocument[] = []
  let stream: StormEvent | undefined
  let prefix = ''
  for (const event of events) {
    const { time, type, source, epoch, seq, data, extensions } = event
    if (stream === undefined || stream.epoch !== epoch || stream.type !== type || stream.source !== source) {
      stream = event
      prefix = `${source} ${type} ${epoch.toString(36)} `
    }
    const document: EventDocument = { _id: prefix + seq, time, type, source, epoch, seq, data }
    if (extensions !== undefined) document.extensions = extensions
    documents.push(document)
  }
  return documents
}
