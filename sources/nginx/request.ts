/** What a request line says. */
export interface RequestLine {
  method: string
  /** The request target as it was sent. */
  target: string
  httpVersion: string
}

/** The characters of a method: `token` of RFC 9110, section 5.6.2. */
const TOKEN = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/

/**
 * Takes a request line apart: method, target and version with single spaces between (RFC 9112, section 3), or
 * HTTP/0.9's `GET /path`. A target with spaces in it, which older nginx let pass, counts as malformed.
 *
 * @returns undefined when it is malformed
 */
export function parseRequestLine(request: string): RequestLine | undefined {
  const first = request.indexOf(' ')
  if (first <= 0) return undefined
  const last = request.indexOf(' ', first + 1)
  const method = request.slice(0, first)
  if (last < 0) {
    const target = request.slice(first + 1)
    return method === 'GET' && target.startsWith('/') ? { method, target, httpVersion: '0.9' } : undefined
  }
  if (last === first + 1 || !request.startsWith('HTTP/', last + 1)) return undefined
  const httpVersion = request.slice(last + 6)
  const isVersion = httpVersion === '1.1' || httpVersion === '2.0' || /^\d(\.\d)?$/.test(httpVersion)
  if (!isVersion || !(method === 'GET' || method === 'POST' || TOKEN.test(method))) return undefined
  return { method, target: request.slice(first + 1, last), httpVersion }
}

/** Path and query of a target: `/a?b`, `http://host/a?b`; neither for `*` and `host:port`. Nothing is decoded. */
export function splitTarget(target: string): { path?: string; query?: string } {
  let start = 0
  if (!target.startsWith('/')) {
    const scheme = /^[A-Za-z][A-Za-z0-9+.-]*:\/\/[^/?]*/.exec(target)
    if (scheme === null) return {}
    start = scheme[0].length
  }
  const mark = target.indexOf('?', start)
  const path = target.slice(start, mark < 0 ? undefined : mark) || '/'
  return mark < 0 ? { path } : { path, query: target.slice(mark + 1) }
}
