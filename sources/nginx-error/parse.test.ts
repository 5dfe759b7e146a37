import assert from 'node:assert/strict'
import { test } from 'node:test'
import { wallClock } from '../../lib/syslog/index.js'
import { ErrorLog } from './error-log.js'
import { parseEntry } from './parse.js'

const STAMP = '2026/01/31 12:00:07 [error] 12#34: *5 '
const parse = (text: string) => parseEntry(STAMP + text, wallClock('UTC'))!.error
const fields = (text: string) => {
  const { level, pid, tid, connection, ...rest } = parse(text)
  assert.deepEqual({ level, pid, tid, connection }, { level: 'error', pid: 12, tid: 34, connection: 5 })
  return rest
}

test('all that nginx says of a request is told apart', () => {
  assert.deepEqual(
    fields(
      'connect() failed (111: Connection refused) while connecting to upstream, client: 192.0.2.1, server: a.example, request: "POST /x?y=1 HTTP/1.1", subrequest: "/auth", upstream: "http://127.0.0.1:9/x", host: "a.example:8080", referrer: "http://b.example/, c"',
    ),
    {
      message: 'connect() failed (111: Connection refused) while connecting to upstream',
      client: '192.0.2.1',
      server: 'a.example',
      method: 'POST',
      target: '/x?y=1',
      httpVersion: '1.1',
      subrequest: '/auth',
      upstream: 'http://127.0.0.1:9/x',
      host: 'a.example:8080',
      referrer: 'http://b.example/, c',
    },
  )
})

test('fields that are missing are absent, and a malformed request is kept as it is', () => {
  assert.deepEqual(
    fields('client closed connection while waiting for request, client: ::1, server: [::]:80'),
    {
      message: 'client closed connection while waiting for request',
      client: '::1',
      server: '[::]:80',
    },
  )
  assert.deepEqual(fields('bad, client: unix:, server: , request: "hello"'), {
    message: 'bad',
    client: 'unix:',
    server: '',
    request: 'hello',
  })
  const started = parseEntry('2026/01/31 12:00:07 [notice] 1#1: start worker process 29', wallClock('UTC'))
  assert.deepEqual(started, {
    time: Date.UTC(2026, 0, 31, 12, 0, 7),
    error: { level: 'notice', pid: 1, tid: 1, message: 'start worker process 29' },
  })
})

test('limits tell their figures; the mail and stream proxies their own fields', () => {
  const tail = ', client: 192.0.2.1, server: x, request: "GET / HTTP/1.1", host: "x"'
  const limit = (text: string) => {
    const { excess, zone } = parse(text + tail)
    return { excess, zone }
  }
  assert.deepEqual(limit('limiting requests, excess: 5.960 by zone "one"'), { excess: 5.96, zone: 'one' })
  assert.deepEqual(limit('delaying request, excess: 0.5, by zone "two"'), { excess: 0.5, zone: 'two' })
  assert.deepEqual(limit('limiting connections by zone "three"'), { excess: undefined, zone: 'three' })
  assert.equal(
    parse('auth failed, client: 192.0.2.1, server: 0.0.0.0:25, login: "me@x", upstream: 127.0.0.1:26').login,
    'me@x',
  )
  const stream = parse(
    'upstream timed out, client: 192.0.2.1, server: 0.0.0.0:53, upstream: "127.0.0.1:9", bytes from/to client:1/2, bytes from/to upstream:3/4',
  )
  assert.equal(stream.upstream, '127.0.0.1:9')
  assert.deepEqual([stream.bytesFromClient, stream.bytesToUpstream], [1, 4])
})

test('a message that nginx has cut is read as far as it goes', () => {
  const start = `open() "/${'p'.repeat(1900)}" failed (2: No such file or directory), client: 192.0.2.1, server: x, request: "GET /a HTTP/1.1`
  for (const end of ['', '"', '",', '", ', '", ho', '", host: ', '", host: "', '", host: "x.exam']) {
    const error = parse(`${start}${end}`)
    assert.equal(error.client, '192.0.2.1', end)
    assert.equal(error.target, '/a', end)
    assert.equal(error.host, end.endsWith('exam') ? 'x.exam' : end.endsWith('host: "') ? '' : undefined, end)
    assert.equal(error.truncated, end === '"' ? undefined : true, end)
  }
  assert.equal(parse('x'.repeat(2048)).truncated, true)
})

test('what clients send cannot pass for the client, and is pointed out', () => {
  const fake = ', client: 203.0.113.9, server: y'
  const path = parse(`open() "/a${fake}" failed, client: 192.0.2.1, server: x, request: "GET /a HTTP/1.1"`)
  assert.deepEqual([path.client, path.ambiguous], ['192.0.2.1', true])
  const referrer = parse(
    `x, client: 192.0.2.1, server: x, request: "GET /a HTTP/1.1", host: "h", referrer: "r${fake}"`,
  )
  assert.deepEqual([referrer.client, referrer.referrer, referrer.ambiguous], ['192.0.2.1', `r${fake}`, true])
})

const TAIL = '" while reading upstream, client: 192.0.2.1, server: x, request: "GET / HTTP/1.1"'
const messages = (result: ReturnType<ErrorLog['line']>) => {
  assert.ok(Array.isArray(result))
  return result.map(({ data }) => (data as { message: string }).message)
}

test('an entry of several lines is one event, as soon as it is whole', () => {
  const log = new ErrorLog('UTC')
  assert.deepEqual(messages(log.line(`${STAMP}FastCGI sent in stderr: "one`)), [])
  assert.deepEqual(messages(log.line('')), [])
  assert.deepEqual(messages(log.line(`two${TAIL}`)), [
    'FastCGI sent in stderr: "one\n\ntwo" while reading upstream',
  ])
  assert.ok('unparsed' in log.line('three'))
})

test('an entry that stays open goes out with the next one, in time, at the end, or when it grows too long', () => {
  const log = new ErrorLog('UTC')
  log.line(`${STAMP}open`)
  assert.deepEqual(messages(log.line('2026/01/31 12:00:07 [notice] 1#1: whole')), ['open', 'whole'])
  log.line(`${STAMP}open`)
  assert.deepEqual(messages(log.expire()), [])
  log.line('more')
  assert.deepEqual(messages(log.expire()), [])
  assert.deepEqual(messages(log.expire()), ['open\nmore'])
  log.line(`${STAMP}open`)
  const next = new ErrorLog('UTC')
  next.restore(log.save())
  assert.deepEqual(messages(next.line('more')), [])
  assert.deepEqual(messages(next.end()), ['open\nmore'])
  log.line('x'.repeat(2000))
  assert.equal(messages(log.line('x'.repeat(2100)))[0]?.length, 4 + 2 + 4100)
  assert.equal(log.save(), undefined)
})

test('stamps without a zone are read in the one that is named', () => {
  const time = (zone: string) =>
    parseEntry(`${STAMP}x`, wallClock(zone))!.time - parseEntry(`${STAMP}x`, wallClock('UTC'))!.time
  assert.equal(time('+02:00'), -7_200_000)
  assert.equal(time('America/New_York'), 5 * 3_600_000)
})
