import type { IncomingMessage, ServerResponse } from 'node:http'

/** Names by which this machine is reached from itself. */
const LOCAL = /^(localhost|127\.0\.0\.1|\[::1\])(:\d+)?$/i

/**
 * Whether a request came by a local name. A page from elsewhere whose name was made to lead here (DNS rebinding) has
 * another one, and could read what is for this machine alone; it is answered with 403.
 */
export function isForLocalHost({ headers }: IncomingMessage, response: ServerResponse): boolean {
  if (LOCAL.test(headers.host ?? '')) return true
  response.writeHead(403, { 'content-type': 'text/plain' }).end('Only for localhost.\n')
  return false
}
