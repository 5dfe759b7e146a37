import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { newKeyPair } from '../lib/index.js'

let folder: string | undefined
let files = 0

/** A path in a folder that goes with the process. */
function fresh(name: string): string {
  if (folder === undefined) {
    const made = mkdtempSync(join(tmpdir(), 'storm-keys-'))
    process.once('exit', () => rmSync(made, { recursive: true, force: true }))
    folder = made
  }
  return join(folder, `${++files}-${name}`)
}

/** A key pair as `eventstorm keygen` writes it: the path of its file, both keys, and its line in a list. */
export function identity(name: string) {
  const { publicKey, secretKey } = newKeyPair()
  const key = fresh(`${name}.key`)
  writeFileSync(key, `# ${name}\npublic ${publicKey}\nsecret ${secretKey}\n`, { mode: 0o600 })
  return { key, publicKey, secretKey, line: `${name} ${publicKey}\n` }
}

/** The path of a list with these lines. */
export function keyList(...lines: string[]): string {
  const path = fresh('keys.allow')
  writeFileSync(path, lines.join(''))
  return path
}
