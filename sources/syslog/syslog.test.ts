import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { connect, type Socket } from 'node:net'
import { type TestContext, test } from 'node:test'
import {
  attach,
  type Counters,
  type LineParser,
  parseOptions,
  type StartSourceOptions,
  type StormEvent,
  startSource,
} from '../../lib/index.js'
import { ControlledClock, conformsAsSource, freeEndpoint, until } from '../../testing/index.js'
import syslog, { SyslogSource } from './syslog.js'

type Fields = Record<string, unknown>

async function start(t: TestContext, given: object = {}, more: StartSourceOptions = {}) {
  const events: StormEvent<Fields>[] = []
  const sink = await attach(
    { write: (batch) => void events.push(...(batch as Iterable<StormEvent<Fields>>)) },
    { bind: [freeEndpoint()], subscribe: ['**'] },
  )
  t.after(() => sink.close())
  const options = parseOptions(syslog.options, { udp: '0', tcp: ['0', '[::1]:0'], ...given }, 'syslog')
  const component = new SyslogSource(options)
  const clock = new ControlledClock(Date.parse('2026-06-01T12:00:00Z'))
  const source = await startSource(component, { source: 'net', connect: [...sink.endpoints], clock, ...more })
  t.after(() => source.close())
  const ports = (addresses: string[]) => addresses.map((address) => Number(address.split(':').at(-1)))
  const [udpPort] = ports(component.listening.udp)
  const [tcpPort] = ports(component.listening.tcp)
  const sender = createSocket('udp4')
  t.after(() => sender.close())
  const send = (text: string | Buffer) =>
    new Promise<void>((resolve, reject) =>
      sender.send(text, udpPort!, '127.0.0.1', (error) => (error ? reject(error) : resolve())),
    )
  const dial = async (): Promise<Socket> => {
    const socket = connect(tcpPort!, '127.0.0.1')
    socket.on('error', () => {})
    t.after(() => socket.destroy())
    await once(socket, 'connect')
    return socket
  }
  // What is emitted before the subscription has travelled is wanted by nobody.
  await until('somebody listens', async () => {
    await send('<13>1 - - hello - - - x')
    return events.length > 0
  })
  const seen = () => events.filter((event) => event.data.program !== 'hello')
  const messages = () => seen().map((event) => event.data.message)
  const counters = () => source.counters() as Counters & Record<string, number>
  return { source, component, clock, events, seen, messages, send, dial, udpPort, tcpPort, counters }
}

test('datagrams become events, with what they say and who sent them', async (t) => {
  const { send, seen } = await start(t)
  await send('<34>1 2026-05-11T22:14:15.003Z srv su 71 ID47 [a@1 k="v"] hello\n')
  await send('<13>Jan  2 03:04:05 srv cron[9]: tick\0')
  await send('no syslog at all')
  await until('all have come', () => seen().length === 3)
  assert.deepEqual(
    seen().map(({ type, time, data }) => ({ type, time: time.toISOString(), data })),
    [
      {
        type: 'syslog.message',
        time: '2026-05-11T22:14:15.003Z',
        data: {
          ...{ facility: 'auth', facilityCode: 4, severity: 'crit', severityCode: 2 },
          ...{
            host: 'srv',
            program: 'su',
            pid: 71,
            messageId: 'ID47',
            structuredData: { 'a@1': { k: 'v' } },
          },
          ...{ message: 'hello', sender: '127.0.0.1' },
        },
      },
      {
        type: 'syslog.message',
        time: new Date(2026, 0, 2, 3, 4, 5).toISOString(),
        data: {
          ...{ facility: 'user', facilityCode: 1, severity: 'notice', severityCode: 5 },
          ...{ host: 'srv', program: 'cron', pid: 9, message: 'tick', sender: '127.0.0.1' },
        },
      },
      {
        type: 'syslog.message',
        time: '2026-06-01T12:00:00.000Z',
        data: { message: 'no syslog at all', sender: '127.0.0.1' },
      },
    ],
  )
})

test('connections bring messages, counted or by lines, in order and to the last byte', async (t) => {
  const { dial, seen, messages, counters } = await start(t)
  const counted = await dial()
  for (const byte of '13 <13>x: one\nä4 <1>z') counted.write(byte)
  counted.end()
  await until('the counted ones have come', () => messages().length >= 2)
  assert.deepEqual(messages(), ['x: one\nä', 'z'])
  const lines = await dial()
  const many = Array.from({ length: 5000 }, (_, i) => `<13>1 - - a - - - ${i}`)
  lines.end(many.join('\n'))
  await until('all lines have come', () => seen().length >= 5002)
  assert.deepEqual(
    messages().slice(-5000),
    many.map((_, i) => String(i)),
  )
  await until('both have ended', () => counters().connectionsOpen === 0)
  assert.equal(counters().connectionsAccepted, 2)
})

const LOGGER = spawnSync('logger', ['--version']).error === undefined

test('logger of util-linux is understood in all its ways of speaking', async (t) => {
  if (!LOGGER) {
    assert.ok(!process.env.CI, 'expected logger (bsdutils) in CI, found none')
    return t.skip('NO LOGGER HERE: install bsdutils to run this test')
  }
  const { seen, udpPort, tcpPort } = await start(t)
  const ways: string[][] = []
  for (const format of [['--rfc3164'], ['--rfc5424'], ['--rfc5424=notime,notq,nohost']]) {
    ways.push(['-d', '-P', String(udpPort), ...format])
    ways.push(['-T', '-P', String(tcpPort), ...format])
    ways.push(['-T', '-P', String(tcpPort), '--octet-count', ...format])
  }
  for (const [i, way] of ways.entries()) {
    const text = `way ${i} [ü] "x"`
    const parameters = ['-n', '127.0.0.1', ...way, '-t', 'app', '--id=77', '-p', 'local3.warning']
    const { status, stderr } = spawnSync('logger', [...parameters, text], { encoding: 'utf8' })
    assert.equal(status, 0, stderr)
    await until(`${way.join(' ')} has come`, () => seen().length === i + 1)
    const { time, data } = seen()[i]!
    const { host, structuredData, ...rest } = data
    const what = way.join(' ')
    const expected = {
      ...{ facility: 'local3', facilityCode: 19, severity: 'warning', severityCode: 4 },
      ...{ program: 'app', pid: 77, message: text, sender: '127.0.0.1' },
    }
    assert.deepEqual(rest, expected, what)
    assert.equal(host !== undefined, !what.includes('nohost'), what)
    assert.equal(structuredData !== undefined, what.endsWith('--rfc5424'), what)
    if (!what.includes('notime')) assert.ok(Math.abs(time.getTime() - Date.now()) < 400 * 86_400_000)
  }
})

/** Says what it was given; two messages make one event, and what is left comes at the end or with time. */
function pairs(): LineParser {
  let first: string | undefined
  const rest = () => {
    const events = first === undefined ? [] : [{ type: 'test.rest', data: { first } }]
    first = undefined
    return events
  }
  return {
    line(text) {
      if (text.includes('rubbish')) return { unparsed: 'is rubbish' }
      if (first === undefined) {
        first = text
        return []
      }
      const event = { type: 'test.pair', data: { first, second: text } }
      first = undefined
      return [event]
    },
    expire: (now) => (now >= Date.parse('2026-06-01T12:01:00Z') ? rest() : []),
    end: rest,
  }
}

for (const syslogHead of [false, true]) {
  test(`a parser takes the ${syslogHead ? 'lines' : 'messages'}, those of the programs named`, async (t) => {
    const asked: unknown[] = []
    const findParser = async (name: string, options: object) => {
      asked.push(name, options)
      return { create: pairs, syslogHead }
    }
    const given = { parser: 'pairs', parserOptions: { format: 'x' }, program: 'app' }
    const { send, seen, clock, counters, source } = await start(t, given, { findParser })
    assert.deepEqual(asked, ['pairs', { format: 'x' }])
    const stamp = '2026-05-11T22:14:15.000Z'
    const line = (text: string) => (syslogHead ? `${stamp} srv app[1]: ${text}` : text)
    for (const text of ['one', 'two', 'rubbish', 'three']) await send(`<13>1 ${stamp} srv app 1 - - ${text}`)
    await send('<13>1 - srv other 1 - - four')
    await until('what is ready has come', () => seen().length === 3)
    const of = (type: string) => seen().find((event) => event.type === type)
    const [pair, unparsed, other] = [of('test.pair'), of('log.unparsed'), of('syslog.message')]
    assert.equal(pair!.time.toISOString(), stamp, 'the time of the message')
    assert.deepEqual(pair!.data, { first: line('one'), second: line('two') })
    assert.deepEqual([unparsed!.data.line, unparsed!.data.reason], [line('rubbish'), 'is rubbish'])
    assert.equal(other!.data.message, 'four')
    await clock.advance(60_000)
    await until('what has waited has come', () => seen().length === 4)
    assert.deepEqual(of('test.rest')!.data, { first: line('three') })
    assert.deepEqual([counters().events, counters().unparsed], [1, 1])
    assert.equal(counters().eventless, 2, 'the first of each pair')
    const taken = counters().messages!
    await send(`<13>1 ${stamp} srv app 1 - - five`)
    await until('the last is taken', () => counters().messages! > taken)
    await source.drain()
    await until('what was left comes at the end', () => seen().length === 5)
    assert.deepEqual(seen()[4]!.data, { first: line('five') })
  })
}

test('without anybody who knows parsers, a parser is refused', async (t) => {
  await assert.rejects(start(t, { parser: 'nginx' }), { code: 'COMPONENT_NOT_FOUND', message: /findParser/ })
})

test('a port that is taken is told, and nothing stays open', async (t) => {
  const { component } = await start(t)
  const { udp, tcp } = component.listening
  for (const given of [
    { udp, tcp: [] },
    { udp: '0', tcp },
  ]) {
    await assert.rejects(start(t, given), { code: 'BIND_FAILED', message: /EADDRINUSE.*choose another port/ })
  }
})

test('options', () => {
  const problem = (options: object, message: RegExp) =>
    assert.throws(() => parseOptions(syslog.options, options, 'syslog'), message)
  for (const udp of [
    'x',
    '1.2.3.4',
    'localhost:5',
    '::1:5',
    '[1.2.3.4]:5',
    '1.2.3:5',
    '70000',
    '[::1]',
    ':5',
  ]) {
    problem({ udp }, /udp\.0: expected an address and a port/)
  }
  problem({ maxRate: 0 }, /maxRate/)
  problem({ maxMessageBytes: 100 }, /maxMessageBytes/)
  const inFile = parseOptions(syslog.options, { udp: 514, tcp: [601, '0.0.0.0:1'] }, 'syslog')
  assert.deepEqual([inFile.udp, inFile.tcp], [['514'], ['601', '0.0.0.0:1']])
  const { udp, tcp } = parseOptions(syslog.options, { udp: ['5514', '[::1]:1'], tcp: '0.0.0.0:1' }, 'syslog')
  assert.deepEqual([udp, tcp], [['5514', '[::1]:1'], ['0.0.0.0:1']])
})

test('the sample gives the event that the README shows', async (t) => {
  const { send, seen } = await start(t)
  const sample = (path: string) =>
    readFileSync(new URL(`../../../sources/syslog/${path}`, import.meta.url), 'utf8')
  const shown = /This message\n\n```\n(.*)\n```\n\nbecomes\n\n```json\n(.*)\n```/.exec(sample('README.md'))
  assert.ok(shown, 'a sample message and its event')
  const lines = sample('samples/messages.log').trimEnd().split('\n')
  assert.ok(lines.includes(shown[1]!))
  await send(shown[1]!)
  await until('it has come', () => seen().length === 1)
  const [event] = seen()
  const { type, time, data } = JSON.parse(shown[2]!)
  assert.deepEqual(
    { type, time, data: { ...data, sender: '127.0.0.1' } },
    JSON.parse(JSON.stringify({ type: event!.type, time: event!.time, data: event!.data })),
  )
})

async function sendTo({ listening }: SyslogSource, text: string): Promise<void> {
  const sender = connect(Number(listening.tcp[0]?.split(':').at(-1)), '127.0.0.1')
  sender.end(text)
  await once(sender, 'close')
}

const checks = conformsAsSource({
  definition: syslog,
  begin: () => ({ options: { tcp: ['0'] } }),
  async feed(amount, { component }) {
    await sendTo(component as SyslogSource, '<13>1 - - a - - - x\n'.repeat(amount))
    return amount
  },
  async spoil({ component }) {
    await sendTo(component as SyslogSource, `<13>${'x'.repeat(70_000)}\n`)
    return { truncated: 1 }
  },
  refused: [{ udp: 'nowhere' }, { maxRate: 0 }],
})
for (const { name, run } of checks) test(name, run)
