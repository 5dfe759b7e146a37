import type { Clock } from '../../lib/index.js'
import type { Access } from './access.js'
import { failure, SECURITY_HEADERS } from './http.js'
import type { Hub } from './hub.js'
import { SUBPROTOCOL } from './protocol.js'
import type { HttpRequest, Peer } from './transport.js'

/** Who may open a WebSocket, and how many. */
export class WebSockets {
  readonly counts = { crowded: 0, protocol: 0 }
  #hub: Hub
  #access: Access
  #clock: Clock
  #maxClients: number
  #maxPerAddress: number
  /** Browsers by address. */
  #addresses = new Map<string, number>()
  #peers = new Set<Peer>()

  constructor(
    hub: Hub,
    access: Access,
    clock: Clock,
    { maxClients, maxClientsPerAddress }: { maxClients: number; maxClientsPerAddress: number },
  ) {
    this.#hub = hub
    this.#access = access
    this.#clock = clock
    this.#maxClients = maxClients
    this.#maxPerAddress = maxClientsPerAddress
  }

  /** Lets it in, or not; the transport calls `opened` next, when the rest is right too. */
  upgrade(request: Omit<HttpRequest, 'body' | 'gone'>) {
    if (!this.#access.isOurHost(request)) return refusal(403, 'HOST', 'this name leads here by mistake')
    if (!this.#access.isOurOrigin(request))
      return refusal(403, 'ORIGIN', 'pages of that origin may not connect')
    if (!this.#access.isAuthorized(request, this.#clock.now())) return refusal(401, 'TOKEN', 'log in first')
    const offered = (request.headers['sec-websocket-protocol'] ?? '').split(/\s*,\s*/)
    if (request.url.split('?')[0] !== '/ws' || !offered.includes(SUBPROTOCOL)) {
      this.counts.protocol++
      return refusal(400, 'PROTOCOL', `expected a WebSocket on /ws with the subprotocol ${SUBPROTOCOL}`)
    }
    const address = this.#access.addressOf(request)
    const mine = this.#addresses.get(address) ?? 0
    if (this.#peers.size >= this.#maxClients || mine >= this.#maxPerAddress) {
      this.counts.crowded++
      return refusal(503, 'CROWDED', 'too many browsers are connected', { 'retry-after': '30' })
    }
    return { address }
  }

  opened(peer: Peer): void {
    const { address } = peer
    this.#peers.add(peer)
    this.#addresses.set(address, (this.#addresses.get(address) ?? 0) + 1)
    this.#hub.opened(peer, this.#clock.now())
  }

  closed(peer: Peer): void {
    const { address } = peer
    if (!this.#peers.delete(peer)) return
    const left = this.#addresses.get(address)! - 1
    if (left > 0) this.#addresses.set(address, left)
    else this.#addresses.delete(address)
    this.#hub.closed(peer)
  }
}

function refusal(status: number, code: string, message: string, more: Record<string, string> = {}) {
  const answer = failure(status, code, message)
  return { refusal: { ...answer, headers: { ...SECURITY_HEADERS, ...answer.headers, ...more } } }
}
