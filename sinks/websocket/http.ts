import { createHash } from 'node:crypto'
import { promisify } from 'node:util'
import { gzip } from 'node:zlib'
import type { Asker } from '../../lib/ask/index.js'
import { replyTo } from '../../lib/ask/index.js'
import { EventstormError, reason } from '../../lib/index.js'
import type { Access } from './access.js'
import type { Aggregates } from './aggregates.js'
import type { Assets } from './assets.js'
import { history, historyQuestion } from './history.js'
import type { Failure, Rows, ServerStatus, Session } from './protocol.js'
import type { Recent } from './recent.js'
import type { Secrets } from './secrets.js'
import type { HttpAnswer, HttpRequest } from './transport.js'

const compress = promisify(gzip)

/** Answers of some size in the making, of one address and in all. */
const AT_ONCE = 10
const AT_ONCE_IN_ALL = 20
/** Below it a compressed answer is no shorter. */
const WORTH_GZIP = 1000

/** What every answer says, so that a browser does nothing with it but what the page needs. */
export const SECURITY_HEADERS: Record<string, string> = {
  'content-security-policy': [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "img-src 'self' data: blob:",
    "connect-src 'self'",
    "form-action 'self'",
    "base-uri 'none'",
    "frame-ancestors 'none'",
    "require-trusted-types-for 'script'",
    "trusted-types 'none'",
  ].join('; '),
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
  // With no-referrer at all the login form would come with `Origin: null`.
  'referrer-policy': 'same-origin',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'permissions-policy': 'camera=(), microphone=(), geolocation=()',
}

export interface HttpParts {
  access: Access
  aggregates: Aggregates
  recent: Recent
  assets: Assets
  asker: Asker | undefined
  epoch: number
  now(): number
  status(): ServerStatus
  /** Series in an answer at most. */
  maxSeries: number
}

/** Everything but WebSockets. */
export class HttpSide {
  readonly counts = { requests: 0, refused: 0, busy: 0 }
  #parts: HttpParts
  #busy = new Map<string, number>()
  #busyInAll = 0

  constructor(parts: HttpParts) {
    this.#parts = parts
  }

  async answer(request: HttpRequest): Promise<HttpAnswer> {
    this.counts.requests++
    let answer: HttpAnswer
    try {
      answer = await this.#route(request)
    } catch (error) {
      // What nobody meant to throw may tell of things that are no business of a stranger.
      const known = error instanceof EventstormError
      answer = failure(
        known ? 400 : 500,
        known ? error.code : 'INTERNAL',
        known ? reason(error) : 'it failed',
      )
    }
    if (answer.status >= 400) this.counts.refused++
    return { ...answer, headers: { 'cache-control': 'no-store', ...SECURITY_HEADERS, ...answer.headers } }
  }

  async #route(request: HttpRequest): Promise<HttpAnswer> {
    const { access, assets } = this.#parts
    const url = new URL(request.url.startsWith('/') ? `http://localhost${request.url}` : 'http://localhost/-')
    const { pathname } = url
    const now = this.#parts.now()
    // Whoever watches the process has no name for it and no token; nor does it learn anything.
    if (pathname === '/healthz')
      return { status: 200, headers: { 'content-type': 'text/plain' }, body: 'ok\n' }
    if (!access.isOurHost(request)) {
      return failure(
        403,
        'HOST',
        'this name leads here by mistake; use localhost, the address, or --allow-host',
      )
    }
    if (!access.isOurOrigin(request)) return failure(403, 'ORIGIN', 'pages of that origin may not ask')
    if (pathname === '/api/session') return this.#session(request, now)
    if (request.method !== 'GET' && request.method !== 'HEAD') return failure(405, 'METHOD', 'expected GET')
    if (pathname === '/' && !access.isAuthorized(request, now))
      return loginForm(url.searchParams.has('login'))
    // The other files of the page tell nothing.
    const asset = pathname.startsWith('/api/') ? undefined : await assets.at(pathname)
    if (asset) return asset
    if (!pathname.startsWith('/api/') && pathname !== '/metrics')
      return failure(404, 'NOT_FOUND', 'nothing is here')
    if (!access.isAuthorized(request, now))
      return failure(401, 'TOKEN', 'log in first, or send Authorization: Bearer')
    return this.#bounded(request, () => this.#api(pathname, url.searchParams, request, now))
  }

  #session(request: HttpRequest, now: number): HttpAnswer {
    const { access } = this.#parts
    if (request.method === 'POST') return access.login(request, now)
    const session: Session = { required: access.required, authorized: access.isAuthorized(request, now) }
    return json(session)
  }

  async #api(path: string, query: URLSearchParams, request: HttpRequest, now: number): Promise<HttpAnswer> {
    const { aggregates, recent, asker, epoch, maxSeries } = this.#parts
    switch (path) {
      case '/api/history': {
        const question = historyQuestion(query, now)
        const answer = history(aggregates, question, { epoch, now, limit: maxSeries })
        return tagged(
          await packed(request, JSON.stringify(answer)),
          request,
          JSON.stringify({ ...answer, now: 0 }),
        )
      }
      case '/api/rows': {
        const match = query.getAll('match').slice(0, 64)
        const limit = Math.min(1000, Math.max(1, Math.floor(Number(query.get('limit') ?? 200)) || 200))
        const rows = recent.rows(match.length > 0 ? match : ['**'], limit)
        const head: Rows = { epoch, now, rows: [] }
        return packed(request, `${JSON.stringify(head).slice(0, -2)}${rows.join(',')}]}`)
      }
      case '/api/status':
        return json(this.#parts.status())
      case '/metrics':
        return {
          status: 200,
          headers: { 'content-type': 'text/plain; version=0.0.4' },
          body: metrics(this.#parts.status()),
        }
      case '/api/query':
        if (asker === undefined) return failure(404, 'NO_STORE', 'no store is configured; see --store')
        return askStore(asker, query, request, aggregates.secrets)
      default:
        return failure(404, 'NOT_FOUND', 'nothing is here')
    }
  }

  /** Answers cost something; one address cannot have all of it. */
  async #bounded(request: HttpRequest, make: () => Promise<HttpAnswer>): Promise<HttpAnswer> {
    const address = this.#parts.access.addressOf(request)
    const mine = this.#busy.get(address) ?? 0
    if (mine >= AT_ONCE || this.#busyInAll >= AT_ONCE_IN_ALL) {
      this.counts.busy++
      const busy = failure(429, 'BUSY', 'too many requests at once; ask again in a second')
      return { ...busy, headers: { ...busy.headers, 'retry-after': '1' } }
    }
    this.#busy.set(address, mine + 1)
    this.#busyInAll++
    try {
      return await make()
    } finally {
      this.#busyInAll--
      const left = this.#busy.get(address)! - 1
      if (left > 0) this.#busy.set(address, left)
      else this.#busy.delete(address)
    }
  }
}

/** A question to the store, whose events hold what nobody may see; neither may it be asked for. */
async function askStore(
  asker: Asker,
  query: URLSearchParams,
  request: HttpRequest,
  secrets: Secrets,
): Promise<HttpAnswer> {
  const fields = [
    ...query.getAll('by'),
    ...query.getAll('where').map((text) => text.split(/[=!<>]/)[0]!),
    ...query.getAll('measure').map((text) => /\((.*)\)$/.exec(text)?.[1] ?? ''),
  ]
  const secret = fields.find((field) => field.split('.').some((name) => secrets.has(name.trim())))
  if (secret !== undefined) return failure(403, 'FIELD_HIDDEN', `values of ${secret} never leave this server`)
  const reply = await replyTo(asker, query, request.gone)
  if (reply.status !== 200) return reply
  const { rows, ...rest } = JSON.parse(reply.body)
  return { ...reply, ...(await packed(request, JSON.stringify({ ...rest, rows: secrets.hide(rows) }))) }
}

/** Shown instead of the page to who has not logged in; it works without script and style. */
function loginForm(failed: boolean): HttpAnswer {
  const body = `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>Eventstorm: log in</title></head>
<body><main><h1>Eventstorm</h1>${failed ? '<p role="alert">That was not the token.</p>' : ''}
<form method="post" action="/api/session"><p><label>Token <input type="password" name="token"
autocomplete="current-password" required autofocus></label> <button>Log in</button></p></form></main></body></html>
`
  return { status: 401, headers: { 'content-type': 'text/html; charset=utf-8' }, body }
}

const JSON_TYPE = { 'content-type': 'application/json; charset=utf-8' }

const json = (value: object): HttpAnswer => ({ status: 200, headers: JSON_TYPE, body: JSON.stringify(value) })

export function failure(status: number, code: string, message: string): HttpAnswer {
  const body: Failure = { error: { code, message } }
  return { status, headers: JSON_TYPE, body: `${JSON.stringify(body)}\n` }
}

async function packed(request: HttpRequest, body: string): Promise<HttpAnswer> {
  const headers = { ...JSON_TYPE, vary: 'accept-encoding' }
  const takesGzip = /\bgzip\b/.test(request.headers['accept-encoding'] ?? '')
  if (!takesGzip || body.length < WORTH_GZIP) return { status: 200, headers, body }
  return {
    status: 200,
    headers: { ...headers, 'content-encoding': 'gzip' },
    body: await compress(body, { level: 5 }),
  }
}

/** With an ETag by `content`, and without the body when the browser has it already. */
function tagged(answer: HttpAnswer, request: HttpRequest, content: string): HttpAnswer {
  const etag = `W/"${createHash('sha256').update(content).digest('base64url').slice(0, 22)}"`
  const headers = { ...answer.headers, etag, 'cache-control': 'no-cache, private' }
  if (request.headers['if-none-match'] !== etag) return { ...answer, headers }
  return { status: 304, headers: { etag, 'cache-control': 'no-cache, private' }, body: '' }
}

/** The sink's own numbers in Prometheus's text format. */
function metrics({ counters, bounds }: ServerStatus): string {
  const lines: string[] = []
  for (const [name, value] of Object.entries(counters)) {
    const metric = `eventstorm_websocket_${name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)}`
    if (typeof value === 'number') lines.push(`${metric} ${value}`)
    else for (const [label, n] of Object.entries(value)) lines.push(`${metric}{reason="${label}"} ${n}`)
  }
  for (const { name, used, limit } of bounds) {
    lines.push(
      `eventstorm_websocket_used{bound="${name}"} ${used}`,
      `eventstorm_websocket_limit{bound="${name}"} ${limit}`,
    )
  }
  return `${lines.join('\n')}\n`
}
