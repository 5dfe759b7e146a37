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

/** Objects that are at hand, as an application has them: to make one is no part of what is measured. */
export const POOL = 1000
const pool: Hit[] = []

/** The n-th event of a bench that sends what is at hand: `hit(n % POOL)` with its own number. Good until the next call. */
export function pooledHit(n: number): Hit {
  if (pool.length === 0) for (let i = 0; i < POOL; i++) pool.push(hit(i))
  const event = pool[n % POOL]!
  event.n = n
  return event
}

/** How much of each event a receiver looks at: every field, two of them, or its number in the bytes. */
export type Look = 'all' | 'two' | 'number'

/** Adds up what was received, so that a wrong, missing or doubled event shows. */
export class Checksum {
  count = 0
  #numbers = 0
  #fields = 0

  /** All fifteen fields are read. */
  add(event: Hit): void {
    this.count++
    this.#numbers += event.n
    this.#fields +=
      event.status +
      event.bodyBytesSent +
      event.target.length +
      event.userAgent.length +
      event.remoteAddr.length +
      event.requestTime +
      event.remoteUser.length +
      event.method.length +
      event.httpVersion.length +
      event.referer.length +
      event.host.length +
      event.requestLength +
      event.upstreamAddr.length +
      (event.cached ? 1 : 0)
  }

  addTwo({ n, status }: Pick<Hit, 'n' | 'status'>): void {
    this.count++
    this.#numbers += n
    this.#fields += status
  }

  addNumber(n: number): void {
    this.count++
    this.#numbers += n
  }

  get value(): string {
    return `${this.count} events, numbers ${this.#numbers}, fields ${Math.round(this.#fields)}`
  }

  static expected(count: number, look: Look = 'all', make = hit): string {
    const sum = new Checksum()
    for (let n = 0; n < count; n++) {
      if (look === 'all') sum.add(make(n))
      else if (look === 'two') sum.addTwo(make(n))
      else sum.addNumber(n)
    }
    return sum.value
  }
}
