import { EventstormError, show } from '../errors.js'

/** Where a router listens for sources unless told otherwise, and where sources dial. */
export const DEFAULT_SOURCES_ENDPOINT = 'tcp://127.0.0.1:5555'
/** Where a router listens for sinks unless told otherwise, and where sinks, tap and top dial. */
export const DEFAULT_SINKS_ENDPOINT = 'tcp://127.0.0.1:5556'

// sockaddr_un holds 108 bytes with the closing NUL.
const MAX_IPC_PATH = 107

function fault(endpoint: string, binding: boolean): string | undefined {
  const [, transport, rest = ''] = /^(tcp|ipc|inproc):\/\/(.+)$/.exec(endpoint) ?? []
  if (transport === undefined) return 'expected tcp://host:port, ipc://path or inproc://name'
  if (transport === 'inproc') return undefined
  if (transport === 'ipc') {
    const bytes = Buffer.byteLength(rest)
    return bytes > MAX_IPC_PATH
      ? `expected an ipc path of at most ${MAX_IPC_PATH} bytes, got ${bytes}`
      : undefined
  }
  const [, port] = /^(?:\[[^\]]+\]|[^:\s]+):(\d+|\*)$/.exec(rest) ?? []
  if (port === undefined) return 'expected tcp://host:port'
  // libzmq takes larger ports and wraps them around in silence.
  const number = port === '*' ? 0 : Number(port)
  if (number > 65535 || (number === 0 && !binding)) {
    return binding ? 'expected a port from 0 (any free one) to 65535' : 'expected a port from 1 to 65535'
  }
  return undefined
}

/** Whether it is reached inside of this process alone. */
export const isInproc = (endpoint: string): boolean => endpoint.startsWith('inproc:')

const HERE = /^tcp:\/\/(127(\.\d+){3}|\[::1\]|localhost|lo):/

/** Whether what is bound there can be reached from other machines. */
export function isReachable(endpoint: string): boolean {
  return endpoint.startsWith('tcp://') && !HERE.test(endpoint)
}

/**
 * Checks what libzmq would take in silence or refuse without saying why.
 * @throws ENDPOINT_INVALID
 */
export function checkEndpoint(endpoint: string, use: 'bind' | 'connect'): void {
  const wrong = fault(endpoint, use === 'bind')
  if (wrong) throw new EventstormError('ENDPOINT_INVALID', `cannot ${use} ${show(endpoint)}: ${wrong}`)
}
