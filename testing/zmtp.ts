/**
 * ZMTP by hand (ZeroMQ RFC 23), for what a peer with manners never sends.
 */
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { until } from './until.js'

/** How a connection begins: version 3.0, no keys. */
export const GREETING = greeting('NULL')

export function greeting(mechanism: 'NULL' | 'CURVE'): Buffer {
  const name = Buffer.from(mechanism.padEnd(20, '\0'))
  return Buffer.concat([Buffer.from('ff00000000000000017f0300', 'hex'), name, Buffer.alloc(32)])
}

/** A frame: flags, length, content. The length may be a lie. */
export function frame(content: Buffer | string, { more = false, command = false, claim = -1 } = {}): Buffer {
  const body = Buffer.from(content)
  const long = claim >= 0 || body.length > 255
  const size = Buffer.alloc(long ? 8 : 1)
  if (long) size.writeBigUInt64BE(BigInt(claim >= 0 ? claim : body.length))
  else size[0] = body.length
  return Buffer.concat([Buffer.from([(more ? 1 : 0) | (long ? 2 : 0) | (command ? 4 : 0)]), size, body])
}

function property(name: string, value: string): Buffer {
  const size = Buffer.alloc(4)
  size.writeUInt32BE(value.length)
  return Buffer.concat([Buffer.from([name.length]), Buffer.from(name), size, Buffer.from(value)])
}

/** The second half of a handshake without keys. */
export const ready = (type: string) =>
  frame(Buffer.concat([Buffer.from('\x05READY'), property('Socket-Type', type)]), { command: true })

/** A TCP connection to an endpoint, with no error told and nothing read. */
export async function dial(endpoint: string): Promise<Socket> {
  const socket = connect(Number(endpoint.split(':').at(-1)), '127.0.0.1')
  socket.on('error', () => {})
  socket.resume()
  await once(socket, 'connect')
  return socket
}

/** A connection without keys whose handshake is done, as a socket of that type; closed when it was refused. */
export async function enter(endpoint: string, type: string): Promise<Socket> {
  const socket = await dial(endpoint)
  let read = 0
  socket.on('data', (chunk) => {
    read += chunk.length
  })
  socket.write(Buffer.concat([GREETING, ready(type)]))
  await until('the peer has answered', () => read > GREETING.length || socket.destroyed)
  return socket
}

/** Writes for as long as the peer takes it, hangs up if it is to, and waits until the connection is closed. */
export async function pour(socket: Socket, chunks: Iterable<Buffer>, hangUp: boolean): Promise<void> {
  for (const chunk of chunks) {
    if (socket.destroyed) return
    socket.write(chunk)
    await until('the peer has taken it', () => socket.destroyed || !socket.writableNeedDrain)
  }
  if (hangUp) socket.end()
  await until('the connection is closed', () => socket.destroyed)
}
