import type { IncomingMessage, ServerResponse } from 'node:http'
import { codeOf, EventstormError, reason } from '../errors.js'
import { listOptions } from '../options.js'
import { type Asker, INVALID, type Question } from './asker.js'
import { queryOptions } from './query.js'

/** What an answer, or the lack of one, looks like. */
export interface QueryReply {
  status: 200 | 400 | 405 | 429 | 500 | 503 | 504
  headers: Record<string, string>
  /** JSON: `{columns, rows, truncated}`, or `{error: {code, message}}`. */
  body: string
}

const OPTIONS = new Map(listOptions(queryOptions).map((option) => [option.name, option]))

/**
 * A question from the parameters of a URL, which have the names of the flags; lists by repetition:
 * `type=http.hit&every=1m&measure=count&measure=p99(ms)`.
 *
 * @throws QUERY_INVALID
 */
export function questionOf(parameters: URLSearchParams): Question {
  const question: Record<string, unknown> = {}
  for (const name of new Set(parameters.keys())) {
    const values = parameters.getAll(name)
    const kind = OPTIONS.get(name)?.kind
    if (kind !== 'list' && values.length > 1) {
      throw new EventstormError('QUERY_INVALID', `${name}: expected it once, got it ${values.length} times`)
    }
    const [value] = values as [string]
    if (kind === 'list') question[name] = values
    else question[name] = kind === 'number' && /^-?\d{1,15}$/.test(value) ? Number(value) : value
  }
  return question
}

/** Answers a question in HTTP's terms; never throws. For servers that are not Node's. */
export async function replyTo(
  asker: Asker,
  parameters: URLSearchParams,
  signal?: AbortSignal,
): Promise<QueryReply> {
  try {
    return reply(200, await asker.ask(questionOf(parameters), signal))
  } catch (error) {
    // What nobody meant to throw may tell of things that are no business of a stranger.
    const code = codeOf(error)
    if (code === undefined) {
      return reply(500, { error: { code: 'INTERNAL', message: 'the question failed' } })
    }
    const status = INVALID.has(code) ? 400 : code === 'BUSY' ? 429 : code === 'TIMEOUT' ? 504 : 503
    return reply(
      status,
      { error: { code, message: reason(error) } },
      status === 429 || status === 503 ? { 'retry-after': '1' } : {},
    )
  }
}

/** Answers one request of `node:http` (or https), whatever its path is. Resolves when it is answered; never rejects. */
export async function serveQuery(
  asker: Asker,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const gone = new AbortController()
  response.once('close', () => gone.abort(new EventstormError('CLOSED', 'the client went away')))
  let answer: QueryReply
  if (request.method !== 'GET') {
    const message = `expected GET, got ${request.method}`
    answer = reply(405, { error: { code: 'QUERY_INVALID', message } }, { allow: 'GET' })
  } else {
    // What stands before the question may be no URL at all.
    const [, query = ''] = /\?(.*)/s.exec(request.url ?? '') ?? []
    answer = await replyTo(asker, new URLSearchParams(query.replace(/#.*/s, '')), gone.signal)
  }
  if (!response.destroyed) response.writeHead(answer.status, answer.headers).end(answer.body)
}

function reply(status: QueryReply['status'], body: object, more: Record<string, string> = {}): QueryReply {
  const headers = {
    'content-type': 'application/json; charset=utf-8',
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
    ...more,
  }
  return { status, headers, body: `${JSON.stringify(body)}\n` }
}
