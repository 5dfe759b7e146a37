/** What a stranger does to a router, each bounded in time and in bytes. */
import { randomBytes } from 'node:crypto'
import { connect, type Socket } from 'node:net'
import { setTimeout as pause, setImmediate as turn } from 'node:timers/promises'
import * as zmq from 'zeromq'
import { headerLength, heartbeatBody, writeHeader } from '../lib/wire.js'
import { enter, frame, GREETING, greeting, ready } from '../testing/zmtp.js'

export interface Attack {
  sources: string
  sinks: string
  seconds: number
  /** Keys for libzmq's own sockets; none speaks without. */
  curve?: { publicKey: string; secretKey: string; serverKey: string }
}

const MiB = 2 ** 20
/** What one flood sends at most: nothing has to bound it but itself. */
const MOST_BYTES = 768 * MiB

const SUB = Buffer.concat([GREETING, ready('SUB')])

function dial(endpoint: string): Socket {
  const socket = connect(Number(endpoint.split(':').at(-1)), '127.0.0.1')
  socket.on('error', () => {})
  socket.resume()
  return socket
}

/** Enters and says some again and again, and does it anew whenever it is cut off; how many connections. */
async function pour(
  { endpoint, seconds }: { endpoint: string; seconds: number },
  type: string,
  rest: () => Buffer,
  first: Buffer = Buffer.alloc(0),
): Promise<number> {
  const end = performance.now() + seconds * 1000
  let bytes = 0
  let dialled = 0
  while (performance.now() < end && bytes < MOST_BYTES) {
    const socket = await enter(endpoint, type).catch(() => undefined)
    dialled++
    if (socket === undefined) {
      await pause(10)
      continue
    }
    socket.write(first)
    while (!socket.destroyed && performance.now() < end && bytes < MOST_BYTES) {
      const chunk = rest()
      bytes += chunk.length
      socket.write(chunk)
      while (socket.writableNeedDrain && !socket.destroyed && performance.now() < end) await pause(1)
      await turn()
    }
    // What was cut off is what is refused; who gets through stays until the flood is over.
    if (performance.now() < end && !socket.destroyed) await pause(end - performance.now())
    socket.destroy()
  }
  return dialled
}

const both = ({ sources, sinks }: Attack) => [sources, sinks]

/** Dials `many` times at once and keeps them, then lets go and does it again. */
async function crowd(attack: Attack, many: number, opening: () => Buffer): Promise<number> {
  const end = performance.now() + attack.seconds * 1000
  const sockets: Socket[] = []
  let dialled = 0
  while (performance.now() < end && dialled < 10 * many) {
    for (const endpoint of both(attack)) {
      for (let i = 0; i < 20; i++) {
        const socket = dial(endpoint)
        socket.write(opening())
        sockets.push(socket)
        dialled++
      }
    }
    while (sockets.length > many) sockets.shift()!.destroy()
    await pause(5)
  }
  for (const socket of sockets) socket.destroy()
  return dialled
}

function libzmq(socket: zmq.XPublisher | zmq.XSubscriber, { curve }: Attack, endpoint: string) {
  Object.assign(socket, { linger: 0, sendTimeout: 0, reconnectInterval: 1, reconnectMaxInterval: 10 })
  if (curve) {
    socket.curvePublicKey = curve.publicKey
    socket.curveSecretKey = curve.secretKey
    socket.curveServerKey = curve.serverKey
  }
  socket.connect(endpoint)
}

/** Two frames: a type, and a header with one event's room. */
function message(source: string, epoch: number, seq: number): Buffer[] {
  const name = Buffer.from(source)
  const document = Buffer.from('130000000974696d65000000000000000000000000', 'hex')
  const head = Buffer.alloc(headerLength(name.length))
  writeHeader(head, name, epoch, seq, 1)
  return [Buffer.from('flood.hit'), Buffer.concat([head, document])]
}

const burst = (() => {
  const ping = frame('\x04PING\0\0', { command: true })
  const [topic, body] = message('stranger', 1, 0)
  const flood = [frame(topic!, { more: true }), frame(body!)]
  return Buffer.concat(Array.from({ length: 500 }, (_, i) => (i % 5 === 0 ? [ping, ...flood] : flood)).flat())
})()

/** Some of what a flood of subscriptions is made of: 30 random bytes each. */
const subscriptions = () =>
  Buffer.concat(Array.from({ length: 1000 }, () => frame(Buffer.concat([Buffer.from([1]), randomBytes(30)]))))

export const FLOODS: Record<string, (attack: Attack) => Promise<number>> = {
  /** Before the greeting, and after it. */
  'garbage bytes'(attack) {
    let dialled = 0
    const garbage = () => Buffer.concat([dialled++ % 2 ? GREETING : Buffer.alloc(0), randomBytes(4096)])
    return crowd(attack, 500, garbage)
  },

  'half-open handshakes': (attack) => crowd(attack, 2000, () => GREETING.subarray(0, 20)),

  subscriptions(attack) {
    let left = 200
    const some = () => (left-- > 0 ? subscriptions() : Buffer.alloc(0))
    return pour({ ...attack, endpoint: attack.sinks }, 'SUB', some)
  },

  '100 MiB frames': (attack) => {
    const claim = frame('', { claim: 100 * MiB })
    return pour({ ...attack, endpoint: attack.sources }, 'PUB', () => Buffer.alloc(MiB), claim)
  },

  'endless multipart': (attack) => {
    const part = frame(Buffer.alloc(60_000), { more: true })
    return pour({ ...attack, endpoint: attack.sources }, 'PUB', () => part)
  },

  'messages upstream': (attack) => {
    const some = Buffer.concat(Array(1000).fill(frame(Buffer.alloc(100, 'x'))))
    return pour({ ...attack, endpoint: attack.sinks }, 'SUB', () => some)
  },

  connections: (attack) => crowd(attack, 3000, () => SUB),

  'PINGs, then a reset': async (attack) => {
    const end = performance.now() + attack.seconds * 1000
    let rounds = 0
    while (performance.now() < end) {
      const socket = await enter(attack.sources, 'PUB')
      for (let i = 0; i < 10; i++) socket.write(burst)
      await pause(20)
      socket.resetAndDestroy()
      rounds++
    }
    return rounds
  },

  'CURVE greetings': (attack) =>
    crowd(attack, 2000, () => Buffer.concat([greeting('CURVE'), randomBytes(300)])),

  /** Each does the whole cryptography of a handshake, and is refused. */
  'handshakes by libzmq': async (attack) => {
    const end = performance.now() + attack.seconds * 1000
    let dialled = 0
    while (performance.now() < end) {
      const sockets = Array.from({ length: 50 }, (_, i) => {
        const socket = i % 2 ? new zmq.XPublisher() : new zmq.XSubscriber()
        libzmq(socket, attack, i % 2 ? attack.sources : attack.sinks)
        return socket
      })
      dialled += sockets.length
      await pause(100)
      for (const socket of sockets) socket.close()
    }
    return dialled
  },
}

/** The garbage collector closes a socket that nobody refers to. */
const held: zmq.Socket[] = []

/** Somebody with a key who sends more than anybody can read: small messages, each with a number. How many. */
export async function admitted(attack: Attack): Promise<number> {
  // Somebody has to want it; one that reads nothing keeps nobody waiting.
  const wanting = new zmq.XSubscriber()
  held.push(wanting)
  libzmq(wanting, attack, attack.sinks)
  wanting.receive().catch(() => {})
  await wanting.send(Buffer.from('\x01flood.'))
  const publisher = new zmq.XPublisher()
  libzmq(publisher, attack, attack.sources)
  while (!(await publisher.receive())[0]!.subarray(1).equals(Buffer.from('flood.'))) {}
  const epoch = Date.now() * 1000
  const end = performance.now() + attack.seconds * 1000
  let sent = 0
  while (performance.now() < end) {
    // Not awaited one by one, which is what makes it too fast.
    for (let i = 0; i < 1000; i++) void publisher.send(message('flood', epoch, sent++))
    await turn()
  }
  // Beats tell how many there were, however many of them get lost.
  let beats = 0
  const beat = setInterval(() => {
    void publisher.send(['flood.hit', heartbeatBody(Buffer.from('flood'), epoch, sent, ++beats)])
  }, 200)
  beat.unref()
  return sent
}
