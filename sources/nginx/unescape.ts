import { isUtf8 } from 'node:buffer'
import type { Escaping } from './format.js'

/** Bytes as `escape=default` writes them; and `\"` and `\\`, which Apache has and nginx does not. */
const ESCAPES = /(?:\\x[0-9A-Fa-f]{2})+|\\["\\]/g

/**
 * What stood there before nginx escaped it. A value that cannot be told, since its bytes are no UTF-8 or its escapes
 * are broken, stays as the log has it: nothing is lost, and it reads like a log.
 */
export function unescapeValue(raw: string, escaping: Escaping): string {
  if (escaping === 'none' || !raw.includes('\\')) return raw
  if (escaping === 'json') {
    try {
      return JSON.parse(`"${raw}"`) as string
    } catch {
      return raw
    }
  }
  let valid = true
  const plain = raw.replace(ESCAPES, (run) => {
    if (run.length === 2) return run[1]!
    const bytes = Buffer.from(run.replaceAll('\\x', ''), 'hex')
    if (!isUtf8(bytes)) valid = false
    return bytes.toString()
  })
  return valid ? plain : raw
}
