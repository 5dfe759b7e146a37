import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { SshdParser } from './parse.js'

/** What one message says by itself, without host and process id. */
function say(message: string) {
  const parser = new SshdParser({ zone: 'UTC', maxConnections: 10, connectionAge: 1000 })
  const events = parser.line(`2025-03-01T12:03:04Z srv sshd[7]: ${message}`)
  assert.ok(Array.isArray(events) && events.length === 1)
  const { type, data } = events[0]!
  const { host, pid, ...rest } = data as Record<string, unknown>
  assert.deepEqual([host, pid], ['srv', 7])
  return { type, ...rest }
}

describe('ends of connections', () => {
  const cases: [string, object][] = [
    [
      'Received disconnect from 192.0.2.1: 11: Bye Bye [preauth]',
      { by: 'client', reason: 'Bye Bye', address: '192.0.2.1', code: 11, preauth: true },
    ],
    [
      'error: Received disconnect from 192.0.2.1 port 5:14: No more: methods [preauth]',
      { by: 'client', reason: 'No more: methods', address: '192.0.2.1', port: 5, code: 14, preauth: true },
    ],
    [
      'Received disconnect from ::1 port 5:11: disconnected by user',
      { by: 'client', reason: 'disconnected by user', address: '::1', port: 5, code: 11, preauth: false },
    ],
    [
      'Disconnected from user ann 192.0.2.1 port 5',
      {
        by: 'client',
        reason: 'disconnected',
        user: 'ann',
        validUser: true,
        address: '192.0.2.1',
        port: 5,
        preauth: false,
      },
    ],
    [
      'Connection closed by 192.0.2.1 [preauth]',
      { by: 'client', reason: 'closed', address: '192.0.2.1', preauth: true },
    ],
    [
      'Did not receive identification string from 192.0.2.1 port 5',
      {
        by: 'client',
        reason: 'did not send an identification',
        address: '192.0.2.1',
        port: 5,
        preauth: true,
      },
    ],
    [
      'Disconnecting: Too many authentication failures for invalid user a b [preauth]',
      {
        by: 'server',
        reason: 'Too many authentication failures',
        user: 'a b',
        validUser: false,
        preauth: true,
      },
    ],
    [
      'Unable to negotiate with 192.0.2.1 port 5: no matching cipher found. Their offer: 3des-cbc,des [preauth]',
      {
        by: 'server',
        reason: 'no matching cipher found',
        address: '192.0.2.1',
        port: 5,
        offered: ['3des-cbc', 'des'],
        preauth: true,
      },
    ],
    [
      "Bad protocol version identification 'x' from 192.0.2.9 port 1' from 192.0.2.1 port 5",
      {
        by: 'server',
        reason: 'bad protocol version identification',
        identification: "x' from 192.0.2.9 port 1",
        address: '192.0.2.1',
        port: 5,
        preauth: true,
      },
    ],
    [
      'banner exchange: Connection from 192.0.2.1 port 5: invalid format',
      {
        by: 'server',
        reason: 'banner exchange: invalid format',
        address: '192.0.2.1',
        port: 5,
        preauth: true,
      },
    ],
    [
      'ssh_dispatch_run_fatal: Connection from authenticating user root 192.0.2.1 port 5: incorrect signature [preauth]',
      {
        by: 'server',
        reason: 'incorrect signature',
        user: 'root',
        validUser: true,
        address: '192.0.2.1',
        port: 5,
        preauth: true,
      },
    ],
    [
      'fatal: Timeout before authentication for 192.0.2.1 port 5',
      { by: 'server', reason: 'timeout before authentication', address: '192.0.2.1', port: 5, preauth: true },
    ],
    [
      'drop connection #10 from [192.0.2.1]:5 on [192.0.2.2]:22 past MaxStartups',
      {
        by: 'server',
        reason: 'past MaxStartups',
        address: '192.0.2.1',
        port: 5,
        number: 10,
        localAddress: '192.0.2.2',
        localPort: 22,
        preauth: true,
      },
    ],
    [
      'fatal: Write failed: Connection reset by peer [preauth]',
      { by: 'network', reason: 'Connection reset by peer', preauth: true },
    ],
    [
      'Timeout, client not responding from user ann 192.0.2.1 port 5',
      {
        by: 'server',
        reason: 'client not responding',
        user: 'ann',
        validUser: true,
        address: '192.0.2.1',
        port: 5,
        preauth: false,
      },
    ],
  ]
  for (const [message, expected] of cases) {
    it(message, () => assert.deepEqual(say(message), { type: 'ssh.disconnect', ...expected }))
  }
})

describe('other lines', () => {
  const cases: [string, object][] = [
    [
      'User ann from h.example.org not allowed because not listed in AllowUsers',
      {
        type: 'ssh.warning',
        kind: 'notAllowed',
        user: 'ann',
        validUser: false,
        rhost: 'h.example.org',
        reason: 'not listed in AllowUsers',
      },
    ],
    [
      'reverse mapping checking getaddrinfo for h.example.org [192.0.2.1] failed - POSSIBLE BREAK-IN ATTEMPT!',
      { type: 'ssh.warning', kind: 'reverseMapping', address: '192.0.2.1', rhost: 'h.example.org' },
    ],
    [
      'error: kex_exchange_identification: client sent invalid protocol identifier "GET / HTTP/1.1"',
      {
        type: 'ssh.warning',
        kind: 'protocol',
        reason: 'client sent invalid protocol identifier "GET / HTTP/1.1"',
      },
    ],
    [
      'exited MaxStartups throttling after 00:01:05, 10 connections dropped',
      { type: 'ssh.warning', kind: 'throttling', action: 'ended', duration: 65, dropped: 10 },
    ],
    [
      'Connection from 192.0.2.1 port 5 on 192.0.2.2 port 22 rdomain ""',
      { type: 'ssh.connect', address: '192.0.2.1', port: 5, localAddress: '192.0.2.2', localPort: 22 },
    ],
    [
      'Server listening on :: port 22.',
      { type: 'ssh.server', action: 'listening', localAddress: '::', localPort: 22 },
    ],
    ['Received signal 15; terminating.', { type: 'ssh.server', action: 'terminating', signal: 15 }],
    ['error: something new', { type: 'ssh.line', level: 'error', message: 'something new' }],
  ]
  for (const [message, expected] of cases) it(message, () => assert.deepEqual(say(message), expected))
})
