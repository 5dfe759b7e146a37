/** What one message says, without what is known from the messages before. */
export interface Reading {
  type: string
  data: Record<string, unknown>
}

/** One way to read messages; several readings are the several meanings that a message can have. */
export type Rule = (text: string) => Reading | Reading[] | undefined

/** The usual rule: one form, and what its groups mean. */
export function rule(form: RegExp, make: (groups: string[]) => Reading | Reading[] | undefined): Rule {
  return (text) => {
    const match = form.exec(text)
    return match === null ? undefined : make(match)
  }
}

/** The first reading that a list of rules finds. */
export function firstOf(rules: readonly Rule[], text: string): Reading[] | undefined {
  for (const each of rules) {
    const found = each(text)
    const readings = found === undefined || Array.isArray(found) ? found : [found]
    if (readings !== undefined && readings.length > 0) return readings
  }
  return undefined
}
