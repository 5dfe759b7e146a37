import { EventstormError } from '../errors.js'
import { list, z } from '../options.js'
import { AllowList } from './allow-list.js'
import { type KeyPair, readKeyPair, readPublicKey } from './keys.js'

/*
 * Who may reach an end, and how it shows who it is. Options first, then what becomes of them.
 */

export const securing = {
  key: z.string().min(1).optional().meta({
    description: 'File with the key pair of this end, made by `eventstorm keygen`; see SECURITY.md.',
    argument: 'path',
  }),
  insecure: z.boolean().default(false).meta({
    description: 'Listen without keys even where other machines can reach it.',
  }),
}

export const serverKeys = (dialled: string) =>
  list().meta({
    description: `Public key of ${dialled}: a file NAME.pub, or the key itself; one for all, or one for each in order.`,
    argument: 'key',
  })

export const allowLists = (where: string) =>
  list().meta({
    description: `File with the public keys that may dial ${where}; one for all, or one for each in order.`,
    argument: 'path',
  })

export interface SecurityOptions {
  key?: string | undefined
  insecure: boolean
  serverKey: readonly string[]
  allow: readonly string[]
}

/** How an end is secured; without keys it is not. */
export interface Security {
  insecure: boolean
  keys?: KeyPair
  /** The public key of each endpoint that is dialled. */
  serverKeys: readonly string[]
  /** Who may dial each endpoint that is bound. */
  allow: readonly AllowList[]
}

/** @throws OPTIONS_INVALID, KEY_INVALID, PATTERN_INVALID */
export function readSecurity(
  { key, insecure, serverKey, allow }: SecurityOptions,
  { bind, connect }: { bind: readonly string[]; connect: readonly string[] },
): Security {
  if (key === undefined) {
    if (serverKey.length + allow.length > 0) {
      throw refuse('expected a key of our own beside the keys of others; make one with eventstorm keygen')
    }
    return { insecure, serverKeys: [], allow: [] }
  }
  return {
    insecure,
    keys: readKeyPair(key),
    serverKeys: spread(
      serverKey.map(readPublicKey),
      connect,
      'the public key of each endpoint that is dialled',
    ),
    // A list of its own each, though the file may be one: each looks after its file for itself.
    allow: spread(allow, bind, 'a list of the keys that may dial each endpoint that is bound').map(
      (path) => new AllowList(path),
    ),
  }
}

/** One for all, or one for each. */
function spread<T>(given: readonly T[], endpoints: readonly string[], what: string): T[] {
  if (endpoints.length === 0) return []
  if (given.length !== 1 && given.length !== endpoints.length) {
    throw refuse(`with a key, expected ${what}: one for all, or ${endpoints.length}; got ${given.length}`)
  }
  return endpoints.map((_, i) => (given.length === 1 ? given[0]! : given[i]!))
}

const refuse = (message: string) => new EventstormError('OPTIONS_INVALID', message)
