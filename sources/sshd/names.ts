/**
 * Texts that whoever knocks at port 22 chooses himself: user names, the identifiers of certificates, reasons of
 * disconnection. Everything here takes them apart from the side where sshd, and not the stranger, wrote the words.
 */

const ESCAPES: Record<string, number> = {
  a: 7,
  b: 8,
  t: 9,
  n: 10,
  v: 11,
  f: 12,
  r: 13,
  s: 32,
  '0': 0,
  '\\': 92,
}
const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/**
 * A name as it was given. sshd writes control characters, bytes beyond ASCII and the backslash in the escapes of
 * vis(3) (`\n`, `\303`, `\\`). Stays as it is where it cannot have come from there, or is no UTF-8.
 */
export function unescapeName(text: string): string {
  if (!text.includes('\\')) return text
  const bytes: Buffer[] = []
  const form = /\\(?:([0-3][0-7]{2})|([abtnvfrs0\\]))|[^\\]+/gy
  let end = 0
  for (const match of text.matchAll(form)) {
    const [whole, octal, letter] = match
    if (octal !== undefined) bytes.push(Buffer.from([Number.parseInt(octal, 8)]))
    else if (letter !== undefined) bytes.push(Buffer.from([ESCAPES[letter]!]))
    else bytes.push(Buffer.from(whole))
    end = match.index + whole.length
  }
  if (end !== text.length) return text
  try {
    return utf8.decode(Buffer.concat(bytes))
  } catch {
    return text
  }
}

/** Who is at the other end, as far as a line says it. */
export interface Peer {
  user?: string
  /** False when sshd knows no such user, or lets it in under no circumstances. */
  validUser?: boolean
  address?: string
  port?: number
}

/** `root` or `invalid user oracle`. */
export function readUser(text: string): Peer {
  const [, invalid, name] = /^((?:invalid|illegal) user )?(.*)$/s.exec(text)!
  return { user: unescapeName(name!), validUser: invalid === undefined }
}

/**
 * What OpenSSH calls the identity of a connection, which must be the whole text: `192.0.2.1 port 5`,
 * `invalid user a b 192.0.2.1 port 5`, `authenticating user root 192.0.2.1 port 5`, and `192.0.2.1` of old.
 */
export function readPeer(text: string): Peer | undefined {
  const match = /^(?:(authenticating |invalid )?user (.*) )?(\S+) port (\d+)$/s.exec(text)
  if (match === null) return /^\S+$/.test(text) ? { address: text } : undefined
  const [, state, user, address, port] = match
  return {
    ...(user !== undefined && { user: unescapeName(user), validUser: state !== 'invalid ' }),
    address: address!,
    port: Number(port),
  }
}

/** So many readings of one line are looked at; each takes a piece of the line that sshd itself writes once. */
const MAX_READINGS = 16

/**
 * The identity of a connection with a text behind it that a stranger may have had a hand in (`identity: reason`),
 * and maybe a user name in front. There may be several ways to read that; all are returned, none is guessed.
 */
export function readPeerBefore(text: string): { peer: Peer; rest: string }[] {
  const found: { peer: Peer; rest: string }[] = []
  for (const match of text.matchAll(/ port \d+: ?/g)) {
    const head = text.slice(0, match.index) + match[0].replace(/: ?$/, '')
    const peer = readPeer(head)
    if (peer !== undefined) found.push({ peer, rest: text.slice(match.index + match[0].length) })
    // Without a user in front there is nothing in which a second one could hide.
    if (peer !== undefined && peer.user === undefined) break
    if (found.length >= MAX_READINGS) break
  }
  return found
}
