import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Fields, NOON, open } from './fixtures/written-log.js'

const A = '4A2B3C4D5E'
const B = '3F00AA11BB'
const PEER = 'mail.example.org[192.0.2.7]'
const client = (queueId: string, peer = PEER) => `smtpd[10]: ${queueId}: client=${peer}`
const headers = (queueId: string, id = '1@example.org') => `cleanup[11]: ${queueId}: message-id=<${id}>`
const active = (queueId: string, nrcpt = 1, from = 'ann@example.org') =>
  `qmgr[12]: ${queueId}: from=<${from}>, size=812, nrcpt=${nrcpt} (queue active)`
const attempt = (
  queueId: string,
  to: string,
  status = 'sent',
  text = '250 Ok',
  relay = 'mx.example.net[192.0.2.25]:25',
) =>
  `smtp[13]: ${queueId}: to=<${to}>, relay=${relay}, delay=1, delays=0/0/0/1, dsn=2.0.0, status=${status} (${text})`
const removed = (queueId: string) => `qmgr[12]: ${queueId}: removed`

type Log = ReturnType<typeof open>

/** A message that is delivered at once. */
function whole({ write }: Log, at: number, queueId: string, to = 'bob@example.net') {
  write(at, client(queueId))
  write(at, headers(queueId))
  write(at, active(queueId))
  write(at, attempt(queueId, to))
  write(at, removed(queueId))
}

test('a message is told with its last line', () => {
  const log = open()
  whole(log, 0, A)
  const [transaction] = log.transactions()
  assert.equal(transaction.complete, true)
  assert.equal(transaction.end, 'removed')
  assert.equal(transaction.lines, 5)
  assert.deepEqual([transaction.from, transaction.size, transaction.nrcpt], ['ann@example.org', 812, 1])
  assert.equal(transaction.receivedAt.getTime(), NOON)
  const [delivery] = log.deliveries()
  assert.deepEqual(
    [delivery.to, delivery.from, delivery.messageId],
    ['bob@example.net', 'ann@example.org', '1@example.org'],
  )
  assert.equal(log.log.open, 1, 'the connection is open still')
})

test('a queue id is one of its host and its instance', () => {
  const log = open()
  for (const [host, instance] of [
    ['mx', 'postfix'],
    ['mx', 'postfix-in'],
    ['my', 'postfix'],
  ] as const) {
    log.write(0, client(A), host, instance)
    log.write(0, headers(A), host, instance)
    log.write(0, active(A), host, instance)
  }
  log.write(1, attempt(A, 'bob@example.net'), 'mx', 'postfix-in')
  log.write(1, removed(A), 'mx', 'postfix-in')
  assert.deepEqual(
    log.transactions().map(({ host, instance }) => [host, instance]),
    [['mx', 'postfix-in']],
  )
  assert.equal(log.transactions()[0].lines, 5)
})

test('long queue ids differ by case', () => {
  const log = open()
  const upper = '4b8mZt1BCDzJkLm'
  const lower = '4b8mzt1BCDzJkLm'
  log.write(0, client(upper))
  log.write(0, client(lower))
  log.end()
  assert.deepEqual(
    log.transactions().map(({ queueId }) => queueId),
    [upper, lower],
  )
})

test('a queue id that comes again after its removal is another message', () => {
  const log = open()
  whole(log, 0, A, 'bob@example.net')
  whole(log, 1, A, 'carl@example.net')
  whole(log, 8000, A, 'dora@example.net')
  assert.deepEqual(
    log.transactions().map(({ complete, recipients }) => [complete, recipients[0].to]),
    [
      [true, 'bob@example.net'],
      [true, 'carl@example.net'],
      [true, 'dora@example.net'],
    ],
  )
})

test('a queue id that comes again without a removal closes the message before', () => {
  const log = open()
  log.write(0, client(A))
  log.write(0, headers(A, 'first'))
  log.write(0, active(A))
  whole(log, 3600, A)
  assert.deepEqual(
    log.transactions().map(({ end, complete, messageId }) => [end, complete, messageId]),
    [
      ['reused', false, 'first'],
      ['removed', true, '1@example.org'],
    ],
  )
})

test('a notification that gets the queue id of a message whose removal was missed is not mixed with it', () => {
  const log = open()
  log.write(0, client(B))
  log.write(0, headers(B, 'first'))
  log.write(0, active(B))
  log.write(900, headers(B, 'second'))
  log.write(900, active(B, 1, ''))
  log.write(900, `bounce[14]: ${A}: sender non-delivery notification: ${B}`)
  log.write(900, attempt(B, 'ann@example.org'))
  log.write(900, removed(B))
  assert.deepEqual(
    log.transactions().map(({ end, messageId, from }) => [end, messageId, from]),
    [
      ['reused', 'first', 'ann@example.org'],
      ['removed', 'second', ''],
    ],
  )
})

test('lines out of order, and up to seconds apart, are one message', () => {
  const log = open()
  log.write(1, headers(A))
  log.write(0, client(A))
  log.write(2, active(A))
  log.write(2, removed(A))
  assert.equal(log.transactions().length, 0, 'it waits for the delivery')
  log.write(1, attempt(A, 'bob@example.net'))
  assert.equal(log.transactions().length, 1)
  const [transaction] = log.transactions()
  assert.deepEqual([transaction.complete, transaction.lines], [true, 5])
  assert.equal(transaction.removedAt.getTime(), NOON + 2000)
})

test('the line that begins a message may come after those of all others', () => {
  const log = open()
  log.write(0, headers(A))
  log.write(0, active(A))
  log.write(1, client(A))
  log.write(1, attempt(A, 'bob@example.net'))
  log.write(1, removed(A))
  assert.deepEqual(
    log.transactions().map(({ complete, lines }) => [complete, lines]),
    [[true, 5]],
  )
})

test('what comes after the event is counted and makes no message', () => {
  const log = open()
  whole(log, 0, A)
  log.write(1, removed(A))
  log.write(1, attempt(A, 'bob@example.net'))
  log.end()
  assert.equal(log.transactions().length, 1)
  assert.equal(log.deliveries().length, 2)
  assert.equal(log.log.counters.lateLines, 2)
})

test('a log that is joined in the middle gives incomplete messages', () => {
  const log = open()
  log.write(0, attempt(A, 'bob@example.net'))
  log.write(0, removed(A))
  log.write(0, removed(B))
  log.write(6, 'qmgr[12]: statistics: nothing')
  assert.deepEqual(
    log.transactions().map(({ queueId, complete, end, lines }) => [queueId, complete, end, lines]),
    [
      [A, false, 'removed', 2],
      [B, false, 'removed', 1],
    ],
  )
})

test('each of several recipients has its own end, and one event tells of all', () => {
  const log = open()
  log.write(0, client(A))
  log.write(0, headers(A))
  log.write(0, active(A, 3))
  log.write(1, attempt(A, 'bob@example.net'))
  log.write(1, attempt(A, 'carl@example.net', 'bounced', 'no such user'))
  log.write(1, attempt(A, 'dora@example.net', 'deferred', 'later'))
  log.write(300, active(A, 3))
  log.write(301, attempt(A, 'dora@example.net'))
  log.write(301, removed(A))
  const [transaction] = log.transactions()
  assert.deepEqual(
    transaction.recipients.map(({ to, status }: Fields) => [to, status]),
    [
      ['bob@example.net', 'sent'],
      ['carl@example.net', 'bounced'],
      ['dora@example.net', 'sent'],
    ],
  )
  assert.deepEqual(transaction.deliveries, { sent: 2, bounced: 1, deferred: 1 })
})

test('what was deferred for days is one recipient with its history, of which the first and the last are kept', () => {
  const log = open()
  log.write(0, client(A))
  log.write(0, headers(A))
  for (let hour = 0; hour < 100; hour++) {
    log.write(hour * 3600, active(A))
    log.write(hour * 3600 + 1, attempt(A, 'bob@example.net', 'deferred', `try ${hour}`))
  }
  log.write(360_000, `qmgr[12]: ${A}: from=<ann@example.org>, status=expired, returned to sender`)
  log.write(360_000, removed(A))
  log.write(360_006, 'qmgr[12]: statistics: nothing')
  const [transaction] = log.transactions()
  assert.deepEqual([transaction.end, transaction.complete], ['expired', true])
  const [{ attempts, attemptsOmitted, status }] = transaction.recipients
  assert.equal(status, 'deferred')
  assert.deepEqual([attempts.length, attemptsOmitted], [20, 80])
  assert.deepEqual(
    [attempts[0].response, attempts[1].response, attempts[19].response],
    ['try 0', 'try 81', 'try 99'],
  )
  assert.equal(transaction.deliveries.deferred, 100)
})

test('recipients beyond the limit are counted', () => {
  const log = open({ maxRecipients: 2 })
  log.write(0, client(A))
  log.write(0, headers(A))
  log.write(0, active(A, 4))
  for (const name of ['a', 'b', 'c', 'd']) log.write(1, attempt(A, `${name}@example.net`))
  log.write(1, removed(A))
  const [transaction] = log.transactions()
  assert.deepEqual([transaction.recipients.length, transaction.recipientsOmitted], [2, 2])
  assert.deepEqual(transaction.deliveries, { sent: 4 })
})

for (const first of ['message id', 'notification'] as const) {
  test(`a bounce and its message are linked, the ${first} first`, () => {
    const log = open()
    log.write(0, client(A))
    log.write(0, headers(A))
    log.write(0, active(A))
    log.write(1, attempt(A, 'bob@example.net', 'bounced', 'no such user'))
    const notification = `bounce[14]: ${A}: sender non-delivery notification: ${B}`
    if (first === 'notification') log.write(1, notification)
    log.write(1, headers(B, '2@example.org'))
    log.write(1, active(B, 1, ''))
    log.write(1, attempt(B, 'ann@example.org'))
    log.write(1, removed(B))
    if (first === 'message id') log.write(1, notification)
    log.write(1, removed(A))
    const [bounce, message] = log.transactions()
    assert.deepEqual([bounce.queueId, bounce.bounceOf, bounce.complete, bounce.from], [B, A, true, ''])
    assert.deepEqual(message.bounces, [{ queueId: B, recipient: 'sender', notification: 'non-delivery' }])
    assert.equal(message.complete, true)
  })
}

const LOCAL = 'localhost[127.0.0.1]'

/** A is handed to a filter, which hands it back as B. */
function filter(log: Log, relay: string, peer: string, at = 0) {
  log.write(at, client(A))
  log.write(at, headers(A))
  log.write(at, active(A))
  log.write(at, client(B, peer))
  log.write(at, headers(B))
  log.write(at, active(B))
  log.write(at, attempt(B, 'bob@example.net'))
  log.write(at, removed(B))
  log.write(
    at,
    attempt(A, 'bob@example.net', 'sent', `250 2.0.0 from MTA: 250 2.0.0 Ok: queued as ${B}`, relay),
  )
  log.write(at, removed(A))
}

test('a message that a content filter hands back is linked both ways', () => {
  const log = open()
  filter(log, '127.0.0.1[127.0.0.1]:10024', LOCAL)
  const [inner, outer] = log.transactions()
  assert.deepEqual([inner.queueId, inner.previousQueueId], [B, A])
  assert.deepEqual([outer.queueId, outer.nextQueueIds], [A, [B]])
  assert.equal(log.deliveries().find(({ queueId }) => queueId === A)?.nextQueueId, B)
})

test('a filter on another machine is known by its address', () => {
  const log = open()
  filter(log, 'filter.example.org[192.0.2.99]:10024', 'filter.example.org[192.0.2.99]')
  assert.deepEqual(log.transactions().find(({ queueId }) => queueId === A).nextQueueIds, [B])
})

test('the queue id in a remote answer is not taken for one of ours', () => {
  const log = open()
  filter(log, 'mx.example.net[192.0.2.25]:25', PEER)
  const outer = log.transactions().find(({ queueId }) => queueId === A)
  assert.equal(outer.nextQueueIds, undefined)
  assert.equal(outer.recipients[0].remoteQueueId, B)
  const much = open()
  much.write(0, client(B, LOCAL))
  much.write(7200, client(A))
  much.write(7200, attempt(A, 'bob@example.net', 'sent', `250 queued as ${B}`, '127.0.0.1[127.0.0.1]:10024'))
  much.end()
  assert.equal(much.transactions().find(({ queueId }) => queueId === A).nextQueueIds, undefined)
})

test('a filter that speaks XFORWARD names the queue before', () => {
  const log = open()
  log.write(0, `smtpd[10]: ${B}: client=${LOCAL}, orig_queue_id=${A}, orig_client=${PEER}`)
  log.write(0, headers(B))
  log.write(0, active(B))
  log.write(0, attempt(B, 'bob@example.net'))
  log.write(0, removed(B))
  assert.equal(log.transactions()[0].previousQueueId, A)
})

test('a message that an alias forwards is linked', () => {
  const log = open()
  log.write(0, client(A))
  log.write(0, headers(A))
  log.write(0, active(A))
  log.write(0, headers(B))
  log.write(0, active(B))
  log.write(
    0,
    `local[15]: ${A}: to=<root@example.org>, relay=local, delay=0, dsn=2.0.0, status=sent (forwarded as ${B})`,
  )
  log.write(0, removed(A))
  log.write(1, attempt(B, 'ann@example.org'))
  log.write(1, removed(B))
  const [first, second] = log.transactions()
  assert.deepEqual(first.nextQueueIds, [B])
  assert.deepEqual([second.previousQueueId, second.complete], [A, true])
})

const refuse = (queueId: string, to: string) =>
  `smtpd[10]: ${queueId}: reject: RCPT from ${PEER}: 550 5.1.1 <${to}>: User unknown; from=<ann@example.org> to=<${to}> proto=ESMTP helo=<mail.example.org>`

test('rejections without a queue id are events of their own, and of no message', () => {
  const log = open()
  log.write(0, `smtpd[10]: connect from ${PEER}`)
  log.write(0, refuse('NOQUEUE', 'x@example.net'))
  log.write(0, refuse('NOQUEUE', 'y@example.net'))
  log.write(1, `smtpd[10]: disconnect from ${PEER} ehlo=1 mail=1 rcpt=0/2 quit=1 commands=3/5`)
  log.end()
  assert.deepEqual(
    log.rejects().map(({ to, code, queueId }) => [to, code, queueId]),
    [
      ['x@example.net', 550, undefined],
      ['y@example.net', 550, undefined],
    ],
  )
  assert.deepEqual(log.transactions(), [])
  const [connection] = log.connections()
  assert.deepEqual([connection.rejects, connection.duration, connection.complete], [2, 1, true])
  assert.deepEqual([connection.commands.rcpt, connection.refused], [2, { rcpt: 2, all: 2 }])
})

test('a message that never comes into the queue ends with its connection', () => {
  const log = open()
  log.write(0, `smtpd[10]: connect from ${PEER}`)
  log.write(0, client(A))
  log.write(0, refuse(A, 'x@example.net'))
  log.write(1, client(B))
  log.write(2, `smtpd[10]: disconnect from ${PEER}`)
  assert.deepEqual(log.transactions(), [], 'its other lines may come yet')
  log.write(8, `smtpd[10]: connect from ${PEER}`)
  assert.deepEqual(
    log.transactions().map(({ queueId, end, complete }) => [queueId, end, complete]),
    [
      [A, 'rejected', true],
      [B, 'abandoned', true],
    ],
  )
  assert.equal(log.transactions()[0].helo, 'mail.example.org')
})

test('a message that is slow to come into the queue is waited for', () => {
  const log = open()
  log.write(0, `smtpd[10]: connect from ${PEER}`)
  log.write(0, client(A))
  log.write(0, headers(A))
  log.write(1, `smtpd[10]: disconnect from ${PEER}`)
  log.write(900, active(A))
  log.write(901, attempt(A, 'bob@example.net'))
  log.write(901, removed(A))
  assert.deepEqual(
    log.transactions().map(({ end, complete }) => [end, complete]),
    [['removed', true]],
  )
})

test('a connection that is lost in the middle of a message ends it', () => {
  const log = open()
  log.write(0, `smtpd[10]: connect from ${PEER}`)
  log.write(0, client(A))
  log.write(0, headers(A))
  log.write(1, `smtpd[10]: lost connection after DATA (512 bytes) from ${PEER}`)
  log.write(1, `smtpd[10]: disconnect from ${PEER}`)
  log.write(9, `smtpd[10]: connect from ${PEER}`)
  assert.equal(log.transactions()[0].end, 'abandoned')
  assert.deepEqual(log.connections()[0].broken, { reason: 'lost connection', stage: 'DATA', bytes: 512 })
})

test('what a milter, a rule or the postmaster does ends a message', () => {
  const ends: [string, string][] = [
    [
      `cleanup[11]: ${A}: milter-reject: END-OF-MESSAGE from ${PEER}: 5.7.1 Spam; from=<a@example.org> to=<b@example.net> proto=ESMTP helo=<c>`,
      'milter-reject',
    ],
    [
      `cleanup[11]: ${A}: reject: header Subject: x from ${PEER}; from=<a@example.org> to=<b@example.net> proto=ESMTP helo=<c>: no`,
      'reject',
    ],
    [
      `cleanup[11]: ${A}: discard: header Subject: x from ${PEER}; from=<a@example.org> to=<b@example.net> proto=ESMTP helo=<c>: no`,
      'discarded',
    ],
    [`postsuper[20]: ${A}: removed`, 'deleted'],
    [`postsuper[20]: ${A}: requeued`, 'requeued'],
  ]
  for (const [line, end] of ends) {
    const log = open()
    log.write(0, client(A))
    log.write(0, headers(A))
    log.write(1, line)
    assert.deepEqual(
      log.transactions().map((each) => [each.end, each.complete]),
      [[end, true]],
    )
  }
})

test('a message that is held stays open, and a requeued one goes on under another id', () => {
  const log = open()
  log.write(0, client(A))
  log.write(
    0,
    `smtpd[10]: ${A}: hold: RCPT from ${PEER}: <x>: wait; from=<a@example.org> to=<b@example.net> proto=ESMTP helo=<c>`,
  )
  log.write(0, headers(A))
  log.write(0, `smtpd[10]: disconnect from ${PEER}`)
  log.write(7200, `postsuper[20]: ${A}: released from hold`)
  log.write(7201, `postsuper[20]: ${A}: requeued`)
  log.write(7201, `pickup[9]: ${B}: uid=100 from=<a@example.org> orig_id=${A}`)
  log.end()
  const [before, after] = log.transactions()
  assert.deepEqual(
    before.actions.map(({ action }: Fields) => action),
    ['hold', 'released from hold'],
  )
  assert.equal(before.end, 'requeued')
  assert.equal(after.previousQueueId, A)
})
