/** Stands where something was that nobody may see. */
export const MASK = '•••'

const NAMES =
  'password|passwd|passphrase|pwd|secret|token|authorization|cookie|credential|credentials|api_?key|apikey|private_?key|access_?key|session_?id|sid|jwt|otp|pin|cvv|ssn'

/** Names of fields whose values never leave the server. */
export class Secrets {
  #names: RegExp
  #inText: RegExp

  /** @param more further names, as they stand */
  constructor(more: readonly string[] = []) {
    const own = more.map((name) => name.replace(/[^\w]/g, '\\$&'))
    const names = [NAMES, ...own].join('|')
    this.#names = new RegExp(`(^|_)(${names})s?($|_)`, 'i')
    this.#inText = new RegExp(
      `((?:^|[?&;\\s,{"'])["']?[\\w-]{0,32}(?:${names})["']?\\s{0,3}[=:]\\s{0,3}["']?)[^&\\s;,"']+`,
      'gi',
    )
  }

  /** Whether a field of that name is one of them. */
  has(name: string): boolean {
    return this.#names.test(
      name
        .slice(0, 100)
        .replace(/([a-z0-9])([A-Z])/g, '$1_$2')
        .replace(/[-. ]/g, '_'),
    )
  }

  /** The same without the values of such fields and parameters, as deep as it goes. */
  hide(value: unknown): unknown {
    if (typeof value === 'string') return this.mask(value)
    if (Array.isArray(value)) return value.map((each) => this.hide(each))
    if (typeof value !== 'object' || value === null) return value
    const members = Object.entries(value)
    return Object.fromEntries(members.map(([name, each]) => [name, this.has(name) ? MASK : this.hide(each)]))
  }

  /** A text without the values of such parameters: `/login?token=•••`. */
  mask(text: string): string {
    return text.includes('=') || text.includes(':') ? text.replace(this.#inText, `$1${MASK}`) : text
  }
}
