import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type Asker, serveQuery } from '../../lib/ask/index.js'
import { EventstormError, type Running, reason, type Status } from '../../lib/index.js'
import { isForLocalHost } from './local-host.js'

/**
 * Serves `/api/query` on the loopback interface.
 * @returns what runs, with the address that it is reached by
 * @throws BIND_FAILED
 */
export async function serveQueries(asker: Asker, port: number): Promise<Running & { url: string }> {
  const server = createServer((request, response) => {
    if (!isForLocalHost(request, response)) return
    if (request.url?.split('?')[0] !== '/api/query') {
      response.writeHead(404, { 'content-type': 'text/plain' }).end('Try /api/query?by=type\n')
    } else void serveQuery(asker, request, response)
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error) => {
      const message = `cannot answer on 127.0.0.1:${port}: ${reason(error)}; choose another --listen port`
      reject(new EventstormError('BIND_FAILED', message, error))
    })
    server.listen(port, '127.0.0.1', resolve)
  })
  let status: Status = 'running'
  const ended = new Promise<void>((resolve) => {
    server.once('close', () => {
      status = 'stopped'
      resolve()
    })
  })
  const close = async () => {
    server.close()
    server.closeAllConnections()
    await ended
  }
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/api/query`,
    get status() {
      return status
    },
    ended,
    counters: () => asker.counters(),
    drain: close,
    close,
    [Symbol.asyncDispose]: close,
  }
}
