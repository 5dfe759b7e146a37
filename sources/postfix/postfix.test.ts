import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import {
  chmodSync,
  chownSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { attach, parseOptions, type StartedSource, startSource } from '../../lib/index.js'
import { freePort } from '../../servers/index.js'
import { conformsAsLogSource, freeEndpoint, until } from '../../testing/index.js'
import { type Mail, nextHop } from './fixtures/next-hop.js'
import { ofType, sameTotals, sum, type Told } from './fixtures/totals.js'
import postfix from './postfix.js'

const SAMPLES = fileURLToPath(new URL('../../../sources/postfix/samples/', import.meta.url))
const MISSING = missing()

/** What keeps a real Postfix from running here. */
function missing(): string | undefined {
  if (process.getuid?.() !== 0) return 'root'
  if (!existsSync('/usr/sbin/postfix')) return 'postfix'
  return spawnSync('pflogsumm', ['--version']).error ? 'pflogsumm' : undefined
}

/** A test that needs the programs; where they are missing it is skipped, and fails in CI. */
function withPostfix(name: string, body: (t: TestContext) => Promise<void>): void {
  test(name, async (t) => {
    if (MISSING === undefined) return body(t)
    assert.ok(!process.env.CI, `expected a real Postfix in CI, but there is no ${MISSING}`)
    t.skip(`NO REAL POSTFIX HERE for want of ${MISSING}: install postfix and pflogsumm, and run it as root`)
  })
}

/** A Postfix with folders of its own; it hands everything on to the port `relay`. */
async function realPostfix(t: TestContext, relay: number, more = '') {
  const folder = mkdtempSync(join(tmpdir(), 'storm-postfix-'))
  chmodSync(folder, 0o755)
  for (const name of ['etc', 'queue', 'data']) mkdirSync(join(folder, name))
  const owner = Number(spawnSync('id', ['-u', 'postfix'], { encoding: 'utf8' }).stdout)
  chownSync(join(folder, 'data'), owner, 0)
  const port = await freePort()
  const etc = join(folder, 'etc')
  const values: Record<string, unknown> = { FOLDER: folder, PORT: port, RELAY: relay }
  for (const name of ['main.cf', 'master.cf']) {
    const text = readFileSync(`${SAMPLES}${name}`, 'utf8').replace(
      /FOLDER|PORT|RELAY/g,
      (word) => `${values[word]}`,
    )
    writeFileSync(join(etc, name), name === 'main.cf' ? text + more : text)
  }
  writeFileSync(join(etc, 'header_checks'), '/^Subject: forbidden/ REJECT not this\n')
  const command = async (...parameters: string[]) => {
    const child = spawn('postfix', ['-c', etc, ...parameters], { stdio: 'ignore' })
    const [status] = await once(child, 'exit')
    return status as number
  }
  const log = join(folder, 'mail.log')
  let running = false
  const stop = async () => {
    if (running) assert.equal(await command('stop'), 0)
    running = false
  }
  t.after(async () => {
    await stop()
    rmSync(folder, { recursive: true })
  })
  assert.equal(
    await command('start'),
    0,
    existsSync(log) ? readFileSync(log, 'utf8') : 'postfix start failed',
  )
  running = true
  const sendmail = async (from: string, to: string[]) => {
    const child = spawn('sendmail', ['-C', etc, '-f', from, ...to], { stdio: ['pipe', 'ignore', 'ignore'] })
    child.stdin.end('Subject: local\n\ntext\n')
    assert.equal((await once(child, 'exit'))[0], 0)
  }
  return {
    log,
    port,
    stop,
    command,
    sendmail,
    lines: () => readFileSync(log, 'utf8').split('\n').slice(0, -1),
  }
}

/** Speaks SMTP as a client; what is no text is a connection that is cut. Returns the last line of each answer. */
async function converse(port: number, commands: (string | null)[]): Promise<string[]> {
  const socket = connect(port, '127.0.0.1').setEncoding('latin1')
  let received = ''
  // A connection that breaks is known by the answer that does not come.
  socket.on('data', (text) => (received += text)).on('error', () => {})
  const closed = once(socket, 'close').catch(() => {})
  let read = 0
  const answer = async () => {
    const last = /(?<=^|\n)\d{3} .*(?=\r\n)/
    await until('the server answers', () => last.test(received.slice(read)))
    const found = last.exec(received.slice(read))!
    read += found.index + found[0].length + 2
    return found[0]
  }
  const answers = [await answer()]
  for (const command of commands) {
    if (command === null) break
    socket.write(`${command}\r\n`)
    answers.push(await answer())
  }
  socket.destroy()
  await closed
  return answers
}

/** One message in one session. The last answers are to its end and to QUIT. */
const send = (port: number, { from, to, subject = 'hello' }: Mail) =>
  converse(port, [
    'EHLO client.example.org',
    `MAIL FROM:<${from}>`,
    ...to.map((each) => `RCPT TO:<${each}>`),
    'DATA',
    `From: ${from}\r\nSubject: ${subject}\r\nMessage-ID: <${subject}.${from}>\r\n\r\ntext\r\n.`,
    'QUIT',
  ])

const queuedAs = (answers: string[]) => /queued as (\w+)/.exec(answers.at(-2)!)![1]!

/** Reads a log through source, wire and sink, until `done` says that all is read. */
async function read(
  given: object,
  done: (source: StartedSource, events: Told[]) => Promise<void>,
): Promise<Told[]> {
  const events: Told[] = []
  const sink = await attach(
    { write: (batch) => void events.push(...batch) },
    { bind: [freeEndpoint()], subscribe: ['**'], queueEvents: 1_000_000 },
  )
  try {
    const options = parseOptions(postfix.options, { lines: true, ...given }, 'postfix')
    const source = await startSource(postfix.create(options), { source: 'mx', connect: [...sink.endpoints] })
    try {
      await done(source, events)
    } finally {
      await source.close()
    }
    assert.equal(sink.counters().lost, 0)
  } finally {
    await sink.close()
  }
  return events
}

const readOnce = (file: string) =>
  read({ file, once: true }, async (source, events) => {
    await source.ended
    const { events: told, unparsed } = source.counters() as { events: number; unparsed: number }
    await until('every event has arrived', () => events.length === told + unparsed)
  })

withPostfix(
  'what clients and the next hop saw is what the events tell, and what pflogsumm counts',
  async (t) => {
    const ann = 'ann@example.org'
    let port = 0
    const inner: string[] = []
    const hop = await nextHop(t, async (from) => {
      const answers = await send(port, { from, to: ['dora@example.net'], subject: 'filtered' })
      inner.push(queuedAs(answers))
      return answers.at(-2)!
    })
    const mx = await realPostfix(t, hop.port)
    port = mx.port
    const answers: string[][] = []
    const say = async (mail: Mail) => {
      answers.push(await send(port, mail))
      return answers.at(-1)!
    }
    const one = queuedAs(await say({ from: ann, to: ['bob@example.net'] }))
    const three = queuedAs(
      await say({ from: ann, to: ['bob@example.net', 'carl@example.net', 'gone@example.net'] }),
    )
    const some = queuedAs(await say({ from: ann, to: ['refused@example.net', 'bob@example.net'] }))
    const filtered = queuedAs(await say({ from: ann, to: ['filtered@example.net'] }))
    const later = queuedAs(await say({ from: ann, to: ['later@example.net'] }))
    const never = queuedAs(await say({ from: ann, to: ['never@example.net'] }))
    answers.push(
      await converse(port, ['EHLO x', `MAIL FROM:<${ann}>`, 'RCPT TO:<refused@example.net>', 'QUIT']),
    )
    answers.push(
      await converse(port, ['EHLO x', `MAIL FROM:<${ann}>`, 'RCPT TO:<bob@example.net>', 'RSET', 'QUIT']),
    )
    answers.push(
      await converse(port, ['EHLO x', `MAIL FROM:<${ann}>`, 'RCPT TO:<bob@example.net>', 'DATA', null]),
    )
    answers.push(await send(port, { from: ann, to: ['bob@example.net'], subject: 'forbidden' }))
    await mx.sendmail(ann, ['bob@example.net', 'carl@example.net'])
    const logged = (what: RegExp) => mx.lines().filter((line) => what.test(line)).length
    // Nine of theirs and ours, and a notification each for what was gone and what expired.
    await until('every message has left the queue', () => logged(/: removed$/) === 10, 120_000)
    // Whoever served a client may log its end some time after it has answered.
    await until(
      'every connection has ended',
      () => logged(/: disconnect from /) === answers.length + inner.length,
    )
    await mx.stop()
    if (process.env.SAVE_POSTFIX_SAMPLE) cpSync(mx.log, process.env.SAVE_POSTFIX_SAMPLE)

    const events = await readOnce(mx.log)
    assert.deepEqual(ofType(events, 'log.unparsed'), [])
    const transactions = ofType(events, 'smtp.transaction')
    const find = (queueId: string) => transactions.find((each) => each.queueId === queueId)!
    const outcome = (queueId: string) =>
      find(queueId).recipients.map(
        (each: { to: string; status: string }) => `${each.to.split('@')[0]} ${each.status}`,
      )

    assert.deepEqual(outcome(one), ['bob sent'])
    assert.deepEqual(outcome(three).sort(), ['bob sent', 'carl sent', 'gone bounced'])
    assert.deepEqual(outcome(some), ['bob sent'])
    assert.equal(find(some).rejected, undefined, 'a rejection before the queue id belongs to the connection')
    assert.equal(find(one).messageId, `hello.${ann}`)
    assert.deepEqual(find(one).client, { address: '127.0.0.1' })
    const recipient = find(three).recipients.find((each: { to: string }) => each.to.startsWith('gone'))
    assert.match(recipient.response, /550 5\.1\.1 gone \(for good\) \(in reply to RCPT TO command\)/)

    assert.deepEqual(find(filtered).nextQueueIds, inner)
    assert.equal(find(inner[0]!).previousQueueId, filtered)
    assert.equal(find(one).nextQueueIds, undefined)

    assert.deepEqual(outcome(later), ['later sent'])
    assert.deepEqual(
      find(later).recipients[0].attempts.map((each: { status: string }) => each.status),
      ['deferred', 'deferred', 'sent'],
    )
    assert.equal(find(never).end, 'expired')
    for (const parent of [three, never]) {
      const [bounce] = find(parent).bounces
      assert.equal(bounce.recipient, 'sender')
      assert.equal(find(bounce.queueId).bounceOf, parent)
      assert.equal(find(bounce.queueId).from, '')
      assert.deepEqual(outcome(bounce.queueId), ['ann sent'])
    }
    assert.deepEqual(
      transactions.filter(({ complete }) => !complete),
      [],
    )
    const ended = (how: string) => transactions.filter(({ end }) => end === how).length
    assert.equal(ended('removed'), 9)
    assert.equal(ended('abandoned'), 2, 'one was reset, one was cut off')
    assert.equal(ended('reject'), 1)
    assert.equal(transactions.filter(({ uid }) => uid !== undefined).length, 1)

    const deliveries = ofType(events, 'smtp.delivery').filter(({ relay }) => relay !== undefined)
    const counted = (status: string) => deliveries.filter((each) => each.status === status).length
    const { sent, deferred, bounced } = hop.seen
    assert.deepEqual(
      { sent: counted('sent'), deferred: counted('deferred'), bounced: counted('bounced') },
      { sent, deferred, bounced },
    )
    assert.equal(transactions.filter(({ deliveries }) => deliveries.sent > 0).length, hop.seen.taken.length)

    const refused = answers.flat().filter((answer) => /^[45]/.test(answer))
    const rejects = ofType(events, 'smtp.reject')
    assert.equal(rejects.length, refused.length)
    assert.deepEqual(
      rejects.map(({ queueId, stage, code, to }) => [queueId === undefined, stage, code, to]),
      [
        [true, 'RCPT', 554, 'refused@example.net'],
        [true, 'RCPT', 554, 'refused@example.net'],
        [false, undefined, undefined, 'bob@example.net'],
      ],
    )

    const connections = ofType(events, 'smtp.connection')
    assert.equal(connections.length, answers.length + inner.length)
    assert.ok(connections.every(({ complete }) => complete))
    assert.equal(sum(connections.map(({ commands }) => commands.quit)), answers.length + inner.length - 1)
    assert.equal(
      sum(connections.map(({ messages }) => messages)),
      transactions.filter(({ client }) => client).length,
    )
    assert.deepEqual(
      connections.filter(({ broken }) => broken).map(({ broken }) => broken.stage),
      ['DATA'],
    )
    sameTotals(mx.log, events)
  },
)

withPostfix('a log that Postfix itself rotates under load is followed without a gap', async (t) => {
  const hop = await nextHop(t, async () => '')
  const { log, port, command } = await realPostfix(t, hop.port, 'enable_long_queue_ids = yes\n')
  const queueIds: string[] = []
  // On a busy machine Postfix may take its time before it lets the old file go.
  const events = await read({ file: log, recheck: 50, rotateWait: 10_000 }, async (_, events) => {
    const arrived = (type: string) => ofType(events, type).length
    // What the source says while nobody has subscribed yet does not arrive.
    await until('somebody listens', async () => {
      await converse(port, ['QUIT'])
      return arrived('smtp.connection') > 0
    })
    for (let round = 0; round < 2; round++) {
      const rotated = round === 0 ? command('logrotate') : undefined
      for (let message = 0; message < 10; message++) {
        queueIds.push(queuedAs(await send(port, { from: 'ann@example.org', to: ['bob@example.net'] })))
      }
      assert.equal((await rotated) ?? 0, 0)
    }
    await until('every delivery is told', () => arrived('smtp.delivery') >= 20)
    assert.ok(
      readdirSync(dirname(log)).some((name) => /^mail\.log\..*\.gz$/.test(name)),
      'it was rotated',
    )
  })
  const delivered = ofType(events, 'smtp.delivery').map(({ queueId }) => queueId)
  assert.deepEqual(delivered.sort(), queueIds.sort())
  assert.ok(queueIds.every((queueId) => queueId.includes('z')))
})

test('the sample is read to its last line', async () => {
  const events = await readOnce(`${SAMPLES}mail.log`)
  assert.deepEqual(ofType(events, 'log.unparsed'), [])
  assert.ok(ofType(events, 'smtp.transaction').length >= 10)
  assert.deepEqual(
    ofType(events, 'smtp.transaction').filter(({ complete }) => !complete),
    [],
  )
})

// Logs of one's own, as a list of files: each of their lines is taken, and the totals are those of pflogsumm.
for (const file of process.env.POSTFIX_LOGS?.split(',') ?? []) {
  test(`the totals of ${file} are those of pflogsumm`, async () => {
    const events = await readOnce(file)
    assert.deepEqual(ofType(events, 'log.unparsed'), [])
    sameTotals(file, events)
  })
}

const checks = conformsAsLogSource({
  definition: postfix,
  line: (number) =>
    `Nov 21 08:10:56 mx postfix/smtpd[27]: NOQUEUE: reject: RCPT from unknown[192.0.2.1]: 554 5.7.1 <x${number}@example.net>: Recipient address rejected: go away; from=<ann@example.org> to=<x${number}@example.net> proto=ESMTP helo=<x>`,
  refused: [{ maxAge: 'long' }, { once: true, replay: 1 }],
})
for (const { name, run } of checks) test(name, run)
