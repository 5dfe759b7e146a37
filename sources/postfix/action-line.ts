import { addressEnd, type Peer, peerEnd, readPeer } from './peer.js'

/** What Postfix or a milter did with a client's command or with the content of a message. */
export interface ActionLine {
  kind: 'action'
  /** `reject`, `milter-reject`, `reject_warning`, `hold`, `discard`, `filter` and so on. */
  action: string
  /** The command at which it happened: `RCPT`, `END-OF-MESSAGE`. */
  stage?: string
  /** The part of the message that a check of content found: `header`, `body`. */
  part?: string
  client?: Peer
  /** The code of the answer. */
  code?: number
  /** The status code of RFC 3463. */
  enhancedCode?: string
  /** The text of the answer, or of what was found. */
  reason: string
  from?: string
  to?: string
  protocol?: string
  helo?: string
  saslMethod?: string
  saslUsername?: string
  saslSender?: string
  /** What a check of content says about it. */
  explanation?: string
}

const ACTIONS = new Set([
  ...['reject', 'reject_warning', 'milter-reject', 'proxy-reject', 'proxy-accept', 'warn', 'warning', 'info'],
  ...[
    'hold',
    'milter-hold',
    'discard',
    'milter-discard',
    'filter',
    'redirect',
    'prepend',
    'replace',
    'strip',
  ],
  ...['permit', 'bcc', 'delay', 'pass', 'milter-quarantine', 'milter-shutdown'],
])

/** The actions that refuse something. */
const REJECTS = new Set(['reject', 'milter-reject', 'proxy-reject'])

/** Whether something was refused. */
export function isRejection(line: ActionLine): boolean {
  return REJECTS.has(line.action)
}

const KEYS: Record<
  string,
  'from' | 'to' | 'protocol' | 'helo' | 'saslMethod' | 'saslUsername' | 'saslSender'
> = {
  from: 'from',
  to: 'to',
  proto: 'protocol',
  helo: 'helo',
  sasl_method: 'saslMethod',
  sasl_username: 'saslUsername',
  sasl_sender: 'saslSender',
}

const LESS = 60
const COMMA = 44
const SPACE = 32

/** Where `; from=<a> to=<b> proto=SMTP helo=<c>` begins; the length of the text when it does not. */
function tailStart(text: string, from: number): number {
  for (const first of ['; from=<', '; to=<', '; proto=']) {
    const found = text.lastIndexOf(first)
    if (found >= from) return found
  }
  return text.length
}

/** Reads the keys at the end into `line`; postscreen sets commas between them. */
function readTail(text: string, from: number, line: ActionLine): void {
  let at = from
  while (at < text.length) {
    const equals = text.indexOf('=', at)
    const key = equals < 0 ? undefined : KEYS[text.slice(at, equals)]
    if (key === undefined || !Object.hasOwn(KEYS, text.slice(at, equals))) break
    let begin = equals + 1
    let end: number
    if (text.charCodeAt(begin) === LESS) {
      begin++
      end = addressEnd(text, begin)
      if (end < 0) end = text.length
      at = end + 1
    } else {
      for (end = begin; end < text.length; end++) {
        const code = text.charCodeAt(end)
        if (code === SPACE || code === COMMA) break
      }
      at = end
    }
    line[key] = text.slice(begin, end)
    if (text.startsWith(': ', at)) {
      line.explanation = text.slice(at + 2)
      return
    }
    while (text.charCodeAt(at) === COMMA || text.charCodeAt(at) === SPACE) at++
  }
}

/** `550 5.7.1 text`, each figure optional. */
function readAnswer(text: string, line: ActionLine): void {
  const answer = /^(?:(\d{3})[ -])?(?:(\d\.\d{1,3}\.\d{1,3}) )?/.exec(text)!
  if (answer[1] !== undefined) line.code = Number(answer[1])
  if (answer[2] !== undefined) line.enhancedCode = answer[2]
  line.reason = text.slice(answer[0].length)
}

/** `reject: RCPT from name[address]: 550 5.7.1 text; from=<a> ...` from `from` on, or undefined. */
export function readAction(text: string, from: number): ActionLine | undefined {
  const colon = text.indexOf(': ', from)
  if (colon < 0) return undefined
  const action = text.slice(from, colon)
  if (!ACTIONS.has(action)) return undefined
  const line: ActionLine = { kind: 'action', action, reason: '' }
  const begin = colon + 2
  const tail = tailStart(text, begin)
  const stage = /[A-Z][A-Z-]*(?= from |: )/y
  stage.lastIndex = begin
  const found = stage.exec(text)
  if (found && stage.lastIndex <= tail) {
    line.stage = found[0]
    readStage(text, stage.lastIndex, tail, line)
  } else {
    readContent(text, begin, tail, line)
  }
  if (tail < text.length) readTail(text, tail + 2, line)
  return line
}

/** ` from name[address]: 550 5.7.1 text`, or `: 250 text` where no client is named. */
function readStage(text: string, from: number, tail: number, line: ActionLine): void {
  let at = from
  if (text.startsWith(' from ', at)) {
    const end = peerEnd(text, at + 6)
    if (end < 0 || end > tail) {
      line.reason = text.slice(at + 1, tail)
      return
    }
    line.client = readPeer(text, at + 6, end)
    at = end
  }
  readAnswer(text.slice(text.startsWith(': ', at) ? at + 2 : at, tail), line)
}

/** `header Subject: text from name[address]`, as checks of content have it. */
function readContent(text: string, from: number, tail: number, line: ActionLine): void {
  const part = /(?:mime-header|nested-header|header|body)(?= )/y
  part.lastIndex = from
  const found = part.exec(text)
  if (found === null) {
    line.reason = text.slice(from, tail)
    return
  }
  line.part = found[0]
  const content = text.slice(part.lastIndex + 1, tail)
  const origin = content.lastIndexOf(' from ')
  line.reason = origin < 0 ? content : content.slice(0, origin)
  if (origin >= 0 && content.endsWith(']')) line.client = readPeer(content, origin + 6, content.length)
}
