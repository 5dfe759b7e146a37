import * as zmq from 'zeromq'
import { type Logger, silent } from './component.js'
import { reason } from './errors.js'
import { toZ85 } from './keys.js'

/** Who decides for one endpoint. */
export interface Gate {
  /** The name of whoever has that public key; undefined keeps it out. */
  nameOf(key: string): string | undefined
  /** Called for everybody who is kept out. */
  refused(key: string, address: string): void
  log?: Logger
}

/** Where libzmq asks (ZeroMQ RFC 27). */
const ADDRESS = 'inproc://zeromq.zap.01'
/** Wait before the address is tried again, which libzmq gives up some time after its socket was closed; milliseconds. */
const BIND_AGAIN = 10

const gates = new Map<string, Gate>()
let handler: zmq.Reply | undefined
let domains = 0

/**
 * Answers libzmq's questions whether a peer may in, for all endpoints of the process that are guarded. There can be
 * one of that kind only. While it does not answer nobody gets in, as the sockets insist on an answer
 * (zapEnforceDomain).
 *
 * @returns the domain under which libzmq has to ask, and what ends the guard
 */
export function guard(gate: Gate): { domain: string; release: () => void } {
  const domain = `eventstorm-${++domains}`
  gates.set(domain, gate)
  if (handler === undefined) open()
  return {
    domain,
    release() {
      gates.delete(domain)
      if (gates.size > 0) return
      // A pending receive would keep the process alive.
      handler?.close()
      handler = undefined
    },
  }
}

function open(): void {
  const socket = new zmq.Reply()
  socket.linger = 0
  handler = socket
  try {
    socket.bindSync(ADDRESS)
  } catch {
    socket.close()
    setTimeout(() => {
      if (handler === socket) open()
    }, BIND_AGAIN)
    return
  }
  void answerAll(socket)
}

async function answerAll(socket: zmq.Reply): Promise<void> {
  while (!socket.closed) {
    try {
      await socket.send(answer(await socket.receive()))
    } catch (error) {
      if (socket.closed) return
      for (const { log = silent } of gates.values())
        log.error({ error: reason(error) }, 'keys cannot be checked')
      return
    }
  }
}

/** Version, request, domain, address, identity, mechanism, credentials. */
function answer([, request = Buffer.alloc(0), domain, address, , mechanism, credential]: Buffer[]): (
  | string
  | Buffer
)[] {
  const gate = gates.get(String(domain))
  const key = String(mechanism) === 'CURVE' && credential?.length === 32 ? toZ85(credential) : ''
  const name = key === '' ? undefined : gate?.nameOf(key)
  if (name !== undefined) return ['1.0', request, '200', 'OK', name, '']
  gate?.refused(key, String(address))
  // With 400 the peer would give up for ever; with 300 it tries again, and gets in once its key is in the list.
  return ['1.0', request, '300', 'not allowed', '', '']
}
