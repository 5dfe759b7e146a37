import assert from 'node:assert/strict'
import { appendFileSync, chmodSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { test } from 'node:test'
import * as zmq from 'zeromq'
import { freeEndpoint, recordingLog, until } from '../../testing/index.js'
import { identity, keyList } from '../../testing/keys.js'
import { attach, EventRouter, EventSource, newKeyPair, type SinkOptions } from '../index.js'
import { isKey, readPublicKey, toZ85 } from './keys.js'

/** Collects what it receives. */
async function collector(options: SinkOptions) {
  const seqs: string[] = []
  const sink = await attach(
    { write: (batch) => void seqs.push(...batch.events().map((event) => `${event.type} ${event.seq}`)) },
    options,
  )
  return { sink, seqs }
}

type Connections = { connected: number; disconnected: number; refused: number }
const connections = (of: { counters(): object }, which = 'connections') =>
  (of.counters() as Record<string, Connections>)[which]!

test('keys are what zeromq takes for keys', () => {
  for (let i = 0; i < 20; i++) {
    const { publicKey, secretKey } = newKeyPair()
    assert.ok(isKey(publicKey) && isKey(secretKey))
  }
  const theirs = zmq.curveKeyPair()
  assert.ok(isKey(theirs.publicKey) && isKey(theirs.secretKey))
  assert.equal(isKey(theirs.publicKey.slice(1)), false)
  assert.equal(isKey(`${theirs.publicKey.slice(1)}"`), false)
  assert.equal(isKey('#'.repeat(40)), false, 'more than 32 bits in five characters')
  // The example of RFC 32.
  assert.equal(toZ85(Buffer.from('864fd26fb559f75b', 'hex')), 'HelloWorld')
})

test('who is in the list gets in at either side of a router; who is not, or has no key, does not', async () => {
  const [router, web, viewer, stranger] = ['router', 'web', 'viewer', 'stranger'].map(identity) as [
    ReturnType<typeof identity>,
    ReturnType<typeof identity>,
    ReturnType<typeof identity>,
    ReturnType<typeof identity>,
  ]
  await using middle = new EventRouter({
    bindSources: [freeEndpoint()],
    bindSinks: [freeEndpoint()],
    key: router.key,
    allowSources: [keyList(web.line)],
    allowSinks: [keyList(viewer.line)],
  })
  const toSinks = { connect: [...middle.sinkEndpoints], reconnectInterval: 50 }
  const toSources = { connect: [...middle.sourceEndpoints], reconnectInterval: 50 }
  const known = { serverKey: [router.publicKey] }
  const good = await collector({ ...toSinks, ...known, key: viewer.key })
  await using _ = good.sink
  await using source = new EventSource({ source: 'web', ...toSources, ...known, key: web.key })
  await source.subscribed('a.b', { timeout: 30_000 })
  source.emit('a.b', 1)
  await until('it has come', () => good.seqs.length === 1)

  // Unknown, without a key, with the right of the other side, and one that expects another router.
  const intruders: Partial<SinkOptions>[] = [
    { ...known, key: stranger.key },
    {},
    { ...known, key: web.key },
    { serverKey: [stranger.publicKey], key: viewer.key },
  ]
  for (const intruder of intruders) {
    const before = connections(middle, 'sinkConnections').refused
    const spy = await collector({ ...toSinks, ...intruder })
    await until('it was refused', () => connections(middle, 'sinkConnections').refused > before)
    source.emit('a.b', 2)
    const sent = source.counters().emitted
    await until('the good one has it', () => good.seqs.length === sent)
    assert.deepEqual(spy.seqs, [])
    await spy.sink.close()
  }
  for (const intruder of [{ ...known, key: stranger.key }, {}, { ...known, key: viewer.key }]) {
    const before = connections(middle, 'sourceConnections').refused
    const forger = new EventSource({ source: 'web', ...toSources, ...intruder })
    await until('it was refused', () => connections(middle, 'sourceConnections').refused > before)
    assert.equal(forger.emit('a.b', 'forged'), false, 'nobody has subscribed there')
    await forger.close()
  }
  assert.equal(middle.counters().received, source.counters().emitted)
})

test('a bound source and a bound sink let in who is in their lists, too', async () => {
  const [source, sink, stranger] = [identity('source'), identity('sink'), identity('stranger')]
  await using bound = new EventSource({
    source: 's',
    bind: [freeEndpoint()],
    key: source.key,
    allow: [keyList(sink.line)],
  })
  const dialling = await collector({
    connect: [...bound.endpoints],
    key: sink.key,
    serverKey: [source.publicKey],
  })
  await using _ = dialling.sink
  await bound.subscribed('a', { timeout: 30_000 })
  bound.emit('a', 1)
  const spy = await collector({
    connect: [...bound.endpoints],
    key: stranger.key,
    serverKey: [source.publicKey],
  })
  await until('the stranger was refused', () => connections(bound).refused > 0)
  await until('it has come', () => dialling.seqs.length === 1)
  assert.deepEqual(spy.seqs, [])
  await spy.sink.close()

  const listening = await collector({
    bind: [freeEndpoint('ipc')],
    key: sink.key,
    allow: [keyList(source.line)],
  })
  await using __ = listening.sink
  const ends = { connect: [...listening.sink.endpoints], serverKey: [sink.publicKey] }
  await using emitter = new EventSource({ source: 's', ...ends, key: source.key })
  await emitter.subscribed('a', { timeout: 30_000 })
  await using forger = new EventSource({ source: 's', ...ends, key: stranger.key })
  await until('the stranger was refused', () => connections(listening.sink).refused > 0)
  assert.equal(forger.emit('a', 1), false)
  emitter.emit('a', 1)
  await until('it has come', () => listening.seqs.length === 1)
})

test('a key that is added gets in, one that is taken out has to go, and the others go on', async () => {
  const [router, web, viewer, second] = [
    identity('router'),
    identity('web'),
    identity('viewer'),
    identity('second'),
  ]
  const sources = keyList(web.line)
  const sinks = keyList(viewer.line)
  const keys = { key: router.key, allowSources: [sources], allowSinks: [sinks] }
  const { log, lines, told } = recordingLog()
  await using middle = new EventRouter({
    bindSources: [freeEndpoint()],
    bindSinks: [freeEndpoint()],
    log,
    ...keys,
  })
  const dial = { serverKey: [router.publicKey], reconnectInterval: 20 }
  await using source = new EventSource({
    source: 'web',
    connect: [...middle.sourceEndpoints],
    key: web.key,
    ...dial,
  })
  const old = await collector({ connect: [...middle.sinkEndpoints], key: viewer.key, ...dial })
  await using _ = old.sink
  const late = await collector({ connect: [...middle.sinkEndpoints], key: second.key, ...dial })
  await using __ = late.sink
  await source.subscribed('a', { timeout: 30_000 })
  await until('the second was refused', () => connections(middle, 'sinkConnections').refused > 0)

  appendFileSync(sinks, second.line)
  source.emit('a', 0)
  await until('the second gets in', () => {
    source.emit('a', 1)
    return late.seqs.length > 0
  })
  await until('the old one gets them, too', () => old.seqs.length > 0)

  writeFileSync(sinks, 'second\n')
  await until('a list of no use is found', () =>
    told.includes('the list of keys is of no use; the old one holds'),
  )
  const had = late.seqs.length
  await until('it changes nothing', () => {
    source.emit('a', 1)
    return late.seqs.length > had + 20
  })
  writeFileSync(sinks, second.line)
  await until('the old one was sent away', () =>
    lines.some(
      ({ message, fields }) => message === 'keys read' && fields.file === sinks && fields.keys === 1,
    ),
  )
  // What was sent before may still be under way to it.
  await new Promise((resolve) => setImmediate(resolve))
  const { sent } = source.counters()
  const since = (seqs: string[]) => seqs.filter((event) => Number(event.split(' ')[1]) >= sent)
  await until('the second is back', () => {
    source.emit('a', 1)
    return since(late.seqs).length > 20
  })
  assert.deepEqual(since(old.seqs), [], 'the one that was taken out gets nothing any more')

  writeFileSync(sources, '')
  await until('the source has nobody who listens', () => !source.emit('a', 3))
})

test('each endpoint may have a list of its own, with the types that may pass there', async () => {
  const [router, web, mail, viewer] = [
    identity('router'),
    identity('web'),
    identity('mail'),
    identity('viewer'),
  ]
  await using middle = new EventRouter({
    bindSources: [freeEndpoint(), freeEndpoint()],
    bindSinks: [freeEndpoint(), freeEndpoint()],
    key: router.key,
    allowSources: [keyList('types http.**\n', web.line), keyList('types smtp.* ssh.login\n', mail.line)],
    allowSinks: [keyList(viewer.line), keyList('types smtp.**\n', viewer.line)],
  })
  const [atWeb, atMail] = middle.sourceEndpoints as [string, string]
  const [forAll, forMail] = middle.sinkEndpoints as [string, string]
  const dial = { serverKey: [router.publicKey] }
  const all = await collector({ connect: [forAll], key: viewer.key, ...dial })
  await using _ = all.sink
  const mails = await collector({ connect: [forMail], key: viewer.key, ...dial })
  await using __ = mails.sink
  await using fromWeb = new EventSource({ source: 'web', connect: [atWeb], key: web.key, ...dial })
  await using fromMail = new EventSource({ source: 'mail', connect: [atMail], key: mail.key, ...dial })
  for (const each of [fromWeb, fromMail]) await each.subscribed(undefined, { timeout: 30_000 })
  // Whose handshake is done may not have subscribed yet.
  await until('both have subscribed', () => {
    fromMail.emit('smtp.first', 0)
    return all.seqs.length > 0 && mails.seqs.length > 0
  })
  const rest = (seqs: string[]) => seqs.filter((event) => !event.startsWith('smtp.first ')).sort()
  for (const type of ['http.hit', 'smtp.reject', 'ssh.login']) {
    fromWeb.emit(type, type)
    fromMail.emit(type, type)
  }
  await until('what may pass has come', () => rest(all.seqs).length >= 3 && rest(mails.seqs).length >= 1)
  await until('the others were counted', () => Number(middle.counters().forbidden) >= 3)
  assert.deepEqual(rest(all.seqs), ['http.hit 0', 'smtp.reject 0', 'ssh.login 0'])
  assert.deepEqual(rest(mails.seqs), ['smtp.reject 0'])
})

test('while nobody can be asked, nobody gets in', async () => {
  const [server, client] = [identity('server'), identity('client')]
  const { log, told } = recordingLog()
  const allowed = keyList(client.line)
  const source = new EventSource({
    source: 's',
    bind: [freeEndpoint()],
    key: server.key,
    allow: [allowed],
    log,
  })
  // Libzmq may just be giving up the place of a handler before; that it asks ours is seen by who gets in.
  const friend = await collector({
    connect: [...source.endpoints],
    key: client.key,
    serverKey: [server.publicKey],
    reconnectInterval: 10,
  })
  await source.subscribed('a', { timeout: 30_000 })
  await friend.sink.close()
  const before = connections(source).refused
  // Another handler, with which libzmq would be content as well, cannot take the place.
  const rival = new zmq.Reply()
  assert.throws(() => rival.bindSync('inproc://zeromq.zap.01'))
  rival.close()
  const stranger = identity('stranger')
  const spy = await collector({
    connect: [...source.endpoints],
    key: stranger.key,
    serverKey: [server.publicKey],
    reconnectInterval: 10,
  })
  await until('it has tried several times', () => connections(source).refused > before + 1)
  assert.deepEqual(told, ['a peer was refused; its key is not in the list'], 'told once a minute')
  await spy.sink.close()
  await source.close()
})

test('what others can reach is not bound without keys', async () => {
  for (const endpoint of ['tcp://0.0.0.0:0', 'tcp://*:0', 'tcp://[::]:0']) {
    assert.throws(() => new EventSource({ bind: [endpoint] }), {
      code: 'BIND_INSECURE',
      message: /eventstorm keygen/,
    })
    assert.throws(() => new EventRouter({ bindSources: [endpoint], bindSinks: [freeEndpoint()] }), {
      code: 'BIND_INSECURE',
    })
    assert.throws(() => new EventRouter({ bindSources: [freeEndpoint()], bindSinks: [endpoint] }), {
      code: 'BIND_INSECURE',
    })
    await assert.rejects(attach({ write() {} }, { bind: [endpoint] }), { code: 'BIND_INSECURE' })
  }
  const open = new EventSource({ bind: ['tcp://0.0.0.0:0'], insecure: true })
  await open.close()
})

test('a path of 40 characters is the file that is there, and not a key', (t) => {
  const before = process.cwd()
  t.after(() => process.chdir(before))
  process.chdir(dirname(keyList()))
  const path = 'x'.repeat(40)
  assert.ok(isKey(path), path)
  const { publicKey, line } = identity('router')
  assert.equal(readPublicKey(publicKey), publicKey)
  writeFileSync(path, line)
  assert.equal(readPublicKey(path), publicKey)
})

test('comments of a file of keys, those without a word too', () => {
  const { publicKey, line } = identity('router')
  assert.equal(readPublicKey(keyList(`# of the rack\n  #\n# \n\n  ${line}`)), publicKey)
})

test('keys and lists that are of no use are refused, with the reason', () => {
  const { key, publicKey, line } = identity('a')
  const refuse = (options: object, code: string, message: RegExp) =>
    assert.throws(() => new EventSource({ bind: [freeEndpoint()], ...options }), { code, message })
  refuse({ allow: [keyList(line)] }, 'OPTIONS_INVALID', /expected a key of our own/)
  refuse({ key }, 'OPTIONS_INVALID', /a list of the keys that may dial/)
  refuse({ key, allow: [keyList(line), keyList(line)] }, 'OPTIONS_INVALID', /one for all, or 1; got 2/)
  refuse(
    { key, bind: [], connect: ['tcp://127.0.0.1:9'] },
    'OPTIONS_INVALID',
    /the public key of each endpoint/,
  )
  refuse({ key: '/nowhere/none.key', allow: [keyList(line)] }, 'KEY_INVALID', /ENOENT/)
  refuse({ key: keyList(line), allow: [keyList(line)] }, 'KEY_INVALID', /eventstorm keygen/)
  refuse({ key, allow: [keyList('a\n')] }, 'KEY_INVALID', /"NAME KEY"/)
  refuse({ key, allow: [keyList('types a..b\n')] }, 'PATTERN_INVALID', /a\.\.b/)
  refuse(
    { key, bind: [], connect: ['tcp://127.0.0.1:9'], serverKey: [keyList('a b\n')] },
    'KEY_INVALID',
    /"NAME KEY"/,
  )
  chmodSync(key, 0o644)
  refuse({ key, allow: [keyList(line)] }, 'KEY_INVALID', /chmod 600/)
  assert.ok(isKey(publicKey))
})
