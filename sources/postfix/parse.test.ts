import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { parse } from './parse.js'
import { Programs } from './program.js'
import { isQueueId } from './queue-id.js'

const client = { name: 'mail.example.org', address: '192.0.2.7' }
/** Every kind of line: the message of the line, and the fields it becomes. */
const CASES: Record<string, [string, object][]> = {
  'sessions of smtpd': [
    ['connect from mail.example.org[192.0.2.7]', { kind: 'connect', client }],
    ['connect from mail.example.org[192.0.2.7]:4711', { kind: 'connect', client: { ...client, port: 4711 } }],
    ['connect from unknown[2001:db8::7]', { kind: 'connect', client: { address: '2001:db8::7' } }],
    ['connect from unknown[unknown]', { kind: 'connect', client: {} }],
    ['disconnect from mail.example.org[192.0.2.7]', { kind: 'disconnect', client }],
    [
      'disconnect from mail.example.org[192.0.2.7] ehlo=1 auth=0/3 mail=1 rcpt=1/2 data=1 quit=1 commands=5/9',
      {
        kind: 'disconnect',
        client,
        commands: { ehlo: 1, auth: 3, mail: 1, rcpt: 2, data: 1, quit: 1, all: 9 },
        refused: { auth: 3, rcpt: 1, all: 4 },
      },
    ],
    [
      'lost connection after AUTH from mail.example.org[192.0.2.7]',
      { kind: 'broken-session', reason: 'lost connection', stage: 'AUTH', client },
    ],
    [
      'lost connection after DATA (approximately 812 bytes) from mail.example.org[192.0.2.7]',
      { kind: 'broken-session', reason: 'lost connection', stage: 'DATA', bytes: 812, client },
    ],
    [
      'timeout after END-OF-MESSAGE from mail.example.org[192.0.2.7]',
      { kind: 'broken-session', reason: 'timeout', stage: 'END-OF-MESSAGE', client },
    ],
    [
      'too many errors after RCPT from mail.example.org[192.0.2.7]',
      { kind: 'broken-session', reason: 'too many errors', stage: 'RCPT', client },
    ],
    [
      'improper command pipelining after CONNECT from mail.example.org[192.0.2.7]: GET / HTTP/1.0',
      { kind: 'broken-session', reason: 'improper command pipelining', stage: 'CONNECT', client },
    ],
    [
      'Anonymous TLS connection established from mail.example.org[192.0.2.7]: TLSv1.3 with cipher TLS_AES_256_GCM_SHA384 (256/256 bits) key-exchange X25519',
      {
        kind: 'tls',
        direction: 'from',
        peer: client,
        tls: { level: 'anonymous', protocol: 'TLSv1.3', cipher: 'TLS_AES_256_GCM_SHA384', bits: 256 },
      },
    ],
    [
      'warning: mail.example.org[192.0.2.7]: SASL LOGIN authentication failed: authentication failure, sasl_username=ann',
      {
        kind: 'auth-failure',
        level: 'warning',
        client,
        saslMethod: 'LOGIN',
        reason: 'authentication failure',
        saslUsername: 'ann',
      },
    ],
    [
      'warning: hostname mail.example.org does not resolve to address 192.0.2.7: Name or service not known',
      { kind: 'name-mismatch', level: 'warning', client, reason: 'Name or service not known' },
    ],
    [
      'warning: hostname mail.example.org does not resolve to address 192.0.2.7',
      { kind: 'name-mismatch', level: 'warning', client, reason: 'does not resolve to address' },
    ],
    [
      'warning: 192.0.2.7: address not listed for hostname mail.example.org',
      { kind: 'name-mismatch', level: 'warning', client, reason: 'address not listed' },
    ],
  ],
  'the start of a message': [
    ['4A2B3C4D5E: client=mail.example.org[192.0.2.7]', { kind: 'client', queueId: '4A2B3C4D5E', client }],
    [
      '4A2B3C4D5E: client=mail.example.org[192.0.2.7], sasl_method=PLAIN, sasl_username=ann@example.org, sasl_sender=ann',
      {
        kind: 'client',
        queueId: '4A2B3C4D5E',
        client,
        saslMethod: 'PLAIN',
        saslUsername: 'ann@example.org',
        saslSender: 'ann',
      },
    ],
    [
      '4A2B3C4D5E: client=localhost[127.0.0.1], orig_queue_id=3F00AA11BB, orig_client=mail.example.org[192.0.2.7]',
      {
        kind: 'client',
        queueId: '4A2B3C4D5E',
        client: { name: 'localhost', address: '127.0.0.1' },
        origQueueId: '3F00AA11BB',
        origClient: client,
      },
    ],
    ['NOQUEUE: client=mail.example.org[192.0.2.7]', { kind: 'client', client }],
    [
      '4A2B3C4D5E: uid=1000 from=<ann@example.org>',
      { kind: 'pickup', queueId: '4A2B3C4D5E', uid: 1000, from: 'ann@example.org' },
    ],
    [
      '4A2B3C4D5E: uid=33 from=<www> orig_id=3F00AA11BB',
      { kind: 'pickup', queueId: '4A2B3C4D5E', uid: 33, from: 'www', origQueueId: '3F00AA11BB' },
    ],
    [
      '4A2B3C4D5E: message-id=<1@example.org>',
      { kind: 'message-id', queueId: '4A2B3C4D5E', messageId: '1@example.org' },
    ],
    ['4A2B3C4D5E: message-id=<>', { kind: 'message-id', queueId: '4A2B3C4D5E', messageId: '' }],
    ['4A2B3C4D5E: message-id=', { kind: 'message-id', queueId: '4A2B3C4D5E', messageId: '' }],
    [
      '4A2B3C4D5E: message-id=no brackets: at all',
      { kind: 'message-id', queueId: '4A2B3C4D5E', messageId: 'no brackets: at all' },
    ],
    [
      '4A2B3C4D5E: resent-message-id=<2@example.org>',
      { kind: 'message-id', queueId: '4A2B3C4D5E', resentMessageId: '2@example.org' },
    ],
  ],
  'the queue': [
    [
      '4A2B3C4D5E: from=<ann@example.org>, size=812, nrcpt=2 (queue active)',
      { kind: 'active', queueId: '4A2B3C4D5E', from: 'ann@example.org', size: 812, nrcpt: 2 },
    ],
    [
      '4A2B3C4D5E: from=<>, size=812, nrcpt=1 (queue active)',
      { kind: 'active', queueId: '4A2B3C4D5E', from: '', size: 812, nrcpt: 1 },
    ],
    [
      '4A2B3C4D5E: from=<"a>, size=1, b"@example.org>, size=812, nrcpt=1 (queue active)',
      { kind: 'active', queueId: '4A2B3C4D5E', from: '"a>, size=1, b"@example.org', size: 812, nrcpt: 1 },
    ],
    [
      '4A2B3C4D5E: from=<ann@example.org>, status=expired, returned to sender',
      { kind: 'expired', queueId: '4A2B3C4D5E', from: 'ann@example.org', status: 'expired' },
    ],
    [
      '4A2B3C4D5E: from=<ann@example.org>, status=force-expired, returned to sender',
      { kind: 'expired', queueId: '4A2B3C4D5E', from: 'ann@example.org', status: 'force-expired' },
    ],
    ['4A2B3C4D5E: removed', { kind: 'queue', queueId: '4A2B3C4D5E', event: 'removed' }],
    ['4A2B3C4D5E: requeued', { kind: 'queue', queueId: '4A2B3C4D5E', event: 'requeued' }],
    ['4A2B3C4D5E: placed on hold', { kind: 'queue', queueId: '4A2B3C4D5E', event: 'placed on hold' }],
    ['4A2B3C4D5E: released from hold', { kind: 'queue', queueId: '4A2B3C4D5E', event: 'released from hold' }],
    ['4A2B3C4D5E: skipped, still being delivered', { kind: 'other', queueId: '4A2B3C4D5E' }],
    [
      '4A2B3C4D5E: sender non-delivery notification: 3F00AA11BB',
      {
        kind: 'notification',
        queueId: '4A2B3C4D5E',
        recipient: 'sender',
        notification: 'non-delivery',
        notificationQueueId: '3F00AA11BB',
      },
    ],
    [
      '4A2B3C4D5E: postmaster delay notification: 3F00AA11BB',
      {
        kind: 'notification',
        queueId: '4A2B3C4D5E',
        recipient: 'postmaster',
        notification: 'delay',
        notificationQueueId: '3F00AA11BB',
      },
    ],
    [
      '4A2B3C4D5E: sender delivery status notification: 4b8mZt1BCDzJkLm',
      {
        kind: 'notification',
        queueId: '4A2B3C4D5E',
        recipient: 'sender',
        notification: 'delivery status',
        notificationQueueId: '4b8mZt1BCDzJkLm',
      },
    ],
  ],
  'guards and statistics': [
    [
      'CONNECT from [192.0.2.7]:4711 to [192.0.2.1]:25',
      { kind: 'postscreen', test: 'CONNECT', client: { address: '192.0.2.7', port: 4711 } },
    ],
    [
      'PASS NEW [2001:db8::7]:4711',
      { kind: 'postscreen', test: 'PASS NEW', client: { address: '2001:db8::7', port: 4711 } },
    ],
    [
      'DNSBL rank 5 for [192.0.2.7]:4711',
      { kind: 'postscreen', test: 'DNSBL', rank: 5, client: { address: '192.0.2.7', port: 4711 } },
    ],
    [
      'PREGREET 11 after 0.07 from [192.0.2.7]:4711: EHLO ylmf-pc\\r\\n',
      { kind: 'postscreen', test: 'PREGREET', after: 0.07, client: { address: '192.0.2.7', port: 4711 } },
    ],
    [
      'addr 192.0.2.7 listed by domain list.example.com as 127.0.0.4',
      { kind: 'listed', client: { address: '192.0.2.7' }, domain: 'list.example.com', answer: '127.0.0.4' },
    ],
    [
      'statistics: max connection rate 3/60s for (smtp:192.0.2.7) at Mar  1 12:00:00',
      {
        kind: 'statistics',
        statistic: 'max connection rate',
        value: 3,
        period: 60,
        service: 'smtp',
        client: { address: '192.0.2.7' },
      },
    ],
    [
      'statistics: max cache size 4 at Mar  1 12:00:00',
      { kind: 'statistics', statistic: 'max cache size', value: 4 },
    ],
    [
      'statistics: domain lookup hits=0 miss=3 success=0%',
      { kind: 'statistics', statistic: 'domain lookup hits=0 miss=3 success=0%' },
    ],
    ['daemon started -- version 3.7.11, configuration /etc/postfix', { kind: 'other' }],
    ['Deleted: 3 messages', { kind: 'other' }],
    ['fatal: open lock file: unable to set exclusive lock', { kind: 'other', level: 'fatal' }],
    ['', { kind: 'other' }],
  ],
}

for (const [what, cases] of Object.entries(CASES)) {
  describe(what, () => {
    for (const [message, fields] of cases) {
      test(message.slice(0, 80) || 'nothing', () => assert.deepEqual(parse(message), fields))
    }
  })
}

test('queue ids are told from words', () => {
  const is = (text: string) => isQueueId(text, 0, text.length)
  for (const id of ['4A2B3C', '0123456789AB', '4b8mZt1BCDzJkLm', '3P7WVr5ZsPz1F', 'DEADBEEF'])
    assert.ok(is(id), id)
  const words = [
    'warning',
    'connect',
    'statistics',
    'NOQUEUE',
    'fatal',
    '4A2B3',
    '4b8mZt1BCDz',
    '4A2B3c4d5e',
    '',
  ]
  for (const word of words) assert.ok(!is(word), word)
  assert.ok(!is('A'.repeat(65)))
})

test('programs of Postfix are told from others', () => {
  const programs = new Programs(['mail-out'])
  assert.deepEqual(programs.find('postfix/smtpd'), { instance: 'postfix', daemon: 'smtpd' })
  assert.deepEqual(programs.find('postfix-in/submission/smtpd'), {
    instance: 'postfix-in',
    service: 'submission',
    daemon: 'smtpd',
  })
  assert.deepEqual(programs.find('postfix-192.0.2.7/a/b/cleanup'), {
    instance: 'postfix-192.0.2.7',
    service: 'a/b',
    daemon: 'cleanup',
  })
  assert.deepEqual(programs.find('mail-out/qmgr'), { instance: 'mail-out', daemon: 'qmgr' })
  assert.deepEqual(programs.find('postfix-script'), { instance: 'postfix', daemon: 'postfix-script' })
  for (const other of ['dovecot', 'postfix-policyd-spf', 'opendkim', 'postgrey/x', 'postfix/', '']) {
    assert.equal(programs.find(other), undefined, other)
  }
})
