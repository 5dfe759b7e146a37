import { createHash, createHmac, randomBytes, timingSafeEqual } from 'node:crypto'
import { isIP } from 'node:net'
import type { HttpAnswer, HttpRequest } from './transport.js'

export interface AccessOptions {
  host: string
  token: string | undefined
  /** Whether the browser's line is protected, by us or by a proxy. */
  secure: boolean
  behindProxy: boolean
  allowOrigin: readonly string[]
  allowHost: readonly string[]
}

type Head = Pick<HttpRequest, 'headers' | 'address'>

const COOKIE = 'eventstorm_session'
/** How long a login holds. */
const SESSION = 30 * 86_400_000
/** Wrong tokens from an address, and from all, in a minute. */
const ATTEMPTS = 5
const ATTEMPTS_IN_ALL = 100
const MINUTE = 60_000

/** Whether an address is the machine's own. A name such as `127.example.org` is anybody's, and may lead anywhere. */
export const isLoopback = (host: string) =>
  host === 'localhost' || host === '::1' || (isIP(host) === 4 && host.startsWith('127.'))

/** Who may look: by Host, Origin and token. */
export class Access {
  readonly counts = { host: 0, origin: 0, token: 0, attempts: 0 }
  #options: AccessOptions
  #hosts: Set<string>
  #digest: Buffer | undefined
  /** Signs sessions. A restart logs nobody out, as it comes from the token. */
  #key: Buffer
  #attempts = new Map<string, number>()
  #minute = 0

  constructor(options: AccessOptions) {
    this.#options = options
    this.#hosts = new Set([...options.allowHost, options.host].map((name) => name.toLowerCase()))
    this.#digest = options.token === undefined ? undefined : digest(options.token)
    this.#key = this.#digest ? createHmac('sha256', this.#digest).update('session').digest() : randomBytes(32)
  }

  get required(): boolean {
    return this.#digest !== undefined
  }

  /** The browser's address. */
  addressOf({ headers, address }: Head): string {
    const last = this.#options.behindProxy ? headers['x-forwarded-for']?.split(',').at(-1)?.trim() : undefined
    return last !== undefined && isIP(last) > 0 ? last : address
  }

  /**
   * Whether the name by which the browser came is ours: a stranger's page whose name was made to lead here (DNS
   * rebinding) has another one. An address is no name and cannot be rebound.
   */
  isOurHost({ headers }: Head): boolean {
    const name = hostName(headers.host ?? '')
    const good = name !== '' && (isLoopback(name) || isIP(name) > 0 || this.#hosts.has(name))
    if (!good) this.counts.host++
    return good
  }

  /** Whether a page of that origin may connect. No origin is no browser: that needs the token, where there is one. */
  isOurOrigin({ headers }: Head): boolean {
    const { origin } = headers
    if (origin === undefined) return true
    const good = this.#options.allowOrigin.includes(origin) || this.#isSame(origin, headers.host ?? '')
    if (!good) this.counts.origin++
    return good
  }

  isAuthorized(head: Head, now: number): boolean {
    if (this.#digest === undefined) return true
    const bearer = /^Bearer (.{1,512})$/.exec(head.headers.authorization ?? '')?.[1]
    if (bearer !== undefined) return this.#try(head, bearer, now) === true
    const [, session] = new RegExp(`(?:^|; )${COOKIE}=([^;]{1,200})`).exec(head.headers.cookie ?? '') ?? []
    const good = session !== undefined && this.#isSession(session, now)
    if (!good) this.counts.token++
    return good
  }

  /** Answers the login form. */
  login(request: HttpRequest, now: number): HttpAnswer {
    const form = new URLSearchParams(request.body)
    const verdict = this.#try(request, form.get('token') ?? '', now)
    if (verdict === 'later') {
      return {
        status: 429,
        headers: { 'retry-after': '60', 'content-type': 'text/plain' },
        body: 'Too many attempts.\n',
      }
    }
    if (!verdict) return { status: 303, headers: { location: '/?login=failed' }, body: '' }
    const until = now + SESSION
    const cookie = [
      `${COOKIE}=${until}.${this.#sign(until)}`,
      `Path=/; HttpOnly; SameSite=Strict; Max-Age=${SESSION / 1000}`,
      ...(this.#options.secure ? ['Secure'] : []),
    ]
    return { status: 303, headers: { location: '/', 'set-cookie': cookie.join('; ') }, body: '' }
  }

  #isSame(origin: string, host: string): boolean {
    const parsed = URL.canParse(origin) ? new URL(origin) : undefined
    if (parsed === undefined || parsed.host !== host.toLowerCase()) {
      // Browsers leave out the port that is usual.
      const port = this.#options.secure ? ':443' : ':80'
      return parsed !== undefined && `${parsed.host}${port}` === host.toLowerCase()
    }
    return parsed.protocol === (this.#options.secure ? 'https:' : 'http:')
  }

  /** Whether that is the token; not told to who has tried too often. */
  #try(head: Head, token: string, now: number): boolean | 'later' {
    const minute = Math.floor(now / MINUTE)
    if (minute !== this.#minute) this.#attempts.clear()
    this.#minute = minute
    const address = this.addressOf(head)
    const mine = this.#attempts.get(address) ?? 0
    const all = [...this.#attempts.values()].reduce((sum, n) => sum + n, 0)
    if (mine >= ATTEMPTS || all >= ATTEMPTS_IN_ALL) {
      this.counts.attempts++
      return 'later'
    }
    if (timingSafeEqual(digest(token), this.#digest ?? digest(''))) return true
    this.#attempts.set(address, mine + 1)
    this.counts.token++
    return false
  }

  #sign(until: number): string {
    return createHmac('sha256', this.#key).update(String(until)).digest('base64url')
  }

  #isSession(session: string, now: number): boolean {
    const [until = '', signature = ''] = session.split('.')
    if (!/^\d{1,15}$/.test(until) || Number(until) < now) return false
    return timingSafeEqual(digest(signature), digest(this.#sign(Number(until))))
  }
}

/** Of one length, so that a comparison tells nothing. */
const digest = (text: string) => createHash('sha256').update(text).digest()

/** `[::1]:8080` is `::1`. */
function hostName(host: string): string {
  const bare = host.replace(/:\d{1,5}$/, '').toLowerCase()
  return bare.startsWith('[') ? bare.slice(1, -1) : bare
}
