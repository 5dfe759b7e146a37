import { didYouMean, EventstormError, show } from '../../lib/index.js'

/** How nginx writes characters that could be mistaken for the format's own; `escape=` of `log_format`. */
export type Escaping = 'default' | 'json' | 'none'

/** A `log_format`, taken apart: `literals[0]`, `variables[0]`, `literals[1]`, ... `literals[variables.length]`. */
export interface Format {
  escaping: Escaping
  literals: string[]
  variables: string[]
}

const COMMON = '$remote_addr - $remote_user [$time_local] "$request" $status $body_bytes_sent'

/** The formats that have a name: nginx's own, and the one of the NCSA server that it grew from. */
const NAMED_FORMATS: Record<string, string> = {
  combined: `${COMMON} "$http_referer" "$http_user_agent"`,
  common: COMMON,
}

interface Token {
  text: string
  quoted: boolean
}

const ESCAPED: Record<string, string> = { t: '\t', r: '\r', n: '\n', '"': '"', "'": "'", '\\': '\\' }
const END_OF_WORD = /[\s;{}]/

/**
 * The words of a piece of nginx configuration by nginx's rules: quotes of both kinds, backslashes, comments.
 * `;`, `{` and `}` outside of quotes are words of their own.
 *
 * @returns undefined where nginx would refuse it: a quote that is not closed, or closed in the middle of a word
 */
function tokenize(text: string): Token[] | undefined {
  const tokens: Token[] = []
  for (let at = 0; at < text.length; ) {
    const char = text[at]!
    if (/\s/.test(char)) {
      at++
    } else if (char === '#') {
      const end = text.indexOf('\n', at)
      at = end < 0 ? text.length : end
    } else if (';{}'.includes(char)) {
      tokens.push({ text: char, quoted: false })
      at++
    } else {
      const quote = char === '"' || char === "'" ? char : undefined
      let word = ''
      if (quote) at++
      while (at < text.length && !(quote ? text[at] === quote : endsWord(text, at))) {
        const next = text[at + 1]
        if (text[at] === '\\' && next !== undefined) {
          word += ESCAPED[next] ?? `\\${next}`
          at += 2
        } else {
          word += text[at++]
        }
      }
      if (quote) {
        at++
        if (at > text.length || (at < text.length && !END_OF_WORD.test(text[at]!))) return undefined
      }
      tokens.push({ text: word, quoted: quote !== undefined })
    }
  }
  return tokens
}

/** A brace belongs to the word when it is that of `${name}`. */
function endsWord(text: string, at: number): boolean {
  if (!END_OF_WORD.test(text[at]!)) return false
  if (text[at] === '{') return text[at - 1] !== '$'
  return text[at] !== '}' || !/\$\{\w*$/.test(text.slice(0, at))
}

function invalid(what: string, text: string): EventstormError {
  return new EventstormError('FORMAT_INVALID', `${what}, in the log format ${show(text)}`)
}

function parseEscape(word: string, text: string): Escaping {
  const escaping = word.slice('escape='.length)
  if (escaping === 'default' || escaping === 'json' || escaping === 'none') return escaping
  throw invalid(`expected escape=default, escape=json or escape=none, got ${show(word)}`, text)
}

/** The pieces of a `log_format` after its name, put together. */
function joinPieces(tokens: Token[], text: string): { escaping: Escaping; body: string } {
  const [first] = tokens
  const told = first !== undefined && !first.quoted && first.text.startsWith('escape=')
  const pieces = told ? tokens.slice(1) : tokens
  return {
    escaping: told ? parseEscape(first.text, text) : 'default',
    body: pieces.map((piece) => piece.text).join(''),
  }
}

/** The words of the first `log_format` directive of that name; of any name when none is given. */
function findDirective(tokens: Token[], name?: string): Token[] | undefined {
  for (let i = 0; i < tokens.length; i++) {
    if (tokens[i]!.text !== 'log_format' || tokens[i]!.quoted) continue
    const end = tokens.findIndex((token, at) => at > i && !token.quoted && token.text === ';')
    if (name === undefined || tokens[i + 1]?.text === name) {
      return tokens.slice(i + 2, end < 0 ? tokens.length : end)
    }
  }
  return undefined
}

/**
 * Takes the text of a `log_format` apart. It may be written in any of these ways:
 *
 *     combined                                     a name, also common
 *     log_format main escape=json '...' '...';     the directive as it stands in nginx.conf
 *     escape=json '...' '...'                      its pieces
 *     $remote_addr "$request" $status              the text that they make together
 *
 * @throws FORMAT_INVALID
 */
export function readFormat(text: string): Format {
  const trimmed = text.trim()
  const named = NAMED_FORMATS[trimmed]
  if (named !== undefined) return takeApart(named, 'default', text)
  if (/^\w+$/.test(trimmed)) {
    throw invalid(
      `expected ${Object.keys(NAMED_FORMATS).join(', ')} or the text of a log_format, got a name that is not known${didYouMean(trimmed, Object.keys(NAMED_FORMATS)).replace(/^ (.*)$/, ' ($1)')}`,
      text,
    )
  }
  const tokens = tokenize(trimmed)
  if (/^log_format\s/.test(trimmed)) {
    if (tokens === undefined) throw invalid('expected quotes to be closed before white space or ";"', text)
    const { escaping, body } = joinPieces(findDirective(tokens)!, text)
    return takeApart(body, escaping, text)
  }
  const [, word, rest] = /^(escape=\S*)\s+(.*)$/s.exec(trimmed) ?? ['', undefined, trimmed]
  const escaping = word === undefined ? 'default' : parseEscape(word, text)
  const pieces = tokenize(rest!)?.filter((token) => token.text !== ';' || token.quoted)
  if (pieces?.every((piece) => piece.quoted)) return takeApart(joinPieces(pieces, text).body, escaping, text)
  return takeApart(rest!, escaping, text)
}

/**
 * The format that an nginx configuration gives a name.
 * @throws FORMAT_INVALID when it does not
 */
export function formatFromConfiguration(configuration: string, name: string): Format {
  const tokens = tokenize(configuration)
  if (tokens === undefined) {
    throw new EventstormError('FORMAT_INVALID', 'expected an nginx configuration, got one with an open quote')
  }
  const words = findDirective(tokens, name)
  if (words === undefined) {
    if (NAMED_FORMATS[name] !== undefined) return readFormat(name)
    throw new EventstormError(
      'FORMAT_INVALID',
      `expected a log_format called ${show(name)} in the nginx configuration, got none; it may stand in a file that this one includes`,
    )
  }
  const { escaping, body } = joinPieces(words, name)
  return takeApart(body, escaping, name)
}

function takeApart(body: string, escaping: Escaping, text: string): Format {
  const literals: string[] = []
  const variables: string[] = []
  let end = 0
  for (const found of body.matchAll(/\$(?:\{(\w+)\}|(\w+))/g)) {
    literals.push(body.slice(end, found.index))
    variables.push(found[1] ?? found[2]!)
    end = found.index + found[0].length
  }
  literals.push(body.slice(end))
  if (variables.length === 0) throw invalid('expected at least one $variable, got none', text)
  for (let i = 1; i < variables.length; i++) {
    if (literals[i] === '') {
      throw invalid(
        `expected some text between $${variables[i - 1]} and $${variables[i]}; without it nobody can tell where the one ends and the other begins`,
        text,
      )
    }
  }
  return { escaping, literals, variables }
}
