import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parse } from './parse.js'

const client = { name: 'mail.example.org', address: '192.0.2.7' }

/** The message of a line, and the fields it becomes. */
const CASES: [string, object][] = [
  [
    'NOQUEUE: reject: RCPT from mail.example.org[192.0.2.7]: 554 5.7.1 <bob@example.net>: Relay access denied; from=<ann@example.org> to=<bob@example.net> proto=ESMTP helo=<mail.example.org>',
    {
      kind: 'action',
      action: 'reject',
      stage: 'RCPT',
      client,
      code: 554,
      enhancedCode: '5.7.1',
      reason: '<bob@example.net>: Relay access denied',
      from: 'ann@example.org',
      to: 'bob@example.net',
      protocol: 'ESMTP',
      helo: 'mail.example.org',
    },
  ],
  [
    '4A2B3C4D5E: reject: RCPT from unknown[192.0.2.7]: 450 <x y>: Helo command rejected; a; b; from=<> to=<"a b"@example.net> proto=SMTP helo=<x y>',
    {
      kind: 'action',
      queueId: '4A2B3C4D5E',
      action: 'reject',
      stage: 'RCPT',
      client: { address: '192.0.2.7' },
      code: 450,
      reason: '<x y>: Helo command rejected; a; b',
      from: '',
      to: '"a b"@example.net',
      protocol: 'SMTP',
      helo: 'x y',
    },
  ],
  [
    'NOQUEUE: reject: RCPT from [192.0.2.7]:4711: 550 5.7.1 Service unavailable; from=<a@example.org>, to=<b@example.net>, proto=ESMTP, helo=<c>',
    {
      kind: 'action',
      action: 'reject',
      stage: 'RCPT',
      client: { address: '192.0.2.7', port: 4711 },
      code: 550,
      enhancedCode: '5.7.1',
      reason: 'Service unavailable',
      from: 'a@example.org',
      to: 'b@example.net',
      protocol: 'ESMTP',
      helo: 'c',
    },
  ],
  [
    'NOQUEUE: reject: CONNECT from mail.example.org[192.0.2.7]: 421 4.7.0 Too many; proto=SMTP',
    {
      kind: 'action',
      action: 'reject',
      stage: 'CONNECT',
      client,
      code: 421,
      enhancedCode: '4.7.0',
      reason: 'Too many',
      protocol: 'SMTP',
    },
  ],
  [
    '4A2B3C4D5E: milter-reject: END-OF-MESSAGE from mail.example.org[192.0.2.7]: 5.7.1 Spam; from=<a@example.org> to=<b@example.net> proto=ESMTP helo=<c> sasl_username=<ann>',
    {
      kind: 'action',
      queueId: '4A2B3C4D5E',
      action: 'milter-reject',
      stage: 'END-OF-MESSAGE',
      client,
      enhancedCode: '5.7.1',
      reason: 'Spam',
      from: 'a@example.org',
      to: 'b@example.net',
      protocol: 'ESMTP',
      helo: 'c',
      saslUsername: 'ann',
    },
  ],
  [
    'NOQUEUE: filter: RCPT from mail.example.org[192.0.2.7]: <mail.example.org[192.0.2.7]>: Client host triggers FILTER smtp:[127.0.0.1]:10024; from=<a@example.org> to=<b@example.net> proto=ESMTP helo=<c>',
    {
      kind: 'action',
      action: 'filter',
      stage: 'RCPT',
      client,
      reason: '<mail.example.org[192.0.2.7]>: Client host triggers FILTER smtp:[127.0.0.1]:10024',
      from: 'a@example.org',
      to: 'b@example.net',
      protocol: 'ESMTP',
      helo: 'c',
    },
  ],
  [
    '4A2B3C4D5E: reject: header Subject: make money from home from mail.example.org[192.0.2.7]; from=<a@example.org> to=<b@example.net> proto=ESMTP helo=<c>: 5.7.1 no, thanks',
    {
      kind: 'action',
      queueId: '4A2B3C4D5E',
      action: 'reject',
      part: 'header',
      client,
      reason: 'Subject: make money from home',
      from: 'a@example.org',
      to: 'b@example.net',
      protocol: 'ESMTP',
      helo: 'c',
      explanation: '5.7.1 no, thanks',
    },
  ],
  [
    '4A2B3C4D5E: warning: body bad words from local; from=<a@example.org> to=<b@example.net>',
    {
      kind: 'action',
      queueId: '4A2B3C4D5E',
      action: 'warning',
      part: 'body',
      reason: 'bad words',
      from: 'a@example.org',
      to: 'b@example.net',
    },
  ],
  ['proxy-reject: END-OF-MESSAGE: 550 no', { kind: 'other' }],
  [
    'NOQUEUE: proxy-reject: END-OF-MESSAGE: 550 5.7.1 virus; from=<a@example.org> to=<b@example.net> proto=ESMTP helo=<c>',
    {
      kind: 'action',
      action: 'proxy-reject',
      stage: 'END-OF-MESSAGE',
      code: 550,
      enhancedCode: '5.7.1',
      reason: 'virus',
      from: 'a@example.org',
      to: 'b@example.net',
      protocol: 'ESMTP',
      helo: 'c',
    },
  ],
]

for (const [message, fields] of CASES) {
  test(`action: ${message.slice(0, 60)}`, () => assert.deepEqual(parse(message), fields))
}
