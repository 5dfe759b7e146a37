/** Functions generated in the process, of one kind; code is never collected, so there is an end to it. */
const MAX_GENERATED = 1000

/**
 * Functions generated from shapes. Each is generated once, by its name; what calls it with things of its own (places that
 * remember what they saw) shares its code with all others.
 */
export class Generated<F extends (...given: never[]) => unknown> {
  #made = new Map<string, F | undefined>()

  /** @returns undefined when there are too many, or no code may be generated here */
  get(name: string, parameters: readonly string[], body: () => string): F | undefined {
    if (!this.#made.has(name)) {
      if (this.#made.size >= MAX_GENERATED) return undefined
      this.#made.set(name, generate(parameters, body()) as F | undefined)
    }
    return this.#made.get(name)
  }
}

function generate(parameters: readonly string[], body: string): unknown {
  try {
    return new Function(...parameters, body)
  } catch {
    // Node runs with --disallow-code-generation-from-strings.
    return undefined
  }
}
