import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'

/**
 * For `skip` of a test: false when each of the commands ends with 0, else what is missing, which is also printed.
 * In CI it throws.
 */
export function lacking(
  client: string,
  commands: readonly (readonly [string, ...string[]])[],
): string | false {
  const missing = commands.filter(
    ([program, ...args]) => spawnSync(program, args, { stdio: 'ignore' }).status !== 0,
  )
  if (missing.length === 0) return false
  const why = `THE ${client} CLIENT IS NOT TESTED HERE: no ${missing.map((each) => each.join(' ')).join(', no ')}`
  assert.ok(!process.env.CI, `in CI nothing is skipped: ${why}`)
  process.stderr.write(`${why}\n`)
  return why
}
