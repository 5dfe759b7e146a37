import type { Db, Document } from 'mongodb'
import { EventBatch, SinkError } from '../../lib/index.js'
import { type EventDocument, toDocuments } from './document.js'
import { DUPLICATE_KEY, isContent, isHangUp, steerFor } from './faults.js'

/** MongoDB's servers cut larger commands, and beyond this there is nothing to gain. */
const PIECE_DOCUMENTS = 1000
/** The driver cannot serialize a command above 17 MiB. */
const PIECE_BYTES = 4 * 1024 * 1024
const IN_FLIGHT = 4
/** Of every MongoDB server; not all of them say no in a way that can be understood. */
const MAX_DOCUMENT_BYTES = 16 * 1024 * 1024
/** How often a piece may end its connection before something in it is thought to be why. */
const SUSPICION = 3

export interface Target {
  db: Db
  collection: string
  writeConcern: Document
  size(document: object): number
}

interface Piece {
  documents: EventDocument[]
  /** How often the connection ended before there was an answer. */
  breaks: number
}

interface WriteError {
  code: number
  errmsg?: string
  keyPattern?: Document
}

/**
 * A batch on its way into a collection. When it fails, and is tried again, what was acknowledged is not sent again; what
 * was sent and not acknowledged may be there, which the server says then.
 */
export class Insertion {
  readonly batch: EventBatch
  readonly counts = { alreadyStored: 0, rejected: 0 }
  /** One sentence about the first that was refused. */
  refusal: string | undefined
  #pieces: Piece[] = []
  /** How many of the batch's messages have been decoded. */
  #decoded = 0
  #size: Target['size']

  constructor(batch: EventBatch, size: Target['size']) {
    this.batch = batch
    this.#size = size
  }

  /** @throws what stopped it; the pieces that are left are sent by the next call */
  async run(target: Target): Promise<void> {
    const failures: unknown[] = []
    const work = async () => {
      for (let piece = this.#next(); piece !== undefined; piece = this.#next()) {
        try {
          await this.#insert(piece, target)
        } catch (error) {
          this.#keep(piece, error)
          failures.push(error)
        }
        if (failures.length > 0) return
      }
    }
    await Promise.all(Array.from({ length: IN_FLIGHT }, work))
    if (failures.length > 0) throw failures[0]
  }

  /** The next piece; decoded only now, so that the server is at work meanwhile. */
  #next(): Piece | undefined {
    const { messages } = this.batch
    while (this.#pieces.length === 0 && this.#decoded < messages.length) {
      const first = this.#decoded
      let [count, bytes] = [0, 0]
      for (let message = messages[first]; message !== undefined; message = messages[this.#decoded]) {
        const fits = count + message.count <= PIECE_DOCUMENTS && bytes + message.body.length <= PIECE_BYTES
        if (!fits && this.#decoded > first) break
        count += message.count
        bytes += message.body.length
        this.#decoded++
      }
      const events = new EventBatch(messages.slice(first, this.#decoded)).events()
      for (let i = events.length; i < count; i++) this.#reject('no valid BSON')
      this.#pieces = cut(toDocuments(events), bytes, this.#size, (why) => this.#reject(why))
    }
    return this.#pieces.shift()
  }

  /** Sends a piece; when something in it keeps the whole from being taken, it becomes two. */
  async #insert(piece: Piece, target: Target): Promise<void> {
    let reply: Document
    try {
      reply = await send(piece.documents, target)
    } catch (error) {
      if (!isContent(error)) throw error
      this.#divide(piece, error)
      return
    }
    const errors: WriteError[] = reply.writeErrors ?? []
    // What says that the server goes away is about no document; the others are there, and will be said to be.
    const ill = errors.find((each) => !isDuplicate(each) && steerFor(each) !== 'retry')
    if (ill) throw new SinkError(steerFor(ill), ill.errmsg ?? `error ${ill.code}`)
    if (reply.writeConcernError) throw new SinkError('retry', reply.writeConcernError.errmsg)
    for (const each of errors) {
      if (isDuplicate(each)) this.counts.alreadyStored++
      else this.#reject(each.errmsg)
    }
  }

  /** What is to be tried again. There are servers that answer a document they cannot read by hanging up. */
  #keep(piece: Piece, error: unknown): void {
    if (isHangUp(error)) piece.breaks++
    if (piece.breaks >= SUSPICION) this.#divide(piece, error)
    else this.#pieces.unshift(piece)
  }

  /** Something in a piece keeps the whole from being stored: it becomes two, until what is to blame stands alone. */
  #divide({ documents, breaks }: Piece, error: unknown): void {
    if (documents.length === 1) {
      this.#reject((error as Error).message)
      return
    }
    const middle = documents.length >> 1
    const halves = [documents.slice(0, middle), documents.slice(middle)]
    // A half that does the same once is divided again, but one alone gets all its chances.
    const suspect = (half: EventDocument[]) => (breaks > 0 && half.length > 1 ? SUSPICION - 1 : 0)
    this.#pieces.unshift(...halves.map((half) => ({ documents: half, breaks: suspect(half) })))
  }

  #reject(why = 'no reason given'): void {
    this.counts.rejected++
    this.refusal ??= why.slice(0, 200)
  }
}

/**
 * The command itself rather than the driver's `insertMany`, which costs more than twice as much for each document.
 */
function send(documents: EventDocument[], { db, collection, writeConcern }: Target): Promise<Document> {
  return db.command({ insert: collection, ordered: false, writeConcern, documents })
}

/** Another unique index than that of the key is somebody's own, and a refusal. */
function isDuplicate({ code, errmsg = '', keyPattern }: WriteError): boolean {
  if (code !== DUPLICATE_KEY) return false
  if (keyPattern) return '_id' in keyPattern
  const [, index] = /index: (?:\S+\.\$)?(\S+)/.exec(errmsg) ?? []
  return index === undefined || index.startsWith('_id')
}

/** @param bytes of all of them as they came, near enough to what they are as documents, but for their keys */
function cut(
  documents: EventDocument[],
  bytes: number,
  size: Target['size'],
  refuse: (why: string) => void,
): Piece[] {
  const pieces: Piece[] = []
  const begin = (documents: EventDocument[]) => pieces.push({ documents, breaks: 0 })
  if (bytes <= PIECE_BYTES) {
    for (let i = 0; i < documents.length; i += PIECE_DOCUMENTS) begin(documents.slice(i, i + PIECE_DOCUMENTS))
    return pieces
  }
  let room = 0
  for (const document of documents) {
    const length = size(document)
    if (length > MAX_DOCUMENT_BYTES) {
      refuse(`the document has ${length} bytes, at most ${MAX_DOCUMENT_BYTES} can be stored`)
      continue
    }
    if (length > room || pieces.at(-1)!.documents.length === PIECE_DOCUMENTS) {
      begin([])
      room = PIECE_BYTES
    }
    pieces.at(-1)!.documents.push(document)
    room -= length
  }
  return pieces
}
