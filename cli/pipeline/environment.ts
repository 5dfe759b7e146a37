export type Environment = Readonly<Record<string, string | undefined>>

const PLACEHOLDER = /\$\$\{|\$\{([^}]*)\}/g
const NAME_AND_DEFAULT = /^([A-Za-z_][A-Za-z0-9_]*)(?::-(.*))?$/s

/**
 * Puts environment variables into a text: `${NAME}`, or `${NAME:-default}` where it is unset or empty.
 * `$${` stands for `${` itself.
 */
export function expand(text: string, env: Environment): { text: string; problems: string[] } {
  const problems: string[] = []
  const expanded = text.replace(PLACEHOLDER, (whole, inside: string | undefined) => {
    if (inside === undefined) return '${'
    const [, name, fallback] = NAME_AND_DEFAULT.exec(inside) ?? []
    if (name === undefined) {
      problems.push(
        `expected \${NAME} or \${NAME:-default}, got ${whole}; write $${whole} for that text itself`,
      )
      return whole
    }
    const value = env[name]
    if (value) return value
    if (fallback !== undefined) return fallback
    if (value === '') return ''
    problems.push(
      `the environment variable ${name} is not set; set it, give a default as in \${${name}:-default}, or write $${whole} for that text itself`,
    )
    return whole
  })
  return { text: expanded, problems }
}
