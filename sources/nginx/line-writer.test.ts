import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { attach, EventSource, type LineParser, NO_ROOM, UNUSUAL } from '../../lib/index.js'
import { freeEndpoint, seeded, until } from '../../testing/index.js'
import { readFormat } from './format.js'
import { accessLogParser } from './parse.js'

const SAMPLE = readFileSync(
  fileURLToPath(new URL('../../../sources/nginx/samples/access.log', import.meta.url)),
)

const MAIN = `'$remote_addr - $remote_user [$time_local] "$request" '
              '$status $body_bytes_sent "$http_referer" '
              '"$http_user_agent" "$http_x_forwarded_for"'`
const JSON_LINES = `escape=json '{"time":"$time_iso8601","method":"$request_method","args":"$args",'
                    '"status":"$status","ms":$request_time,"agent":"$http_user_agent","id":"$request_id"}'`

/** What the writer makes of the line that begins at `from`: its bytes, or why there are none. */
function write(parser: LineParser, block: Buffer, from = 0, room = 65_536) {
  const { writer } = parser
  assert.ok(writer)
  const target = Buffer.alloc(room + 16, 0xaa)
  writer.begin(block, from)
  const end = writer.write(target, 8, 8 + room)
  assert.ok(
    target.subarray(8 + room).every((byte) => byte === 0xaa),
    'nothing is written behind the limit',
  )
  if (end < 0) return end
  writer.taken()
  return { bytes: target.subarray(8, end), time: writer.time, next: writer.next }
}

/** Emits each event both ways, and compares what arrives byte for byte. Returns how many lines the writer took. */
async function compare(format: string, lines: readonly Buffer[]): Promise<number> {
  const parser = accessLogParser(readFormat(format))
  const { writer } = parser
  assert.ok(writer)
  const endpoint = freeEndpoint('inproc')
  await using source = new EventSource({ source: 'test', bind: [endpoint] })
  const bodies: Record<string, Buffer[]> = { written: [], made: [] }
  const sink = {
    write(batch: { messages: readonly { type: string; body: Buffer; offset: number }[] }) {
      for (const { type, body, offset } of batch.messages) bodies[type]!.push(body.subarray(offset))
    },
  }
  await using attached = await attach(sink, { connect: [endpoint] })
  await source.subscribed('written', { timeout: 15_000 })
  let taken = 0
  // The first one opens the stream.
  for (const type of ['written', 'made']) source.emit(type, {}, { time: new Date(0) })
  for (const line of lines) {
    const block = Buffer.concat([line, Buffer.from('\n')])
    writer.begin(block, 0)
    if (source.emitWritten('written', writer) === 0) continue
    taken++
    assert.equal(writer.next, block.length, `the whole line was read: ${line}`)
    const made = parser.line(line.toString())
    assert.ok(Array.isArray(made), `the parser takes it too: ${line}`)
    source.emit('made', made[0]!.data, { time: made[0]!.time ?? new Date(writer.time ?? 0) })
  }
  const total = 2 * (taken + 1)
  await until('all were written', () => attached.counters().written === total)
  assert.deepEqual(Buffer.concat(bodies.written!), Buffer.concat(bodies.made!))
  return taken
}

const linesOf = (text: Buffer | string) =>
  text
    .toString('latin1')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => Buffer.from(line, 'latin1'))

test('the writer makes of the lines of real clients what the parser makes of them', async (context) => {
  const lines = linesOf(SAMPLE)
  const taken = await compare('combined', lines)
  context.diagnostic(`${taken} of ${lines.length} lines of the sample were written from their bytes`)
  assert.ok(taken > lines.length / 2)
})

test('other formats are written too', async () => {
  const rest = '[22/Jul/2024:00:00:13 -0300] "GET /a/b?c=d HTTP/1.1"'
  const main = linesOf(`10.0.0.1 - - ${rest} 200 5 "-" "curl/8" "-"
10.0.0.1 - - ${rest} 200 5 "-" "curl/8" "203.0.113.7, 198.51.100.2,192.0.2.1"
10.0.0.1 - - ${rest} 200 9999999999 "-" "" "unknown"
10.0.0.1 - - ${rest} 200 - "-" "a \\"b\\"" "unknown"
10.0.0.1 - - ${rest} 200 7 "-" "curl/8" "203.0.113.7 , 198.51.100.2"`)
  assert.equal(
    await compare(MAIN, main),
    3,
    'not the one with escapes, nor the one with a space before a comma',
  )
  const json =
    linesOf(`{"time":"2024-07-22T00:00:13-03:00","method":"GET","args":"","status":"200","ms":0.005,"agent":"x","id":"ab"}
{"time":"2024-07-22T00:00:14-03:00","method":"","args":"a=b","status":"499","ms":1.000,"agent":"-","id":"ab"}
{"time":"2024-07-22T00:00:14-03:00","method":"GET","args":"a=b","status":"499","ms":123456.789,"agent":"\\u00e9","id":"ab"}`)
  assert.equal(await compare(JSON_LINES, json), 2)
})

test('formats with what only the parser reads have no writer', () => {
  const has = (format: string) => accessLogParser(readFormat(format)).writer !== undefined
  assert.equal(has('combined'), true)
  assert.equal(has('$remote_addr "$upstream_addr" $status'), false, 'lists of upstreams')
  assert.equal(has('$request $status'), false, 'a request without quotes')
  assert.equal(has('"$request" $request_method'), false, 'two variables make one field')
  assert.equal(has('$remote_addr \\ $status'), false, 'a backslash of its own')
})

test('damaged lines are written just as the parser reads them, or left to it', async (context) => {
  const seed = Number(process.env.SEED ?? Date.now() % 1e9)
  context.diagnostic(`seed ${seed}`)
  const random = seeded(seed)
  const upTo = (n: number) => Math.floor(random() * n)
  const originals = linesOf(SAMPLE)
  const pieces = [
    '"',
    '" "',
    ' - ',
    '\\',
    '\\x22',
    '-',
    ' ',
    '\t',
    '\0',
    '\r',
    'é',
    '\xff',
    '?',
    ',',
    '[',
    ' 200 ',
    '.',
  ]
  const lines = Array.from({ length: 20_000 }, () => {
    let line = originals[upTo(originals.length)]!.toString('latin1')
    for (let n = upTo(3); n >= 0; n--) {
      const at = upTo(line.length)
      const piece = pieces[upTo(pieces.length)]!
      line = `${line.slice(0, at)}${piece}${line.slice(at + upTo(4))}`
    }
    return Buffer.from(line.replaceAll('\n', ''), 'latin1')
  })
  const taken = await compare('combined', lines)
  context.diagnostic(`${taken} of ${lines.length} damaged lines were written from their bytes`)
  assert.ok(taken > 1000 && taken < lines.length)
})

test('nothing is written behind the limit, whatever it is', () => {
  for (const [format, line] of [
    ['combined', '10.0.0.1 - frank [22/Jul/2024:00:00:13 -0300] "GET /a?b HTTP/1.1" 200 5 "-" "curl/8"\n'],
    [
      MAIN,
      '10.0.0.1 - - [22/Jul/2024:00:00:13 -0300] "GET /a HTTP/1.1" 200 1e "-" "x" "-"\n'.replace('1e', '1'),
    ],
    [
      MAIN,
      '10.0.0.1 - - [22/Jul/2024:00:00:13 -0300] "GET /a HTTP/1.1" 200 1 "-" "x" "192.0.2.1, 192.0.2.2"\n',
    ],
    ['$status $request_time', '200 0.125\n'],
  ] as const) {
    const parser = accessLogParser(readFormat(format))
    const block = Buffer.from(line)
    const whole = write(parser, block)
    assert.ok(typeof whole === 'object')
    let room = 0
    while (write(parser, block, 0, room) === NO_ROOM) room++
    assert.deepEqual(write(parser, block, 0, room), whole)
    assert.ok(
      room >= whole.bytes.length && room < whole.bytes.length + 32,
      'little more than is needed is asked for',
    )
  }
})

test('a line that does not end where it should is not read into the next one', () => {
  const good = '10.0.0.1 - - [22/Jul/2024:00:00:13 -0300] "GET /a HTTP/1.1" 200 5 "-" "curl/8"\n'
  const parser = accessLogParser(readFormat('combined'))
  for (let cut = 0; cut < good.length - 1; cut++) {
    const block = Buffer.from(`${good.slice(0, cut)}\n${good}`)
    assert.equal(write(parser, block), UNUSUAL, `cut at ${cut}`)
    const second = write(parser, block, cut + 1)
    assert.ok(typeof second === 'object' && second.next === block.length)
  }
})
