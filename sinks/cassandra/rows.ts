import type { EventBatch } from '../../lib/index.js'
import { DAY } from './schema.js'

/** How events are spread over partitions. */
export interface Layout {
  /** The time that one partition has, milliseconds. */
  bucket: number
  /** Partitions for one type and bucket. */
  shards: number
}

/** A statement with its values, all of them bytes already: the driver hands those over as they are. */
export interface Row {
  query: string
  params: (Buffer | null)[]
}

/** Rows of one partition, to be written together or not at all. */
export interface WriteRequest {
  rows: Row[]
  bytes: number
}

export interface Partition {
  type: string
  /** Milliseconds since 1970. */
  bucket: number
  shard: number
}

interface Open extends Partition {
  head: Buffer[]
  request: WriteRequest
}

/** What a row takes beside its document, about. */
const ROW_OVERHEAD = 64

/** Events of a stream that stay together in one shard, so that they travel together. */
const SHARD_RUN = 256

const HIGH = 2 ** 32

export function int64(value: number): Buffer {
  const bytes = Buffer.allocUnsafe(8)
  const high = Math.floor(value / HIGH)
  bytes.writeInt32BE(high, 0)
  bytes.writeUInt32BE(value - high * HIGH, 4)
  return bytes
}

function int32(value: number): Buffer {
  const bytes = Buffer.allocUnsafe(4)
  bytes.writeInt32BE(value)
  return bytes
}

function int16(value: number): Buffer {
  const bytes = Buffer.allocUnsafe(2)
  bytes.writeInt16BE(value)
  return bytes
}

/** FNV-1a, so that sources spread over the shards, the same way in every process. */
function hash(text: string): number {
  let state = 0x811c9dc5
  for (let i = 0; i < text.length; i++) state = Math.imul(state ^ text.charCodeAt(i), 0x01000193)
  return state >>> 0
}

/** Gathers rows into requests of one partition each and of `maxBytes` at most, but of one row at least. */
class RequestCutter {
  readonly requests: WriteRequest[] = []
  #maxBytes: number

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes
  }

  /** Adds a row to the request that is open for its partition; returns the one that is open now. */
  add(open: WriteRequest | undefined, row: Row, bytes: number): WriteRequest {
    if (open && open.bytes + bytes <= this.#maxBytes) {
      open.rows.push(row)
      open.bytes += bytes
      return open
    }
    const request = { rows: [row], bytes }
    this.requests.push(request)
    return request
  }
}

/**
 * The events of a batch as requests, with the partitions they are for. Where an event belongs follows from the event alone:
 * written again, by whomever, it is the same row.
 */
export function toRequests(
  batch: EventBatch,
  insert: string,
  { bucket: span, shards }: Layout,
  { requestBytes, rowBytes }: { requestBytes: number; rowBytes: number },
): { requests: WriteRequest[]; partitions: Partition[]; tooLarge: number } {
  const cutter = new RequestCutter(requestBytes)
  const partitions = new Map<string, Open>()
  const documents = batch.documents()
  let tooLarge = 0
  let open: Open | undefined
  let stream:
    | { source: string; epoch: number; sourceBytes: Buffer; epochBytes: Buffer; start: number }
    | undefined
  for (const [i, { type, source, epoch, seq, time }] of batch.events().entries()) {
    const document = documents[i]!
    if (document.length > rowBytes) {
      tooLarge++
      continue
    }
    if (stream === undefined || stream.source !== source || stream.epoch !== epoch) {
      const start = shards === 1 ? 0 : hash(source)
      stream = { source, epoch, sourceBytes: Buffer.from(source), epochBytes: int64(epoch), start }
    }
    const at = time.getTime()
    const bucket = Math.floor(at / span) * span
    const shard = shards === 1 ? 0 : (stream.start + Math.floor(seq / SHARD_RUN)) % shards
    if (open === undefined || open.bucket !== bucket || open.shard !== shard || open.type !== type) {
      open = openPartition(partitions, { type, bucket, shard })
    }
    const [typeBytes, bucketBytes, shardBytes] = open.head as [Buffer, Buffer, Buffer]
    const { epochBytes, sourceBytes } = stream
    const params = [
      typeBytes,
      bucketBytes,
      shardBytes,
      int64(at),
      epochBytes,
      int64(seq),
      sourceBytes,
      document,
    ]
    const bytes = document.length + source.length + type.length + ROW_OVERHEAD
    open.request = cutter.add(open.request, { query: insert, params }, bytes)
  }
  return { requests: cutter.requests, partitions: [...partitions.values()], tooLarge }
}

function openPartition(partitions: Map<string, Open>, partition: Partition): Open {
  const { type, bucket, shard } = partition
  const key = partitionKey(partition)
  let open = partitions.get(key)
  if (open === undefined) {
    const head = [Buffer.from(type), int64(bucket), int16(shard)]
    open = { ...partition, head, request: { rows: [], bytes: Infinity } }
    partitions.set(key, open)
  }
  return open
}

/** A type has no spaces. */
export const partitionKey = ({ type, bucket, shard }: Partition) => `${bucket} ${shard} ${type}`

/** Rows that list partitions, together where they are of the same day. */
export function toListing(
  partitions: Iterable<Partition>,
  insert: string,
  span: number,
  maxBytes: number,
): WriteRequest[] {
  const cutter = new RequestCutter(maxBytes)
  const days = new Map<number, WriteRequest>()
  for (const { type, bucket, shard } of partitions) {
    const day = Math.floor(bucket / DAY) * DAY
    const params = [int64(day), Buffer.from(type), int64(bucket), int16(shard), int32(span)]
    days.set(day, cutter.add(days.get(day), { query: insert, params }, type.length + ROW_OVERHEAD))
  }
  return cutter.requests
}
