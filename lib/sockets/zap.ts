import * as zmq from 'zeromq'
import { systemClock } from '../clock.js'
import { type Logger, silent } from '../component.js'
import { reason } from '../errors.js'
import { toZ85 } from './keys.js'

/** Who decides for one endpoint. */
export interface Gate {
  /** How peers have to come: with a key, or without. */
  mechanism: 'CURVE' | 'NULL'
  /**
   * The name under which a peer may in; undefined keeps it out.
   * @param key its public key; empty where there are no keys
   */
  admit(key: string, address: string): string | undefined
  log?: Logger
}

/** Where libzmq asks (ZeroMQ RFC 27). */
const ADDRESS = 'inproc://zeromq.zap.01'
/** Wait before the address is tried again, which libzmq gives up some time after its socket was closed; milliseconds. */
const BIND_AGAIN = 10
/** For whoever opens an end as soon as the last was closed: a peer that asks a handler that is closing waits in vain. */
const CLOSE_AFTER = 50

const gates = new Map<string, Gate>()
let handler: zmq.Reply | undefined
let domains = 0

/**
 * Answers libzmq's questions whether a peer may in, for all bound endpoints of the process. There can be one of that
 * kind only. While it does not answer nobody gets in where there are keys, as the sockets insist on an answer there
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
      if (gates.size === 0) systemClock.after(CLOSE_AFTER, closeUnused)
    },
  }
}

/** A pending receive would keep the process alive. */
function closeUnused(): void {
  if (gates.size > 0) return
  handler?.close()
  handler = undefined
}

function open(): void {
  const socket = new zmq.Reply()
  socket.linger = 0
  handler = socket
  try {
    socket.bindSync(ADDRESS)
  } catch {
    socket.close()
    // libzmq is waited for, and all ends of the process wait for it: none of their clocks would do.
    systemClock.after(BIND_AGAIN, () => {
      if (handler === socket) open()
    })
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
        log.error({ error: reason(error) }, 'peers cannot be checked')
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
  const name = gate?.mechanism === String(mechanism) ? gate.admit(key, String(address)) : undefined
  if (name !== undefined) return ['1.0', request, '200', 'OK', name, '']
  // With 400 the peer would give up for ever; with 300 it tries again, and gets in once it may.
  return ['1.0', request, '300', 'not allowed', '', '']
}
