import { createServer, type RequestListener, type Server } from 'node:http'
import { collectDefaultMetrics, Registry } from 'prom-client'
import { EventstormError, reason } from '../../lib/index.js'
import { readiness } from './health.js'
import { isForLocalHost } from './local-host.js'
import { toRegistry } from './metrics.js'
import type { Observed } from './observed.js'

/** What is served. */
export interface Served {
  /** What runs at the moment of asking. */
  observed(): Iterable<Observed>
  /** Adds what there is to tell beside the components. */
  add?(registry: Registry): void
}

/** Connections at a time; whoever asks every second needs one. */
const MAX_CONNECTIONS = 64

/**
 * Serves on the loopback interface, to who comes by a local name:
 * - `/metrics`: Prometheus text
 * - `/livez`: whether the process answers; who gets no answer shall start it anew
 * - `/readyz`, and `/healthz` as it was called before there were two: whether it can do its work; 503 while it cannot
 *
 * The names are those of Kubernetes' own servers, which have given up `healthz` since it does not say which is meant.
 *
 * @throws BIND_FAILED
 */
export async function serveMetrics(port: number, { observed, add }: Served): Promise<AsyncDisposable> {
  const process = new Registry()
  collectDefaultMetrics({ register: process })
  const metrics = async () => {
    const now = toRegistry(observed())
    add?.(now)
    return Registry.merge([now, process]).metrics()
  }
  const ready = () => {
    const body = readiness(observed())
    return { code: body.status === 'ready' ? 200 : 503, body }
  }
  const server = createServer(answer({ metrics, contentType: process.contentType, ready }))
  server.maxConnections = MAX_CONNECTIONS
  await listen(server, port)
  return {
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

function answer(asked: {
  metrics(): Promise<string>
  contentType: string
  ready(): { code: number; body: object }
}): RequestListener {
  return async (request, response) => {
    if (!isForLocalHost(request, response)) return
    const { method, url } = request
    const send = (code: number, type: string, text: string) =>
      response.writeHead(code, { 'content-type': type }).end(method === 'HEAD' ? undefined : text)
    if (method !== 'GET' && method !== 'HEAD') return send(405, 'text/plain', 'Only GET and HEAD.\n')
    switch (url?.split('?')[0]) {
      case '/metrics':
        return send(200, asked.contentType, await asked.metrics())
      case '/livez':
        return send(200, 'application/json', '{"status":"alive"}')
      case '/readyz':
      case '/healthz': {
        const { code, body } = asked.ready()
        return send(code, 'application/json', JSON.stringify(body))
      }
      default:
        return send(404, 'text/plain', 'Try /metrics, /livez or /readyz.\n')
    }
  }
}

function listen(server: Server, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (error) => {
      const message = `cannot serve metrics on 127.0.0.1:${port}: ${reason(error)}; choose another --metrics port`
      reject(new EventstormError('BIND_FAILED', message, error))
    })
    server.listen(port, '127.0.0.1', resolve)
  })
}
