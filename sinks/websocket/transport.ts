/**
 * What carries the sink's HTTP and WebSockets. Two can: `ws` on Node's own server, and uWebSockets.js, which brings a
 * server of its own; so HTTP goes through here too.
 */

/** A request, read and bounded. */
export interface HttpRequest {
  method: string
  /** Path and query as they came. */
  url: string
  /** Names in lower case. */
  headers: Record<string, string | undefined>
  /** Address of the peer. */
  address: string
  body: string
  /** Aborts when the peer went away. */
  gone: AbortSignal
}

export interface HttpAnswer {
  status: number
  headers: Record<string, string>
  body: string | Uint8Array
}

/** The server's end of one WebSocket. */
export interface Peer {
  /** Of the browser, as `upgrade` has said. */
  readonly address: string
  /** Sends a text frame; the bytes must not change any more. Of a peer that is gone: nothing. */
  send(data: Buffer): void
  /** Bytes that wait in this process. */
  readonly buffered: number
  /** Says goodbye, and drops the line if the other side does not answer. */
  close(code: number, reason: string): void
}

/** What the transport calls; nothing of it throws. */
export interface TransportHandler {
  request(request: HttpRequest): Promise<HttpAnswer>
  /** Whether a WebSocket may begin, and what its peer's `address` is then. It may fail to begin all the same. */
  upgrade(request: Omit<HttpRequest, 'body' | 'gone'>): { refusal: HttpAnswer } | { address: string }
  opened(peer: Peer): void
  message(peer: Peer, text: string): void
  closed(peer: Peer, code: number): void
}

export interface TransportOptions {
  host: string
  port: number
  /** Paths of files in PEM. */
  tls: { cert: string; key: string } | undefined
  subprotocol: string
  /** Longest message of a client, bytes. */
  maxMessage: number
  /** Connections of any kind at once. */
  maxConnections: number
}

export interface Transport {
  readonly name: string
  /** @throws whatever keeps it from listening */
  listen(options: TransportOptions, handler: TransportHandler): Promise<{ port: number }>
  /** Connections that were turned away because there were too many. */
  readonly refused: number
  /** Stops listening and drops what is left. */
  close(): Promise<void>
}

/** Time for a request's headers, and for all of it, milliseconds. */
export const HEADERS_TIME = 5000
export const REQUEST_TIME = 10_000
/** Longest body of a request, bytes. */
export const MAX_BODY = 4096
/** How long a peer has to answer a goodbye. */
export const CLOSE_TIME = 2000
