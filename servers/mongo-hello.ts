import { connect } from 'node:net'

/** `{ hello: 1, $db: 'admin' }` as an OP_MSG of MongoDB's wire protocol. */
const HELLO = Buffer.from(
  [
    '34000000 01000000 00000000 dd070000', // length 52, request 1, no response, OP_MSG
    '00000000 00', // no flags, a section with one document
    '1f000000', // 31 bytes
    '1068656c6c6f0001000000', // int32 hello: 1
    '022464620006000000 61646d696e00', // string $db: "admin"
    '00',
  ]
    .join('')
    .replaceAll(' ', ''),
  'hex',
)

/** Resolves when whoever listens there answers as a MongoDB server does. */
export function hello(host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host, port, timeout: 5000 }, () => socket.write(HELLO))
    const end = (error?: Error) => {
      socket.destroy()
      if (error) reject(error)
      else resolve()
    }
    socket.once('data', () => end())
    socket.once('timeout', () => end(new Error('connected, but no answer to hello')))
    socket.once('close', () => end(new Error('the connection was closed')))
    socket.once('error', end)
  })
}
