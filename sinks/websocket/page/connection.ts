import type { ClientFrame, ServerFrame } from '../protocol.js'
import { CLOSE, SUBPROTOCOL } from '../protocol.js'

export type ConnectionState = 'connecting' | 'open' | 'waiting' | 'refused'

export interface ConnectionEvents {
  onFrame(frame: ServerFrame): void
  onState(state: ConnectionState, reason: string): void
}

const FIRST_DELAY = 500
const LONGEST_DELAY = 30_000
const TRIES_UNSEEN = 12
const PING_EVERY = 20_000
/** After these the server does not want to see this page again. */
const FINAL: number[] = [CLOSE.malformed, CLOSE.tooBig, CLOSE.unauthorized]

/**
 * A WebSocket that comes back by itself: after a random time up to a limit that doubles with every failure, so that
 * many browsers do not come back at once.
 */
export class Connection {
  state: ConnectionState = 'connecting'
  /** The server's clock minus ours, milliseconds, from the ping with the shortest way. */
  offset = 0
  #socket: WebSocket | undefined
  #url: string
  #events: ConnectionEvents
  #failures = 0
  #least: number | undefined
  #final = false
  #roundTrip = Number.POSITIVE_INFINITY
  #retry = 0
  #ping = 0

  constructor(url: string, events: ConnectionEvents) {
    this.#url = url
    this.#events = events
    addEventListener('online', () => this.reconnect())
  }

  get buffered(): number {
    return this.#socket?.bufferedAmount ?? 0
  }

  open(): void {
    clearTimeout(this.#retry)
    this.#set('connecting', '')
    const socket = new WebSocket(this.#url, SUBPROTOCOL)
    this.#socket = socket
    this.#roundTrip = Number.POSITIVE_INFINITY
    socket.onopen = () => {
      this.#ping = setInterval(() => this.#sendPing(), PING_EVERY) as unknown as number
      this.#sendPing()
    }
    socket.onmessage = ({ data }) => this.#receive(data)
    socket.onclose = ({ code, reason }) => this.#closed(code, reason)
  }

  /** Now rather than later, when it waits. */
  reconnect(): void {
    if (this.state === 'waiting') this.open()
  }

  send(frame: ClientFrame): void {
    if (this.#socket?.readyState === WebSocket.OPEN) this.#socket.send(JSON.stringify(frame))
  }

  #receive(text: unknown): void {
    if (typeof text !== 'string') return
    let frame: ServerFrame
    try {
      frame = JSON.parse(text)
    } catch {
      return
    }
    switch (frame.f) {
      case 'hello':
        this.#failures = 0
        this.#least = undefined
        this.offset = frame.now - Date.now()
        this.#set('open', '')
        break
      case 'pong': {
        const trip = Date.now() - frame.c
        if (trip <= this.#roundTrip) {
          this.#roundTrip = trip
          this.offset = frame.now - (frame.c + trip / 2)
        }
        return
      }
      case 'bye':
        this.#least = frame.retry
        this.#final = frame.retry === undefined
        break
    }
    this.#events.onFrame(frame)
  }

  #sendPing(): void {
    this.send({ f: 'ping', c: Date.now() })
  }

  #closed(code: number, reason: string): void {
    clearInterval(this.#ping)
    if (this.#final || FINAL.includes(code)) {
      this.#set('refused', reason || `closed with ${code}`)
      return
    }
    const most = Math.min(LONGEST_DELAY, FIRST_DELAY * 2 ** this.#failures++)
    const delay = (this.#least ?? (code === CLOSE.tooFast ? 60_000 : 0)) + Math.random() * most
    this.#set('waiting', reason)
    this.#retry = setTimeout(() => {
      // In a tab that nobody looks at it gives up after a while, until somebody does.
      if (!document.hidden || this.#failures < TRIES_UNSEEN) this.open()
    }, delay) as unknown as number
  }

  #set(state: ConnectionState, reason: string): void {
    this.state = state
    this.#events.onState(state, reason)
  }
}
