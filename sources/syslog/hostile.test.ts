import assert from 'node:assert/strict'
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { platform } from 'node:os'
import { type TestContext, test } from 'node:test'
import { parseOptions, startSource } from '../../lib/index.js'
import { ControlledClock, seeded, until } from '../../testing/index.js'
import { findDrops } from './kernel-drops.js'
import syslog, { SyslogSource } from './syslog.js'

/** A source whose events are looked at where they are made, since nobody needs to listen here. */
async function start(t: TestContext, given: object = {}) {
  const options = parseOptions(syslog.options, { udp: '0', tcp: '0', ...given }, 'syslog')
  const component = new SyslogSource(options)
  const texts: string[] = []
  let bytes = 0
  const clock = new ControlledClock()
  const { open } = component
  component.open = (emit, context) =>
    open.call(
      component,
      (event) => {
        const { message } = event.data as { message: string }
        texts.push(message.slice(0, 80))
        bytes += message.length
        return emit(event)
      },
      context,
    )
  const source = await startSource(component, { source: 'net', bind: ['tcp://127.0.0.1:0'], clock })
  t.after(() => source.close())
  const port = (addresses: string[]) => Number(addresses[0]!.split(':').at(-1))
  const [udpPort, tcpPort] = [port(component.listening.udp), port(component.listening.tcp)]
  const counters = () => source.counters() as Record<string, number>
  const dial = async (): Promise<Socket> => {
    const socket = connect(tcpPort, '127.0.0.1')
    socket.on('error', () => {})
    socket.resume()
    t.after(() => socket.destroy())
    await once(socket, 'connect')
    return socket
  }
  const closed = (socket: Socket) => until('it is closed', () => socket.destroyed)
  return { source, component, clock, texts, size: () => bytes, udpPort, dial, closed, counters }
}

/** It still takes what is good. */
async function alive({ dial, texts }: Awaited<ReturnType<typeof start>>): Promise<void> {
  const socket = await dial()
  socket.end('<13>1 - - - - - - still alive\n')
  await until('it takes a good message', () => texts.includes('still alive'))
}

test('a flood of datagrams: each is taken, dropped by the rate, or thrown away by the system, and counted', async (t) => {
  const scene = await start(t, { maxRate: 1000, receiveBuffer: 4096 })
  const { udpPort, counters, clock, component } = scene
  const sender = createSocket('udp4')
  t.after(() => sender.close())
  const COUNT = 20_000
  let sent = 0
  await new Promise<void>((resolve) => {
    for (let i = 0; i < COUNT; i++) {
      sender.send(`<13>1 - - flood - - - ${i}`, udpPort, '127.0.0.1', () => {
        if (++sent === COUNT) resolve()
      })
    }
  })
  await clock.advance(1000)
  if (platform() === 'linux') {
    await until('the sum is that of the datagrams sent', async () => {
      await clock.advance(1000)
      return counters().datagrams! + counters().kernelDropped! === COUNT
    })
  }
  assert.equal(counters().messages! + counters().overRate!, counters().datagrams)
  assert.ok(counters().messages! >= 1 && counters().overRate! >= 0)
  assert.ok(component.counters().messages)
  await alive(scene)
})

test('above the rate datagrams are dropped and counted, until the next second', async (t) => {
  const { udpPort, counters, clock } = await start(t, { maxRate: 10 })
  const sender = createSocket('udp4')
  t.after(() => sender.close())
  const send = async (count: number) => {
    const before = counters().datagrams!
    for (let i = 0; i < count; i++) sender.send('<13>x', udpPort, '127.0.0.1')
    await until('all have come', () => counters().datagrams === before + count)
  }
  await send(25)
  assert.deepEqual([counters().messages, counters().overRate], [10, 15])
  await clock.advance(1000)
  await send(5)
  assert.deepEqual([counters().messages, counters().overRate], [15, 15])
})

test('above the rate connections wait, and lose nothing', async (t) => {
  const { dial, counters, clock } = await start(t, { maxRate: 100 })
  const socket = await dial()
  const COUNT = 200_000
  socket.end('<13>1 - - a - - - some text of some length\n'.repeat(COUNT))
  await until('the first have come', () => counters().messages! > 0)
  // Turns enough for all of it, if it were read; one piece may be read above the rate.
  for (let turn = 0; turn < 3000; turn++) await new Promise((resolve) => setImmediate(resolve))
  assert.ok(counters().messages! < 5000, String(counters().messages))
  await until('all have come', async () => {
    await clock.advance(1000)
    return counters().messages === COUNT
  })
  assert.equal(counters().overRate, 0)
})

test('a line that never ends is cut once, and holds no more than the limit', async (t) => {
  const scene = await start(t, { maxMessageBytes: 1000 })
  const { dial, counters, size } = scene
  const socket = await dial()
  for (let i = 0; i < 300; i++) {
    if (!socket.write('x'.repeat(65_536))) await once(socket, 'drain')
  }
  assert.equal(counters().messages, 0)
  socket.end('\n<13>after\n')
  await until('its beginning and what follows have come', () => counters().messages === 2)
  assert.equal(counters().truncated, 1)
  assert.ok(size() <= 1010)
  await alive(scene)
})

test('connections above the number are refused and counted, silent ones are ended', async (t) => {
  const scene = await start(t, { maxConnections: 50, idleTimeout: '5s' })
  const { dial, counters, clock, closed, texts } = scene
  const sockets: Socket[] = []
  for (let i = 0; i < 40; i++) sockets.push(...(await Promise.all(Array.from({ length: 50 }, dial))))
  await until(
    'all were seen',
    () => counters().connectionsAccepted! + counters().connectionsRefused! === 2000,
  )
  assert.equal(counters().connectionsOpen, 50)
  assert.equal(counters().connectionsRefused, 1950)
  // What has come is seen when a whole message stands before the half.
  for (const socket of sockets) if (!socket.destroyed) socket.write('<13>whole\n<13>half a mess')
  await until('all have spoken', () => counters().messages === 50)
  await clock.advance(4000)
  assert.equal(counters().connectionsOpen, 50)
  await clock.advance(2000)
  assert.equal(counters().connectionsOpen, 0)
  assert.equal(counters().connectionsIdle, 50)
  await until('they know it', () => sockets.every((socket) => socket.destroyed || socket.readableEnded))
  assert.ok(texts.filter((text) => text === 'half a mess').length === 50)
  assert.equal(counters().truncated, 50)
  await alive(scene)
  await closed(sockets[0]!)
})

test('wrong counts end their connection, and only that one', async (t) => {
  const scene = await start(t)
  const { dial, counters, closed, texts } = scene
  const good = await dial()
  for (const text of [
    '6 <1>abc3 <1>x',
    '6 <1>abc99999999 <1>',
    '6 <1>abc1x',
    '6 <1>abc5 abcde',
    '6 <1>abcx',
  ]) {
    const socket = await dial()
    socket.write(text)
    await closed(socket)
  }
  assert.equal(counters().connectionsBroken, 5)
  assert.equal(texts.filter((text) => text === 'abc').length, 5, 'what came before is taken')
  good.write('5 <1>ok')
  await until('the good one is heard', () => texts.includes('ok'))
  const large = await dial()
  large.write('9999999 <1>')
  large.destroy()
  await until('half of a huge one is over', () => counters().connectionsOpen === 1)
  await alive(scene)
})

test('garbage of every kind, over both, in pieces', async (t) => {
  const scene = await start(t, { maxMessageBytes: 480 })
  const { dial, udpPort, counters, closed } = scene
  const random = seeded(514)
  const below = (limit: number) => Math.floor(random() * limit)
  const pieces = [
    '<13>',
    '1 ',
    '- ',
    '\n',
    '\0',
    '99 ',
    '12',
    '<',
    '[a k="',
    'Jan  1 00:00:00 ',
    'a[1]: ',
    '\x1b[2J',
  ]
  const garbage = () =>
    Buffer.concat(
      Array.from({ length: 1 + below(20) }, () =>
        below(4) ? Buffer.from(pieces[below(pieces.length)]!) : Buffer.from([below(256), below(256)]),
      ),
    )
  const sender = createSocket('udp4')
  t.after(() => sender.close())
  for (let round = 0; round < 100; round++) {
    const socket = await dial()
    for (let i = 0; i < 20; i++) {
      socket.write(garbage())
      sender.send(garbage(), udpPort, '127.0.0.1')
    }
    if (below(2)) socket.destroy()
    else socket.end()
    await closed(socket)
  }
  // A connection that its client has given up may still wait to be accepted.
  await until(
    'all have come and gone',
    () => counters().connectionsAccepted === 100 && counters().connectionsOpen === 0,
  )
  assert.equal(counters().refused, 0)
  await alive(scene)
})

test('what the system threw away is found by address and port', () => {
  const table = [
    '   sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode ref pointer drops',
    '  10: 0100007F:158A 00000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 31 2 0 3',
    '  11: 0100007F:1589 00000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 30 2 0 42',
    '  12: 00000000000000000000000001000000:1589 00000000000000000000000000000000:0000 07 0:0 0:0 0 0 0 32 2 0 7',
    '  13: B80D0120000000000000000001000000:1589 00000000000000000000000000000000:0000 07 0:0 0:0 0 0 0 32 2 0 8',
  ].join('\n')
  assert.equal(findDrops(table, { host: '127.0.0.1', port: 5513 }), 42)
  assert.equal(findDrops(table, { host: '::1', port: 5513 }), 7)
  assert.equal(findDrops(table, { host: '2001:db8::1', port: 5513 }), 8)
  assert.equal(findDrops(table, { host: '127.0.0.2', port: 5513 }), undefined)
})
