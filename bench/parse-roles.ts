/**
 * The programs that `bench/parse` times from outside, each a process that reads one access log and prints what it
 * found: `node parse-roles.js <role> <file> [endpoint]`.
 */
import { once } from 'node:events'
import { createReadStream } from 'node:fs'
import { createInterface } from 'node:readline'
import { BSON } from 'bson'
import { LineSplitter, type OnLine, readBlocks } from '../lib/follow/index.js'
import { relaxCollector, startSource, subscribe } from '../lib/index.js'
import nginx from '../sources/nginx/nginx.js'

const [role = '', file = '', endpoint = ''] = process.argv.slice(2)
const totals = { lines: 0, statusSum: 0, bodyBytes: 0, bytes: 0 }

interface Hit {
  status: number
  bodyBytesSent: number
}

function add({ status, bodyBytesSent }: Hit): void {
  totals.lines++
  totals.statusSum += status
  totals.bodyBytes += bodyBytesSent
}

const options = () => nginx.options.parse({ file, once: true })

const roles: Record<string, () => Promise<void>> = {
  /** What a user would write: readline, one regular expression, one document a line. */
  async naive() {
    const form = /^(\S+) \S+ (.+?) \[([^\]]+)\] "(\S+) (\S+) HTTP\/([\d.]+)" (\d+) (\d+) "([^"]*)" "([^"]*)"$/
    const lines = createInterface({ input: createReadStream(file), crlfDelay: Infinity })
    lines.on('line', (line) => {
      const match = form.exec(line)
      if (match === null) return
      const [, remoteAddr, remoteUser, time, method, target, httpVersion, status, bytes, referer, userAgent] =
        match
      const event = {
        ...{ remoteAddr, remoteUser, method, target, httpVersion, referer, userAgent },
        time: new Date(`${time!.slice(0, 11).replaceAll('/', ' ')} ${time!.slice(12)}`),
        status: Number(status),
        bodyBytesSent: Number(bytes),
      }
      BSON.serialize(event)
      add(event)
    })
    await once(lines, 'close')
  },

  /** Lines to events, and no further. */
  async parse() {
    const parser = nginx.parser!(options())
    const splitter = new LineSplitter(1 << 20, (line) => {
      const events = parser.line(line)
      if (Array.isArray(events)) for (const event of events) add(event.data as Hit)
    })
    for await (const block of readBlocks(file)) splitter.push(block)
    splitter.end()
  },

  /** Lines to encoded events, which go nowhere. */
  async encode() {
    const parser = nginx.parser!(options())
    const { writer } = parser
    const target = Buffer.alloc(1 << 16)
    // Those that lie in two blocks.
    const onLine: OnLine = (line) => {
      const events = parser.line(line)
      if (Array.isArray(events)) for (const event of events) totals.bytes += BSON.serialize(event).length
      totals.lines++
    }
    onLine.bytes = {
      take(block, from) {
        writer!.begin(block, from)
        const before = totals.lines
        do {
          const end = writer!.write(target, 0, target.length)
          if (end < 0) break
          totals.bytes += end
          totals.lines++
        } while (writer!.taken())
        return totals.lines - before
      },
      next: () => writer!.next,
    }
    const splitter = new LineSplitter(1 << 20, onLine)
    for await (const block of readBlocks(file)) splitter.push(block)
    splitter.end()
  },

  /** The whole way: read, parsed, encoded, published to a subscriber in another process. */
  async publish() {
    const source = await startSource(nginx.create(options()), {
      source: 'bench',
      connect: [endpoint],
      sendHighWaterMark: 1_000_000,
      drainTimeout: '1m',
    })
    await source.ended
    totals.lines = Number(source.counters().sent)
  },

  /** The subscriber of the other process: looks at the headers and counts. */
  async count() {
    const events = subscribe({
      bind: ['tcp://127.0.0.1:0'],
      queueBytes: '4GiB',
      queueEvents: 100_000_000,
      maxMemory: 0,
    })
    process.once('disconnect', () => process.exit())
    process.send!({ ready: events.endpoints[0] })
    process.on('message', () =>
      process.send!({ received: events.counters().received, lost: events.counters().lost }),
    )
    for await (const _ of events) {
    }
  },
}

// As the program has it.
relaxCollector()
await roles[role]!()
console.log(JSON.stringify(totals))
