import { STATUS_CODES } from 'node:http'
import { pathToFileURL } from 'node:url'
import {
  CLOSE_TIME,
  type HttpAnswer,
  type HttpRequest,
  MAX_BODY,
  type Peer,
  type Transport,
  type TransportHandler,
  type TransportOptions,
} from './transport.js'

/** The part of uWebSockets.js that is used here. */
interface Driver {
  App(): App
  SSLApp(options: { cert_file_name: string; key_file_name: string }): App
  us_listen_socket_close(socket: object): void
  us_socket_local_port(socket: object): number
}

interface App {
  any(pattern: string, handler: (response: Response, request: Request) => void): App
  ws(pattern: string, behaviour: object): App
  listen(host: string, port: number, done: (socket: object | false) => void): App
  close?(): void
}

interface Request {
  getMethod(): string
  getUrl(): string
  getQuery(): string | undefined
  getHeader(name: string): string
  forEach(call: (name: string, value: string) => void): void
}

interface Response {
  onAborted(call: () => void): void
  onData(call: (chunk: ArrayBuffer, last: boolean) => void): void
  cork(call: () => void): void
  writeStatus(status: string): Response
  writeHeader(name: string, value: string): Response
  end(body?: string | Uint8Array, closeConnection?: boolean): void
  endWithoutBody(length: number): void
  upgrade(data: object, key: string, protocol: string, extensions: string, context: object): void
  getRemoteAddressAsText(): ArrayBuffer
}

interface Socket {
  getUserData(): { address: string; peer?: UwsPeer }
  send(data: Uint8Array, binary: boolean, compress: boolean): number
  getBufferedAmount(): number
  end(code: number, reason: string): void
  close(): void
}

/** Loads the driver by its name, or from a path. @throws when it is not installed or its binary does not load */
export async function loadUws(from = 'uWebSockets.js'): Promise<Driver> {
  const module = await import(from.startsWith('/') ? pathToFileURL(from).href : from)
  const driver = (module.App ? module : module.default) as Driver
  if (typeof driver?.App !== 'function') throw new Error(`${from} is not uWebSockets.js`)
  return driver
}

/** uWebSockets.js with the server that it brings. */
export class UwsTransport implements Transport {
  readonly name = 'uWebSockets.js'
  refused = 0
  #driver: Driver
  #listening: object | undefined
  #peers = new Set<UwsPeer>()
  #app: App | undefined

  constructor(driver: Driver) {
    this.#driver = driver
  }

  async listen(options: TransportOptions, handler: TransportHandler): Promise<{ port: number }> {
    const { tls, host, port } = options
    const app = tls
      ? this.#driver.SSLApp({ cert_file_name: tls.cert, key_file_name: tls.key })
      : this.#driver.App()
    this.#app = app
    app.ws('/*', {
      maxPayloadLength: options.maxMessage,
      // What waits is bounded by credit; this is for what is beyond it.
      maxBackpressure: 16 * 1024 * 1024,
      idleTimeout: 120,
      sendPingsAutomatically: false,
      compression: 0,
      upgrade: (response: Response, request: Request, context: object) =>
        this.#upgrade(response, request, context, options, handler),
      open: (socket: Socket) => {
        const data = socket.getUserData()
        const peer = new UwsPeer(socket, data.address)
        data.peer = peer
        this.#peers.add(peer)
        handler.opened(peer)
      },
      message: (socket: Socket, message: ArrayBuffer, binary: boolean) => {
        const { peer } = socket.getUserData()
        if (peer) handler.message(peer, binary ? '' : Buffer.from(message).toString())
      },
      close: (socket: Socket, code: number) => {
        const { peer } = socket.getUserData()
        if (peer === undefined) return
        peer.gone()
        this.#peers.delete(peer)
        handler.closed(peer, code)
      },
    })
    app.any('/*', (response, request) => this.#serve(response, request, handler))
    const listening = await new Promise<object | false>((resolve) => app.listen(host, port, resolve))
    if (!listening)
      throw Object.assign(new Error(`listen EADDRINUSE: ${host}:${port}`), { code: 'EADDRINUSE' })
    this.#listening = listening
    return { port: this.#driver.us_socket_local_port(listening) }
  }

  async close(): Promise<void> {
    if (this.#listening) this.#driver.us_listen_socket_close(this.#listening)
    this.#listening = undefined
    for (const peer of [...this.#peers]) peer.drop()
    this.#app?.close?.()
    this.#app = undefined
  }

  #upgrade(
    response: Response,
    request: Request,
    context: object,
    { subprotocol }: TransportOptions,
    handler: TransportHandler,
  ): void {
    const head = headOf(response, request)
    const key = request.getHeader('sec-websocket-key')
    const offered = request.getHeader('sec-websocket-protocol').split(/\s*,\s*/)
    const extensions = request.getHeader('sec-websocket-extensions')
    const verdict = handler.upgrade(head)
    if ('refusal' in verdict) write(response, verdict.refusal, false, true)
    else {
      const protocol = offered.includes(subprotocol) ? subprotocol : ''
      response.upgrade({ address: verdict.address }, key, protocol, extensions, context)
    }
  }

  #serve(response: Response, request: Request, handler: TransportHandler): void {
    // The request is gone when this function returns.
    const head = headOf(response, request)
    const gone = new AbortController()
    let body = ''
    response.onAborted(() => gone.abort())
    response.onData((chunk, last) => {
      if (gone.signal.aborted) return
      body += Buffer.from(chunk).toString()
      if (body.length > MAX_BODY) {
        gone.abort()
        write(response, { status: 413, headers: {}, body: '' }, false, true)
        return
      }
      if (!last) return
      void handler.request({ ...head, body, gone: gone.signal }).then((answer) => {
        if (!gone.signal.aborted) response.cork(() => write(response, answer, head.method === 'HEAD'))
      })
    })
  }
}

class UwsPeer implements Peer {
  readonly address: string
  #socket: Socket | undefined

  constructor(socket: Socket, address: string) {
    this.#socket = socket
    this.address = address
  }

  send(data: Buffer): void {
    this.#socket?.send(data, false, false)
  }

  get buffered(): number {
    return this.#socket?.getBufferedAmount() ?? 0
  }

  close(code: number, reason: string): void {
    this.#socket?.end(code, reason)
    setTimeout(() => this.drop(), CLOSE_TIME).unref()
  }

  drop(): void {
    this.#socket?.close()
  }

  /** A closed socket throws at whoever touches it. */
  gone(): void {
    this.#socket = undefined
  }
}

function headOf(response: Response, request: Request): Omit<HttpRequest, 'body' | 'gone'> {
  const headers: HttpRequest['headers'] = {}
  request.forEach((name, value) => {
    headers[name] = value
  })
  const query = request.getQuery()
  const address = Buffer.from(response.getRemoteAddressAsText()).toString()
  return {
    method: request.getMethod().toUpperCase(),
    url: query ? `${request.getUrl()}?${query}` : request.getUrl(),
    headers,
    address: address.replace(/^(0000:){5}ffff:/i, ''),
  }
}

function write(
  response: Response,
  { status, headers, body }: HttpAnswer,
  headOnly: boolean,
  close = false,
): void {
  response.writeStatus(`${status} ${STATUS_CODES[status]}`)
  for (const [name, value] of Object.entries(headers)) {
    // It counts the bytes itself.
    if (name !== 'content-length') response.writeHeader(name, value)
  }
  if (headOnly) response.endWithoutBody(Buffer.byteLength(body))
  else response.end(body, close)
}
