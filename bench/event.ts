/**
 * The event that all benches send: an access-log hit of 15 fields, about 360 bytes of BSON, with its number in
 * it so that the receiver can tell that it got what was sent.
 */
export const EVENT_TYPE = 'http.hit'

const TARGETS = [
  '/',
  '/products/4711?ref=mail',
  '/assets/app-8f3c2d.js',
  '/api/v2/orders/9918/items',
  '/search?q=chair',
]
const AGENTS = [
  'Mozilla/5.0 (X11; Linux x64; rv:138.0) Gecko/20100101 Firefox/138.0',
  'Mozilla/5.0 (Macintosh; Intel Mac OS X 14_5) AppleWebKit/605.1.15',
  'curl/8.9.1',
]
const STATUS = [200, 200, 200, 304, 404, 500]

export function hit(n: number) {
  return {
    n,
    remoteAddr: `10.1.${n & 255}.${(n >> 8) & 255}`,
    remoteUser: 'frank',
    method: n % 7 === 0 ? 'POST' : 'GET',
    target: TARGETS[n % TARGETS.length]!,
    httpVersion: '1.1',
    status: STATUS[n % STATUS.length]!,
    bodyBytesSent: 512 + (n % 40_000),
    referer: 'https://shop.example/categories/garden',
    userAgent: AGENTS[n % AGENTS.length]!,
    host: 'shop.example',
    requestLength: 380 + (n % 100),
    requestTime: (n % 1000) / 1000 + 0.0005,
    upstreamAddr: '127.0.0.1:8080',
    cached: n % 3 === 0,
  }
}

export type Hit = ReturnType<typeof hit>

/** Adds up what was received, so that a wrong, missing or doubled event shows. */
export class Checksum {
  count = 0
  #numbers = 0
  #fields = 0

  add(event: Hit): void {
    this.count++
    this.#numbers += event.n
    this.#fields +=
      event.status +
      event.bodyBytesSent +
      event.target.length +
      event.userAgent.length +
      event.remoteAddr.length +
      event.requestTime
  }

  get value(): string {
    return `${this.count} events, numbers ${this.#numbers}, fields ${Math.round(this.#fields)}`
  }

  static expected(count: number): string {
    const sum = new Checksum()
    for (let n = 0; n < count; n++) sum.add(hit(n))
    return sum.value
  }
}
