import { createReadStream } from 'node:fs'
import { stat } from 'node:fs/promises'
import { Readable } from 'node:stream'
import { createGunzip } from 'node:zlib'
import { emitLines, LineSplitter, newLogCounters } from '../lib/follow/index.js'
import { EventstormError, eventToJson, type LineParser, reason, systemClock } from '../lib/index.js'

/** Longest line; what is longer is cut. */
const MAX_LINE_BYTES = 1024 * 1024
/** How every gzip member begins (RFC 1952, section 2.3.1). */
const GZIP_MAGIC = Buffer.from([0x1f, 0x8b])

/**
 * Puts a log through a parser and prints the events, a line of JSON each. Reads no faster than stdout takes it.
 * @param file a path, or `-` for standard input
 * @throws FILE_UNREADABLE
 */
export async function parseLog(
  parser: LineParser,
  file: string,
): Promise<{ lines: number; events: number; unparsed: number }> {
  const counters = newLogCounters()
  let text = ''
  const { onLine, end } = emitLines(
    parser,
    file,
    ({ time = new Date(systemClock.now()), ...event }) => {
      text += `${eventToJson({ ...event, time })}\n`
      return true
    },
    counters,
  )
  const splitter = new LineSplitter(MAX_LINE_BYTES, onLine)
  const print = () => {
    const printed = text
    text = ''
    return printed === '' ? true : write(printed)
  }
  // Stamps without a year are told from the file's age.
  if (file !== '-') parser.begin?.(await lastWritten(file))
  let readable = true
  for await (const block of blocks(file)) {
    splitter.push(block)
    readable = await print()
    if (!readable) break
  }
  if (readable) {
    splitter.end()
    end()
    await print()
  }
  return { lines: splitter.counters.lines, events: counters.events, unparsed: counters.unparsed }
}

/** When the file was last written, milliseconds since 1970. @throws FILE_UNREADABLE */
async function lastWritten(file: string): Promise<number> {
  try {
    return (await stat(file)).mtimeMs
  } catch (error) {
    throw unreadable(file, error)
  }
}

/** @returns false when nobody reads any more */
function write(text: string): Promise<boolean> {
  return new Promise((resolve, reject) => {
    process.stdout.write(text, (error) => {
      if (!error) resolve(true)
      else if ((error as NodeJS.ErrnoException).code === 'EPIPE') resolve(false)
      else reject(new EventstormError('SINK_FAILED', `stdout takes no more: ${error.message}`, error))
    })
  })
}

/** The bytes of a log, unpacked when its first two say that it is packed. */
async function* blocks(file: string): AsyncGenerator<Buffer> {
  const input = file === '-' ? process.stdin : createReadStream(file, { highWaterMark: 256 * 1024 })
  const iterator = input[Symbol.asyncIterator]() as AsyncIterator<Buffer>
  try {
    let first = Buffer.alloc(0)
    while (first.length < GZIP_MAGIC.length) {
      const { value, done } = await iterator.next()
      if (done) break
      first = Buffer.concat([first, value])
    }
    const rest = { [Symbol.asyncIterator]: () => iterator }
    const packed = first.subarray(0, 2).equals(GZIP_MAGIC)
    if (packed) yield* unpack(first, rest)
    else {
      yield first
      yield* rest
    }
  } catch (error) {
    throw unreadable(file, error)
  }
}

const unreadable = (file: string, error: unknown) =>
  new EventstormError('FILE_UNREADABLE', `cannot read ${file}: ${reason(error)}`, error)

async function* unpack(first: Buffer, rest: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  const gunzip = createGunzip()
  const packed = Readable.from(
    (async function* () {
      yield first
      yield* rest
    })(),
  )
  packed.on('error', (error) => gunzip.destroy(error)).pipe(gunzip)
  yield* gunzip as AsyncIterable<Buffer>
}
