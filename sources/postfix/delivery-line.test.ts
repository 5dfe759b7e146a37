import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parse } from './parse.js'

const delivered =
  'relay=mx.example.net[192.0.2.25]:25, delay=1.5, delays=0.1/0.02/0.4/1, dsn=2.0.0, status=sent'
const attempt = {
  kind: 'delivery',
  relay: { name: 'mx.example.net', address: '192.0.2.25', port: 25 },
  delay: 1.5,
  delays: { beforeQmgr: 0.1, inQmgr: 0.02, connSetup: 0.4, transmission: 1 },
  dsn: '2.0.0',
  status: 'sent',
}

/** The message of a line, and the fields it becomes. */
const CASES: [string, object][] = [
  [
    `4A2B3C4D5E: to=<bob@example.net>, ${delivered} (250 2.0.0 Ok: queued as 3F00AA11BB)`,
    {
      ...attempt,
      queueId: '4A2B3C4D5E',
      to: 'bob@example.net',
      response: '250 2.0.0 Ok: queued as 3F00AA11BB',
      remoteQueueId: '3F00AA11BB',
    },
  ],
  [
    `4A2B3C4D5E: to=<bob@example.net>, orig_to=<root>, ${delivered.replace(', delay', ', conn_use=3, delay')} (250 (so) be it; status=deferred (no))`,
    {
      ...attempt,
      queueId: '4A2B3C4D5E',
      to: 'bob@example.net',
      origTo: 'root',
      connUse: 3,
      response: '250 (so) be it; status=deferred (no)',
    },
  ],
  [
    `4A2B3C4D5E: to=<"a>, relay=none, b"@example.net>, ${delivered} (ok)`,
    { ...attempt, queueId: '4A2B3C4D5E', to: '"a>, relay=none, b"@example.net', response: 'ok' },
  ],
  [
    `4A2B3C4D5E: to=<"unclosed@example.net>, ${delivered} (ok)`,
    { ...attempt, queueId: '4A2B3C4D5E', to: '"unclosed@example.net', response: 'ok' },
  ],
  [`4A2B3C4D5E: to=<>, ${delivered} (ok)`, { ...attempt, queueId: '4A2B3C4D5E', to: '', response: 'ok' }],
  [
    '4A2B3C4D5E: to=<bob@example.net>, relay=none, delay=30, delays=0/0/30/0, dsn=4.4.1, status=deferred (connect to mx.example.net[192.0.2.25]:25: Connection timed out)',
    {
      kind: 'delivery',
      queueId: '4A2B3C4D5E',
      to: 'bob@example.net',
      delay: 30,
      delays: { beforeQmgr: 0, inQmgr: 0, connSetup: 30, transmission: 0 },
      dsn: '4.4.1',
      status: 'deferred',
      response: 'connect to mx.example.net[192.0.2.25]:25: Connection timed out',
    },
  ],
  [
    '4A2B3C4D5E: to=<bob@example.org>, relay=mail.example.org[private/dovecot-lmtp], delay=1, delays=x/0/0/0, tls=none, dsn=2.0.0, status=sent (forwarded as 3F00AA11BB)',
    {
      kind: 'delivery',
      queueId: '4A2B3C4D5E',
      to: 'bob@example.org',
      relay: { name: 'mail.example.org', address: 'private/dovecot-lmtp' },
      delay: 1,
      tls: 'none',
      dsn: '2.0.0',
      status: 'sent',
      response: 'forwarded as 3F00AA11BB',
      remoteQueueId: '3F00AA11BB',
    },
  ],
  [
    '4A2B3C4D5E: to=<bob@example.org>, relay=local, delay=1, status=undeliverable',
    {
      kind: 'delivery',
      queueId: '4A2B3C4D5E',
      to: 'bob@example.org',
      relay: { name: 'local' },
      delay: 1,
      status: 'undeliverable',
    },
  ],
  [
    'warning: 4A2B3C4D5E: queue file size limit exceeded',
    { kind: 'other', level: 'warning', queueId: '4A2B3C4D5E' },
  ],
  [
    '4A2B3C4D5E: host mx.example.net[192.0.2.25] said: 450 4.2.0 Greylisted (in reply to RCPT TO command)',
    {
      kind: 'conversation',
      queueId: '4A2B3C4D5E',
      relay: { name: 'mx.example.net', address: '192.0.2.25' },
      reason: 'said: 450 4.2.0 Greylisted (in reply to RCPT TO command)',
    },
  ],
  [
    '4A2B3C4D5E: lost connection with mx.example.net[192.0.2.25] while sending RCPT TO',
    {
      kind: 'conversation',
      queueId: '4A2B3C4D5E',
      relay: { name: 'mx.example.net', address: '192.0.2.25' },
      reason: 'while sending RCPT TO',
    },
  ],
  [
    'connect to mx.example.net[2001:db8::25]:25: Network is unreachable',
    {
      kind: 'connect-failure',
      relay: { name: 'mx.example.net', address: '2001:db8::25', port: 25 },
      reason: 'Network is unreachable',
    },
  ],
  [
    'Untrusted TLS connection established to mx.example.net[192.0.2.25]:25: TLSv1.2 with cipher ECDHE-RSA-AES128-GCM-SHA256 (128/128 bits)',
    {
      kind: 'tls',
      direction: 'to',
      peer: { name: 'mx.example.net', address: '192.0.2.25', port: 25 },
      tls: { level: 'untrusted', protocol: 'TLSv1.2', cipher: 'ECDHE-RSA-AES128-GCM-SHA256', bits: 128 },
    },
  ],
]

for (const [message, fields] of CASES) {
  test(`delivery: ${message.slice(0, 60)}`, () => assert.deepEqual(parse(message), fields))
}
