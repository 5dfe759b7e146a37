import assert from 'node:assert/strict'
import { test } from 'node:test'
import { dataFromJson, eventToJson, type NewEvent } from '../../lib/index.js'
import { seeded } from '../../testing/index.js'
import { PostfixLog, type PostfixLogSettings } from './postfix-log.js'

const SETTINGS: PostfixLogSettings = {
  lines: true,
  zone: 'UTC',
  syslogName: [],
  maxTransactions: 30,
  maxRecipients: 5,
  maxConnections: 10,
  maxAge: 3_600_000,
  settle: 5000,
}
const NOON = Date.parse('2025-03-01T12:00:00Z')
const IDS = Array.from(
  { length: 40 },
  (_, index) => `4A2B3C${(index * 7919).toString(16).toUpperCase().padStart(4, '0')}`,
)
const PEERS = ['localhost[127.0.0.1]', 'unknown[192.0.2.7]', 'mail.example.org[2001:db8::7]']
const TAIL = 'from=<a@example.org> to=<b@example.net> proto=ESMTP helo=<c>'

/** Lines of every kind, in an order that makes sense now and then. */
function* traffic(seed: number, count: number): Generator<string> {
  const random = seeded(seed)
  const below = (limit: number) => Math.floor(random() * limit)
  const one = <T>(list: readonly T[]): T => list[below(list.length)]!
  let now = NOON
  for (let line = 0; line < count; line++) {
    now += one([0, 0, 0, 10, 400, 900, 3000, 60_000, below(500) === 0 ? 4_000_000 : 0])
    const id = one(IDS)
    const other = one(IDS)
    const pid = below(15)
    const peer = one(PEERS)
    const kinds = [
      `smtpd[${pid}]: connect from ${peer}`,
      `smtpd[${pid}]: disconnect from ${peer} ehlo=1 mail=${below(3)} rcpt=1/2 commands=5/6`,
      `smtpd[${pid}]: ${id}: client=${peer}`,
      `smtpd[${pid}]: ${id}: client=${peer}, sasl_method=PLAIN, sasl_username=ann, orig_queue_id=${other}`,
      `smtpd[${pid}]: lost connection after ${one(['DATA', 'RCPT', 'END-OF-MESSAGE'])} from ${peer}`,
      `smtpd[${pid}]: ${one([id, 'NOQUEUE'])}: ${one(['reject', 'hold', 'discard'])}: RCPT from ${peer}: 550 5.1.1 no; ${TAIL}`,
      `smtpd[${pid}]: Trusted TLS connection established from ${peer}: TLSv1.3 with cipher X (128/128 bits)`,
      `pickup[1]: ${id}: uid=${pid} from=<ann>${one(['', ` orig_id=${other}`])}`,
      `cleanup[2]: ${id}: message-id=<${below(9)}@example.org>`,
      `cleanup[2]: ${id}: milter-reject: END-OF-MESSAGE from ${peer}: 5.7.1 Spam; ${TAIL}`,
      `qmgr[3]: ${id}: from=<${one(['', 'ann@example.org'])}>, size=${below(9999)}, nrcpt=${1 + below(3)} (queue active)`,
      `qmgr[3]: ${id}: removed`,
      `qmgr[3]: ${id}: removed`,
      `qmgr[3]: ${id}: from=<ann@example.org>, status=expired, returned to sender`,
      `postsuper[4]: ${id}: ${one(['requeued', 'removed', 'placed on hold'])}`,
      `bounce[5]: ${id}: sender non-delivery notification: ${other}`,
      `local[6]: ${id}: to=<a@example.org>, relay=local, delay=0, dsn=2.0.0, status=sent (forwarded as ${other})`,
      `anvil[7]: statistics: max cache size ${pid} at Mar  1 12:00:00`,
    ]
    const attempt = `smtp[8]: ${id}: to=<${below(9)}@example.net>, relay=127.0.0.1[127.0.0.1]:25, delay=${below(9)}, dsn=2.0.0, status=${one(['sent', 'deferred', 'bounced'])} (250 queued as ${other})`
    const stamp = new Date(now - one([0, 0, 0, 900])).toISOString()
    yield `${stamp} mx ${one(['postfix', 'postfix', 'postfix-in'])}/${below(4) === 0 ? attempt : one(kinds)}`
  }
}

const take = (log: PostfixLog, line: string): NewEvent[] => {
  const result = log.line(line)
  assert.ok(Array.isArray(result), line)
  return result
}

/** As a checkpoint holds it. */
function throughFile(saved: unknown): unknown {
  const event = { type: 'x', source: 'y', epoch: 1, seq: 0, time: new Date(0), data: saved }
  return (dataFromJson(eventToJson(event)) as { data: unknown }).data
}

test('a restart at any line changes nothing', () => {
  for (let seed = 1; seed <= 20; seed++) {
    const random = seeded(seed)
    const one = new PostfixLog(SETTINGS)
    let other = new PostfixLog(SETTINGS)
    let restarts = 0
    for (const line of traffic(seed, 1500)) {
      if (random() < 0.05) {
        const saved = throughFile(other.save())
        other = new PostfixLog(SETTINGS)
        other.restore(saved)
        restarts++
      }
      assert.deepEqual(take(other, line), take(one, line), `seed ${seed}: ${line}`)
    }
    assert.deepEqual(other.end(), one.end(), `seed ${seed}`)
    assert.ok(restarts > 20)
  }
})

test('what was saved does not change with what comes later', () => {
  const log = new PostfixLog(SETTINGS)
  const lines = [...traffic(5, 600)]
  for (const line of lines.slice(0, 300)) take(log, line)
  const saved = log.save()
  const before = structuredClone(saved)
  for (const line of lines.slice(300)) take(log, line)
  assert.deepEqual(saved, before)
})

test('whatever comes in whatever order, every queue id that opens is told in the end, and memory is bounded', () => {
  for (let seed = 100; seed < 120; seed++) {
    const log = new PostfixLog(SETTINGS)
    const events: NewEvent[] = []
    for (const line of traffic(seed, 1500)) {
      events.push(...take(log, line))
      assert.ok(log.open <= SETTINGS.maxTransactions + SETTINGS.maxConnections + 1)
    }
    events.push(...log.end())
    assert.equal(log.open, 0)
    const ofType = (type: string) => events.filter((event) => event.type === type)
    const transactions = ofType('smtp.transaction')
    assert.equal(transactions.length, log.counters.transactions)
    // Each line has one event, but those that have an event for what they end.
    const own = ofType('smtp.delivery').length + ofType('smtp.reject').length + ofType('postfix.line').length
    const ended = ofType('smtp.connection').filter(
      ({ data }) => 'duration' in (data as object) || 'commands' in (data as object),
    )
    assert.equal(own + ended.length, 1500)
    const told = transactions.reduce((sum, { data }) => sum + (data as { lines: number }).lines, 0)
    const withId = events.filter(
      ({ type, data }) => type !== 'smtp.transaction' && 'queueId' in (data as object),
    ).length
    // A notification is a line of two messages.
    const notifications = ofType('postfix.line').filter(
      ({ data }) => (data as { kind: string }).kind === 'notification',
    )
    assert.ok(told <= withId + notifications.length, `seed ${seed}`)
    assert.ok(told >= withId - log.counters.lateLines, `seed ${seed}`)
  }
})

test('damaged lines never throw', () => {
  const random = seeded(7)
  const below = (limit: number) => Math.floor(random() * limit)
  const log = new PostfixLog(SETTINGS)
  let events = 0
  for (const line of traffic(7, 20_000)) {
    const characters = [...line]
    for (let change = below(4); change > 0; change--) {
      const at = below(characters.length)
      const what = below(3)
      if (what === 0) characters[at] = String.fromCharCode(below(2) ? below(128) : below(65_536))
      else if (what === 1) characters.splice(at, below(30))
      else
        characters.splice(
          at,
          0,
          ['<', '>', '"', '\\', ', ', '; from=<', ' status=', '[', ']:', ': '][below(10)]!,
        )
    }
    const result = log.line(characters.join(''))
    if (Array.isArray(result)) events += result.length
    assert.ok(log.open <= SETTINGS.maxTransactions + SETTINGS.maxConnections + 1)
  }
  events += log.end().length
  assert.ok(events > 10_000)
})
