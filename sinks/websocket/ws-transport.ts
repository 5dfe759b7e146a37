import { readFile } from 'node:fs/promises'
import { createServer, type IncomingMessage, type Server, type ServerResponse, STATUS_CODES } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import type { Duplex } from 'node:stream'
import type { WebSocket, WebSocketServer } from 'ws'
import {
  CLOSE_TIME,
  HEADERS_TIME,
  type HttpAnswer,
  type HttpRequest,
  MAX_BODY,
  type Peer,
  REQUEST_TIME,
  type Transport,
  type TransportHandler,
  type TransportOptions,
} from './transport.js'

/** `ws` on Node's own HTTP server. */
export class WsTransport implements Transport {
  readonly name = 'ws'
  refused = 0
  #server: Server | undefined
  #sockets: WebSocketServer | undefined

  async listen(options: TransportOptions, handler: TransportHandler): Promise<{ port: number }> {
    const { WebSocketServer } = await import('ws')
    const sockets = new WebSocketServer({
      noServer: true,
      maxPayload: options.maxMessage,
      perMessageDeflate: false,
      handleProtocols: (offered) => offered.has(options.subprotocol) && options.subprotocol,
    })
    this.#sockets = sockets
    const settings = {
      maxHeaderSize: 16_384,
      headersTimeout: HEADERS_TIME,
      requestTimeout: REQUEST_TIME,
      connectionsCheckingInterval: 1000,
    }
    const onRequest = (request: IncomingMessage, response: ServerResponse) =>
      void serve(request, response, handler)
    const server: Server = options.tls
      ? createTlsServer(
          { ...settings, cert: await readFile(options.tls.cert), key: await readFile(options.tls.key) },
          onRequest,
        )
      : createServer(settings, onRequest)
    this.#server = server
    server.maxConnections = options.maxConnections
    server.on('drop', () => this.refused++)
    server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
      socket.on('error', () => socket.destroy())
      const verdict = handler.upgrade(headOf(request))
      if ('refusal' in verdict) return refuse(socket, verdict.refusal)
      sockets.handleUpgrade(request, socket, head, (peer) => attach(peer, verdict.address, handler))
    })
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject)
      server.listen(options.port, options.host, () => {
        server.off('error', reject)
        resolve()
      })
    })
    return { port: (server.address() as AddressInfo).port }
  }

  async close(): Promise<void> {
    const server = this.#server
    if (server === undefined) return
    this.#server = undefined
    const closed = new Promise((resolve) => server.close(resolve))
    for (const peer of this.#sockets?.clients ?? []) peer.terminate()
    server.closeAllConnections()
    await closed
  }
}

const addressOf = (request: IncomingMessage) => request.socket.remoteAddress ?? ''

/** What a request says before its body. */
function headOf(request: IncomingMessage): Omit<HttpRequest, 'body' | 'gone'> {
  const headers: HttpRequest['headers'] = {}
  for (const [name, value] of Object.entries(request.headers)) {
    headers[name] = Array.isArray(value) ? value.join(', ') : value
  }
  return { method: request.method ?? 'GET', url: request.url ?? '/', headers, address: addressOf(request) }
}

async function serve(
  request: IncomingMessage,
  response: ServerResponse,
  handler: TransportHandler,
): Promise<void> {
  const gone = new AbortController()
  response.once('close', () => gone.abort())
  let body = ''
  try {
    for await (const chunk of request) {
      body += chunk
      if (body.length > MAX_BODY) {
        response.writeHead(413, { connection: 'close' }).end()
        return
      }
    }
  } catch {
    // The peer went away.
    return
  }
  const answer = await handler.request({ ...headOf(request), body, gone: gone.signal })
  if (response.destroyed) return
  response.writeHead(answer.status, answer.headers)
  response.end(request.method === 'HEAD' ? undefined : answer.body)
}

function refuse(socket: Duplex, { status, headers, body }: HttpAnswer): void {
  const lines = Object.entries({ ...headers, connection: 'close', 'content-length': Buffer.byteLength(body) })
  const head = [
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}`,
    ...lines.map(([name, value]) => `${name}: ${value}`),
  ]
  socket.end(`${head.join('\r\n')}\r\n\r\n${body}`)
}

function attach(socket: WebSocket, address: string, handler: TransportHandler): void {
  const peer: Peer = {
    address,
    send: (data) => socket.send(data, { binary: false }, () => {}),
    get buffered() {
      return socket.bufferedAmount
    },
    close(code, reason) {
      socket.close(code, reason)
      const impatient = setTimeout(() => socket.terminate(), CLOSE_TIME)
      socket.once('close', () => clearTimeout(impatient))
    },
  }
  socket.on('error', () => {})
  socket.on('close', (code) => handler.closed(peer, code))
  socket.on('message', (data, binary) => handler.message(peer, binary ? '' : String(data)))
  handler.opened(peer)
}
