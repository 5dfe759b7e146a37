import assert from 'node:assert/strict'
import { test } from 'node:test'
import { NOON, open } from './fixtures/written-log.js'

const A = '4A2B3C4D5E'
const B = '3F00AA11BB'
const PEER = 'mail.example.org[192.0.2.7]'
const client = (queueId: string, peer = PEER) => `smtpd[10]: ${queueId}: client=${peer}`
const headers = (queueId: string) => `cleanup[11]: ${queueId}: message-id=<1@example.org>`
const active = (queueId: string) =>
  `qmgr[12]: ${queueId}: from=<ann@example.org>, size=812, nrcpt=1 (queue active)`
const removed = (queueId: string) => `qmgr[12]: ${queueId}: removed`
const refusal = `NOQUEUE: reject: RCPT from ${PEER}: 550 no; from=<a@example.org> to=<b@example.net> proto=ESMTP helo=<mail.example.org>`

test('what is unheard of for too long is given up, by the time of the log', () => {
  const log = open({ maxAge: 3_600_000 })
  log.write(0, client(A))
  log.write(0, active(A))
  log.expire(NOON + 365 * 86_400_000)
  assert.deepEqual(log.transactions(), [], 'a log that was read late is not old by itself')
  log.expire(NOON + 365 * 86_400_000 + 3_700_000)
  assert.deepEqual(
    log.transactions().map(({ end, complete }) => [end, complete]),
    [['timeout', false]],
  )
  assert.equal(log.connections().length, 1)
  assert.equal(log.log.open, 0)
})

test('what is too many is given up, the one unheard of longest first', () => {
  const log = open({ maxTransactions: 2 })
  const ids = ['AAAAAA1', 'AAAAAA2', 'AAAAAA3', 'AAAAAA4'] as const
  log.write(0, client(ids[0]))
  log.write(1, client(ids[1]))
  log.write(2, headers(ids[0]))
  log.write(3, client(ids[2]))
  log.write(4, client(ids[3]))
  assert.deepEqual(
    log.transactions().map(({ queueId, end }) => [queueId, end]),
    [
      [ids[1], 'crowded-out'],
      [ids[0], 'crowded-out'],
    ],
  )
  assert.equal(log.log.counters.crowdedOut, 2)
  log.end()
  assert.deepEqual(
    log.transactions().map(({ end }) => end),
    ['crowded-out', 'crowded-out', 'log-end', 'log-end'],
  )
})

test('a clock that is set back holds nothing up', () => {
  const log = open()
  log.write(86_400, removed(A))
  log.write(0, client(B))
  assert.deepEqual(
    log.transactions().map(({ queueId }) => queueId),
    [A],
  )
})

test('a connection is told with its encryption, its login and its failures', () => {
  const log = open()
  log.write(0, `smtpd[10]: connect from ${PEER}`)
  log.write(
    0,
    `smtpd[10]: Anonymous TLS connection established from ${PEER}: TLSv1.3 with cipher X (256/256 bits)`,
  )
  log.write(1, `smtpd[10]: warning: ${PEER}: SASL LOGIN authentication failed: no`)
  log.write(2, `smtpd[10]: ${A}: client=${PEER}, sasl_method=LOGIN, sasl_username=ann`)
  log.write(3, `smtpd[10]: connect from unknown[192.0.2.8]`)
  log.write(4, `smtpd[77]: disconnect from ${PEER}`)
  const [first, joined] = log.connections()
  assert.deepEqual(
    [
      first.tls.protocol,
      first.authFailures,
      first.saslUsername,
      first.messages,
      first.queueIds,
      first.complete,
    ],
    ['TLSv1.3', 1, 'ann', 1, [A], false],
  )
  assert.deepEqual([joined.client.address, joined.complete], ['192.0.2.7', false])
  log.end()
  assert.equal(log.transactions()[0].tls.protocol, 'TLSv1.3')
})

test('repeated messages count as often as they came', () => {
  const log = open()
  log.write(0, `smtpd[10]: message repeated 3 times: [ ${refusal}]`)
  assert.deepEqual(
    log.rejects().map(({ helo }) => helo),
    ['mail.example.org', 'mail.example.org', 'mail.example.org'],
  )
})

test('other programs are passed by, and what is no line of syslog is told', () => {
  const { log } = open()
  assert.deepEqual(log.line('Mar  1 12:00:00 mx dovecot: imap-login: Disconnected'), [])
  assert.deepEqual(log.line('Mar  1 12:00:00 mx postfix-policyd[1]: x'), [])
  assert.deepEqual([log.counters.otherLines, log.counters.postfixLines], [2, 0])
  assert.ok('unparsed' in log.line('what is this?'))
})
