import { readFile } from 'node:fs/promises'
import {
  defineSink,
  EventstormError,
  isTypeName,
  level,
  readHint,
  reason,
  show,
  type TypeHint,
  total,
} from '../../lib/index.js'
import { isLoopback } from './access.js'
import { LiveSink } from './live-sink.js'
import { options, type WebsocketOptions } from './options.js'

const refuse = (message: string) => new EventstormError('OPTIONS_INVALID', message)

/** What no schema can say: a door to the network has a lock. */
function checkDoor({ host, tokenFile, tlsCert, tlsKey, behindProxy }: WebsocketOptions): void {
  if ((tlsCert === undefined) !== (tlsKey === undefined))
    throw refuse('tlsCert and tlsKey: expected both or none')
  if (isLoopback(host) && !behindProxy) return
  const where = behindProxy ? 'behind a proxy' : `on ${host}, which others can reach`
  if (tokenFile === undefined)
    throw refuse(`tokenFile: it is needed ${where}; put a token of 16 characters or more into a file`)
  if (!behindProxy && tlsCert === undefined) {
    throw refuse(
      `tlsCert and tlsKey: they are needed ${where}; or behindProxy, when a proxy in front does the TLS`,
    )
  }
}

function readHints(given: WebsocketOptions['hints'] = {}): Record<string, TypeHint> {
  const hints: Record<string, TypeHint> = {}
  for (const [type, hint] of Object.entries(given)) {
    const good = isTypeName(type) ? readHint(hint) : undefined
    if (good === undefined)
      throw refuse(`hints: expected a hint such as {"title":"Requests"} for ${show(type)}`)
    hints[type] = good
  }
  return hints
}

/** @throws FILE_UNREADABLE, OPTIONS_INVALID */
async function readToken(path: string | undefined): Promise<string | undefined> {
  if (path === undefined) return undefined
  let token: string
  try {
    token = (await readFile(path, 'utf8')).trim()
  } catch (error) {
    throw new EventstormError(
      'FILE_UNREADABLE',
      `expected the token in ${path}, got: ${reason(error)}`,
      error,
    )
  }
  if (token.length >= 16) return token
  throw refuse(`tokenFile: expected 16 characters or more in ${path}, got ${token.length}`)
}

/** Shows events live in browsers. */
export default defineSink({
  name: 'websocket',
  summary: 'Shows events live in browsers, as graphs that need no configuration.',
  options,
  counters: {
    browsers: level('Browsers that are connected.'),
    browsersOpened: total('Browsers that have connected.'),
    ticksSent: total('Ticks sent: what is new in a view, for one browser.'),
    ticksSkipped: total('Ticks that a browser was too slow for.'),
    tickBytes: total('Bytes of the ticks sent.'),
    browsersRefused: total('Browsers turned away or disconnected, by why.'),
    httpRequests: total('Requests over HTTP.'),
    httpRequestsRefused: total('Requests over HTTP that were answered with an error.'),
    notKept: total('What a bound left out of the graphs, by the bound.'),
  },
  // A burst is short, and the bytes of the queue are bounded too.
  defaults: { queueEvents: 1_000_000 },
  create(given) {
    checkDoor(given)
    const hints = readHints(given.hints)
    return new LiveSink(given, hints, () => readToken(given.tokenFile))
  },
})
