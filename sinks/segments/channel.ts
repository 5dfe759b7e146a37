import type { Message } from '../../lib/data/index.js'
import type { Extract } from './extract.js'

/** What the sink and its worker thread say to each other. Every request has one answer, in order. */

export interface WorkerSettings {
  path: string
  /** Part of the names of its files; of this life only. */
  writer: string
  rollRows: number
  rollBytes: number
  /** Bytes, for writing and merging together. */
  memory: number
  /** Milliseconds; undefined to keep everything. */
  keep: number | undefined
  /** Bytes; undefined for no bound. */
  keepBytes: number | undefined
  extracts: Extract[]
}

export type Request =
  | { do: 'open'; now: number; grace: number }
  | { do: 'write'; batch: PackedBatch; now: number }
  | { do: 'roll'; reason: RollReason; now: number }
  /** What is due when nothing arrives either: old hours, files that nobody reads any more, hours that are over. */
  | { do: 'tidy'; now: number }

export type RollReason = 'rows' | 'bytes' | 'time' | 'hour' | 'close'

export type Answer = { ok: true; result: unknown } | { ok: false; error: string; code: string | undefined }

/** The code of a write that was not taken, since what came before it cannot be written to a file. */
export const CANNOT_ROLL = 'CANNOT_ROLL'

/** Told with each answer, and when a file was written meanwhile. */
export interface StoreCounts {
  /** Files that were written by rolls. */
  segments: number
  /** Events in them. */
  rows: number
  /** Their size; `bytes` is what came over the wire. */
  fileBytes: number
  rolls: Record<RollReason, number>
  /** Events that are in no file yet. */
  pending: number
  /** Times that several files became one. */
  merges: number
  mergesFailed: number
  /** Hours whose files were merged at last. */
  hoursMerged: number
  hoursRemoved: Record<'age' | 'size', number>
  /** What lives that ended badly have left, and was removed: files without a name in any manifest, folders of merges. */
  leftovers: number
}

export type Reply = { answer?: Answer; counts: StoreCounts }

export const newCounts = (): StoreCounts => ({
  segments: 0,
  rows: 0,
  fileBytes: 0,
  rolls: { rows: 0, bytes: 0, time: 0, hour: 0, close: 0 },
  pending: 0,
  merges: 0,
  mergesFailed: 0,
  hoursMerged: 0,
  hoursRemoved: { age: 0, size: 0 },
  leftovers: 0,
})

/** Messages with their bodies one after the other, so that one buffer changes hands and nothing is cloned. */
export interface PackedBatch {
  heads: Omit<Message, 'body'>[]
  bytes: Uint8Array<ArrayBuffer>
}

export function pack(messages: readonly Message[]): PackedBatch {
  const bytes = new Uint8Array(messages.reduce((sum, { body }) => sum + body.length, 0))
  let at = 0
  const heads = messages.map(({ body, ...rest }) => {
    bytes.set(body, at)
    const head = { ...rest, offset: at + rest.offset }
    at += body.length
    return head
  })
  return { heads, bytes }
}

export function unpack({ heads, bytes }: PackedBatch): Message[] {
  const body = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  return heads.map((head) => ({ ...head, body }))
}
