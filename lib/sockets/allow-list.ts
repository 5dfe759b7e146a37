import { statSync } from 'node:fs'
import type { Clock } from '../clock.js'
import type { Logger } from '../component.js'
import { EventstormError, reason, show } from '../errors.js'
import { typeOfHint } from '../hint.js'
import { compilePatterns } from '../pattern.js'
import { isKey, keyLines } from './keys.js'

/** Time between two looks at the file, milliseconds. */
const LOOK_EVERY = 250

interface Content {
  /** Public key -> name. */
  names: Map<string, string>
  /** Patterns of the types that may pass; empty for all. */
  types: string[]
}

/**
 * Who may dial a bound endpoint, and which events may pass there, read from a file and again whenever that changes:
 *
 *     types http.** ssh.*
 *     web-1 rq:rM>}U?@Lns47E1%kR.o@n%FcmmsL/@{H8]yf7
 *
 * Whoever is admitted cannot be told from the others any more once it sends (ZeroMQ keeps the key to itself), so the
 * types hold for all that are in the list.
 */
export class AllowList {
  readonly path: string
  #content: Content
  #version: string

  /** @throws KEY_INVALID, PATTERN_INVALID */
  constructor(path: string) {
    this.path = path
    this.#version = versionOf(path)
    this.#content = read(path)
  }

  /** Whether events of a type may pass, and with them the hints how to show it; undefined when all may. */
  get types(): ((type: string) => boolean) | undefined {
    const { types } = this.#content
    if (types.length === 0) return undefined
    const { matches } = compilePatterns(types)
    return (type) => matches(typeOfHint(type) ?? type)
  }

  /** The name of a key that is in the list. */
  nameOf(key: string): string | undefined {
    return this.#content.names.get(key)
  }

  /**
   * Looks at the file now and then. What is in it counts at once; a file that cannot be understood changes nothing.
   * @param changed called after a change, with whether somebody is no longer in it
   * @returns a function that ends it
   */
  watch(clock: Clock, log: Logger, changed: (gone: boolean) => void): () => void {
    return clock.every(LOOK_EVERY, () => {
      const version = versionOf(this.path)
      if (version === this.#version) return
      this.#version = version
      const before = this.#content
      try {
        this.#content = read(this.path)
      } catch (error) {
        log.error(
          { file: this.path, error: reason(error) },
          'the list of keys is of no use; the old one holds',
        )
        return
      }
      const { names } = this.#content
      log.info({ file: this.path, keys: names.size }, 'keys read')
      changed([...before.names.keys()].some((key) => !names.has(key)))
    })
  }
}

function versionOf(path: string): string {
  try {
    const { mtimeNs, size, ino } = statSync(path, { bigint: true })
    return `${mtimeNs} ${size} ${ino}`
  } catch {
    return 'none'
  }
}

function read(path: string): Content {
  const content: Content = { names: new Map(), types: [] }
  for (const [name = '', ...rest] of keyLines(path)) {
    if (name === 'types') {
      compilePatterns(rest)
      content.types.push(...rest)
      continue
    }
    const [key = ''] = rest
    if (rest.length !== 1 || !isKey(key)) {
      throw new EventstormError(
        'KEY_INVALID',
        `expected lines "NAME KEY" and "types PATTERN ..." in ${path}, got a line of ${show(name)} with no key of 40 characters`,
      )
    }
    content.names.set(key, name)
  }
  return content
}
