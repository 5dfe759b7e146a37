import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { seeded } from '../../testing/index.js'
import { readFormat } from './format.js'
import type { Hit } from './hit.js'
import { accessLogParser } from './parse.js'

const SAMPLE = fileURLToPath(new URL('../../../sources/nginx/samples/access.log', import.meta.url))

/** The one event of a line, or the reason why it is none. */
function parse(line: string, format = 'combined'): { data: Hit; time?: Date } | { unparsed: string } {
  const result = accessLogParser(readFormat(format)).line(line)
  if (!Array.isArray(result)) return result
  assert.equal(result.length, 1)
  assert.equal(result[0]!.type, 'http.hit')
  const { data, time } = result[0]!
  return { data: data as Hit, ...(time && { time }) }
}

function hit(line: string, format?: string): Hit {
  const result = parse(line, format)
  assert.ok('data' in result, `expected an event, got ${JSON.stringify(result)}`)
  return result.data
}

/** A combined line with that request and nothing else of interest. */
function requested(request: string): Hit {
  const { remoteAddr, status, bodyBytesSent, ...rest } = hit(
    `127.0.0.1 - - [22/Jul/2024:00:00:13 -0300] "${request}" 400 157 "-" "-"`,
  )
  assert.deepEqual([remoteAddr, status, bodyBytesSent], ['127.0.0.1', 400, 157])
  return rest
}

test('a combined line becomes fields in words of nginx, with the time and its zone', () => {
  const line =
    '10.0.0.1 - alice [22/Jul/2024:23:00:13 -0300] "GET /a/b?c=d&e HTTP/1.1" 200 2732 "http://shop.example/" "Agent/1.0 (x)"'
  assert.deepEqual(parse(line), {
    data: {
      remoteAddr: '10.0.0.1',
      remoteUser: 'alice',
      method: 'GET',
      target: '/a/b?c=d&e',
      path: '/a/b',
      query: 'c=d&e',
      httpVersion: '1.1',
      status: 200,
      bodyBytesSent: 2732,
      referer: 'http://shop.example/',
      userAgent: 'Agent/1.0 (x)',
    },
    time: new Date('2024-07-23T02:00:13Z'),
  })
})

test('what the log has as "-" is absent, what it has as empty is empty', () => {
  assert.deepEqual(hit('unix: - - [22/Jul/2024:00:00:13 +0000] "-" 400 - "-" ""'), {
    remoteAddr: 'unix:',
    status: 400,
    userAgent: '',
  })
})

test('a request line that is in order is taken apart', () => {
  const fields = (method: string, target: string, path?: string, query?: string, httpVersion = '1.1') => ({
    ...{ method, target, httpVersion },
    ...(path !== undefined && { path }),
    ...(query !== undefined && { query }),
  })
  assert.deepEqual(requested('GET /? HTTP/1.1'), fields('GET', '/?', '/', ''))
  assert.deepEqual(requested('get / HTTP/1.0'), fields('get', '/', '/', undefined, '1.0'))
  assert.deepEqual(requested('M-SEARCH * HTTP/1.1'), fields('M-SEARCH', '*'))
  assert.deepEqual(requested('PRI * HTTP/2.0'), fields('PRI', '*', undefined, undefined, '2.0'))
  assert.deepEqual(requested('CONNECT a.example:443 HTTP/1.1'), fields('CONNECT', 'a.example:443'))
  assert.deepEqual(
    requested('GET http://a.example/b?c HTTP/1.1'),
    fields('GET', 'http://a.example/b?c', '/b', 'c'),
  )
  assert.deepEqual(requested('GET http://a.example HTTP/1.1'), fields('GET', 'http://a.example', '/'))
  assert.deepEqual(requested('GET /old'), fields('GET', '/old', '/old', undefined, '0.9'))
  assert.deepEqual(requested('GET /%20%zz//../a HTTP/1.1'), fields('GET', '/%20%zz//../a', '/%20%zz//../a'))
})

test('a request that is malformed in any way is kept as it is', () => {
  const odd = [
    ...['', 'hello', 'GET', 'GET ', ' / HTTP/1.1', 'GET  HTTP/1.1', 'GET /with space HTTP/1.1', 'POST /old'],
    ...['get / http/1.1', 'GET / HTTP/1.1 ', 'GET / HTTP/x', 'G{T / HTTP/1.1', '\\x16\\x03\\x01\\x02\\x00'],
    ...['\\xFF \\xFE HTTP/1.1', '() { :; }; echo'],
  ]
  for (const request of odd) assert.deepEqual(requested(request), { request }, request)
})

test('escapes become the characters they stand for, as far as those are UTF-8', () => {
  const agent = (text: string) =>
    hit(`127.0.0.1 - - [22/Jul/2024:00:00:13 +0000] "GET / HTTP/1.1" 200 5 "-" "${text}"`).userAgent
  assert.equal(agent('caf\\xC3\\xA9 \\x22x\\x22 \\x5Cx41 tab\\x09'), 'café "x" \\x41 tab\t')
  assert.equal(agent('latin\\xE9 \\x22'), 'latin\\xE9 \\x22')
  assert.equal(agent('apache \\"x\\" \\\\'), 'apache "x" \\')
  assert.equal(agent('broken \\x2'), 'broken \\x2')
  assert.equal(requested('GET /caf\\xC3\\xA9?\\x22 HTTP/1.1').path, '/café')
})

test('a user name may hold what stands after it in the format', () => {
  const line = '10.0.0.1 - a - [x] " [y [22/Jul/2024:00:00:13 +0000] "GET / HTTP/1.1" 200 5 "-" "-"'
  assert.equal(hit(line).remoteUser, 'a - [x] " [y')
})

test('a line that does not fit is told apart, with where and why', () => {
  const reasons: [string, RegExp][] = [
    ['', /the line is empty/],
    ['hello', /expected \$remote_addr and then " - " at character 1, got "hello"/],
    [
      '1.1.1.1 - - [22/Foo/2024:00:00:13 +0000] "GET / HTTP/1.1" 200 5 "-" "-"',
      /expected \$time_local at character 14/,
    ],
    [
      '1.1.1.1 - - [22/Jul/2024:00:00:13 +0000] "GET / HTTP/1.1" OK 5 "-" "-"',
      /expected \$status at character 59, got "OK"/,
    ],
    [
      '1.1.1.1 - - [22/Jul/2024:00:00:13 +0000] "GET / HTTP/1.1" 200 5 "-" "-',
      /expected \$http_user_agent and then "\\""/,
    ],
    [
      '1.1.1.1 - - [22/Jul/2024:00:00:13 +0000] "GET / HTTP/1.1" 200 5 "-" "-" "x"',
      /expected the line to end .* got " \\"x\\""/,
    ],
  ]
  for (const [line, reason] of reasons) {
    const result = parse(line)
    assert.ok('unparsed' in result, line)
    assert.match(result.unparsed, reason)
  }
})

test('fields of any format: numbers, times, lists, upstreams and names of their own', () => {
  const format = `log_format main '$remote_addr $http_x_forwarded_for [$time_iso8601] $msec "$request_method" "$request_uri" '
    '"$server_protocol" $status $request_length $request_time $upstream_addr $upstream_status '
    '$upstream_response_time $host:$server_port "$http_cookie" $ssl_protocol \${request_id}';`
  const line =
    '10.0.0.1 1.1.1.1, 2.2.2.2 [2024-07-22T00:00:13-03:00] 1721617213.123 "GET" "/a?b" "HTTP/2.0" 200 512 0.045 ' +
    '10.0.1.1:80, unix:/run/app : 10.0.1.3:80 502, - : 200 0.001, - : 0.044 [::1]:8080 "a=b; c=d" TLSv1.3 abc'
  assert.deepEqual(parse(line, format), {
    data: {
      remoteAddr: '10.0.0.1',
      forwardedFor: ['1.1.1.1', '2.2.2.2'],
      method: 'GET',
      target: '/a?b',
      path: '/a',
      query: 'b',
      httpVersion: '2.0',
      status: 200,
      requestLength: 512,
      requestTime: 0.045,
      upstream: [
        { addr: '10.0.1.1:80', status: 502, responseTime: 0.001 },
        { addr: 'unix:/run/app' },
        { addr: '10.0.1.3:80', status: 200, responseTime: 0.044 },
      ],
      host: '[::1]',
      serverPort: 8080,
      httpCookie: 'a=b; c=d',
      sslProtocol: 'TLSv1.3',
      requestId: 'abc',
    },
    time: new Date('2024-07-22T03:00:13.123Z'),
  })
})

test('JSON formats, also with values that make the line no valid JSON', () => {
  const body =
    '{"addr":"$remote_addr","agent":"$http_user_agent","up":$upstream_response_time,"status":$status}'
  assert.deepEqual(
    hit('{"addr":"::1","agent":"a \\"b\\" \\u0007 é","up":,"status":200}', `escape=json '${body}'`),
    {
      remoteAddr: '::1',
      userAgent: 'a "b" \u0007 é',
      status: 200,
    },
  )
  assert.deepEqual(hit('{"addr":"::1","agent":"a \\x22b\\x22","up":-,"status":200}', body), {
    remoteAddr: '::1',
    userAgent: 'a "b"',
    status: 200,
  })
  assert.deepEqual(hit('{"addr":"::1","agent":"a "b"","up":0.1,"status":200}', `escape=none '${body}'`), {
    remoteAddr: '::1',
    userAgent: 'a "b"',
    upstream: [{ responseTime: 0.1 }],
    status: 200,
  })
})

test('every line of the sample becomes an event, and the sums are those of the log', () => {
  const lines = readFileSync(SAMPLE, 'utf8').trimEnd().split('\n')
  assert.ok(lines.length > 200)
  const parser = accessLogParser(readFormat('combined'))
  const hits = lines.map((line) => {
    const result = parser.line(line)
    assert.ok(Array.isArray(result), `${line}: ${JSON.stringify(result)}`)
    return result[0]!.data as Hit
  })
  // Counted another way: in combined, the two numbers stand between the second and the third quote from the end.
  const expected = lines.map((line) => /" (\d{3}) (\d+) "[^"]*" "[^"]*"$/.exec(line)!.slice(1).map(Number))
  assert.deepEqual(
    hits.map(({ status, bodyBytesSent }) => [status, bodyBytesSent]),
    expected,
  )
  assert.ok(new Set(hits.map(({ status }) => status)).size >= 15)
  assert.ok(hits.some(({ request }) => request?.startsWith('\\x16\\x03')))
})

test('whatever a line is made of, it becomes one event or a reason', () => {
  const next = seeded(20260102)
  const random = (limit: number) => Math.floor(next() * limit)
  const sample = readFileSync(SAMPLE, 'utf8').trimEnd().split('\n')
  const pieces = [
    '"',
    ' ',
    '" "',
    ' [',
    '] ',
    '\\',
    '\\x',
    '\\xZZ',
    '-',
    ' - ',
    '\0',
    '\ufffd',
    '😀',
    '200',
    '{',
    ', ',
    ' : ',
  ]
  const formats = [
    'combined',
    'escape=json \'{"a":"$remote_addr","r":"$request","s":$status}\'',
    'escape=none \'$remote_addr $upstream_addr $upstream_status "$request" $msec\'',
  ].map((format) => accessLogParser(readFormat(format)))
  let events = 0
  for (let round = 0; round < 20_000; round++) {
    let line = sample[random(sample.length)]!
    for (let change = random(4); change > 0; change--) {
      const at = random(line.length + 1)
      const piece = random(3) === 0 ? '' : pieces[random(pieces.length)]!
      line = line.slice(0, at) + piece + line.slice(at + random(12))
    }
    for (const parser of formats) {
      const result = parser.line(line)
      if (Array.isArray(result)) {
        assert.equal(result.length, 1)
        const { status } = result[0]!.data as Hit
        assert.ok(status === undefined || Number.isFinite(status), line)
        assert.ok(result[0]!.time === undefined || !Number.isNaN(result[0]!.time.getTime()), line)
        events++
      } else {
        assert.ok(result.unparsed.length > 10 && result.unparsed.length < 400, result.unparsed)
      }
    }
  }
  assert.ok(events > 10_000)
})

test('a hostile line costs bounded work', () => {
  const parser = accessLogParser(readFormat("escape=none '$a $b $c $d $e $status $f $status $g $status'"))
  const line = '1 '.repeat(60_000)
  assert.ok('unparsed' in parser.line(line))
})
