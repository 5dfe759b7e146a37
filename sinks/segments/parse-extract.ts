import { EventstormError, parseField, show } from '../../lib/index.js'
import type { Extract } from './extract.js'

/**
 * @param text `user.age`, `user.age:number` or `user.name:text`
 * @throws QUERY_INVALID
 */
export function parseExtract(text: string): Extract {
  const [, name, kind = 'number'] = /^(.*?)(?::(number|text))?$/s.exec(text)!
  const field = parseField(name!)
  if ('path' in field && !name!.includes(':')) return { path: field.path, kind: kind as Extract['kind'] }
  throw new EventstormError(
    'QUERY_INVALID',
    `expected a field of the data such as ms, ms:number or user.name:text, got ${show(text)}`,
  )
}
