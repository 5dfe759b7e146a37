import { generateKeyPairSync } from 'node:crypto'
import { existsSync, readFileSync, statSync } from 'node:fs'
import { EventstormError, reason, show } from '../errors.js'

/** The long-term keys of one end for CURVE (ZeroMQ RFC 26), each 32 bytes as 40 characters of Z85. */
export interface KeyPair {
  publicKey: string
  secretKey: string
}

// ZeroMQ RFC 32.
const Z85 = '0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.-:+=^!/*?&<>()[]{}@%$#'
const KEY_BYTES = 32
const KEY_LENGTH = 40

/** Z85 text of bytes whose number is a multiple of four. */
export function toZ85(bytes: Buffer): string {
  let text = ''
  for (let at = 0; at < bytes.length; at += 4) {
    let word = bytes.readUInt32BE(at)
    let digits = ''
    for (let i = 0; i < 5; i++) {
      digits = Z85[word % 85] + digits
      word = Math.floor(word / 85)
    }
    text += digits
  }
  return text
}

/** Whether a text is a key: 40 characters of Z85 that stand for 32 bytes. */
export function isKey(text: string): boolean {
  if (text.length !== KEY_LENGTH) return false
  for (let at = 0; at < text.length; at += 5) {
    let word = 0
    for (const digit of text.slice(at, at + 5)) {
      const value = Z85.indexOf(digit)
      if (value < 0) return false
      word = word * 85 + value
    }
    if (word >= 2 ** 32) return false
  }
  return true
}

/** A new pair of CURVE keys, from the chance of the system. */
export function newKeyPair(): KeyPair {
  const { privateKey } = generateKeyPairSync('x25519')
  const { x, d } = privateKey.export({ format: 'jwk' }) as { x: string; d: string }
  const key = (text: string) => toZ85(Buffer.from(text, 'base64url').subarray(0, KEY_BYTES))
  return { publicKey: key(x), secretKey: key(d) }
}

const invalid = (message: string, cause?: unknown) => new EventstormError('KEY_INVALID', message, cause)

/** The lines of a file of keys, without comments: the words of each. @throws KEY_INVALID */
export function keyLines(path: string): string[][] {
  let text: string
  try {
    text = readFileSync(path, 'utf8')
  } catch (error) {
    // A secret key was given in the place of its file, most likely.
    if (isKey(path)) throw invalid('expected a file with keys, got a key itself, which is not shown')
    throw invalid(`expected a file with keys at ${path}, got: ${reason(error)}`, error)
  }
  return text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '' && !/^#(\s|$)/.test(line))
    .map((line) => line.split(/\s+/))
}

/**
 * The key pair in a file that `eventstorm keygen` wrote.
 * @throws KEY_INVALID; when the file is there for everybody to read, too
 */
export function readKeyPair(path: string): KeyPair {
  const words = new Map(keyLines(path).map(([word = '', key = '']) => [word, key]))
  const [publicKey = '', secretKey = ''] = [words.get('public'), words.get('secret')]
  if (!isKey(publicKey) || !isKey(secretKey)) {
    throw invalid(
      `expected lines "public KEY" and "secret KEY" in ${path}; make such a file with eventstorm keygen`,
    )
  }
  if ((statSync(path).mode & 0o004) !== 0) {
    throw invalid(`expected ${path} to be for its owner alone, but everybody may read it: chmod 600 ${path}`)
  }
  return { publicKey, secretKey }
}

/** A public key, given as itself or as the path of a file `NAME.pub`. @throws KEY_INVALID */
export function readPublicKey(given: string): string {
  // A path may have 40 characters of Z85 too.
  if (isKey(given) && !existsSync(given)) return given
  const key = keyLines(given)[0]?.[1] ?? ''
  if (!isKey(key)) {
    throw invalid(
      `expected a line "NAME KEY" in ${given}, such as eventstorm keygen writes, got ${show(key)}`,
    )
  }
  return key
}
