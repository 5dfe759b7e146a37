import { existsSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'

/** Conditions under which Node reads the `exports` of a package for `import`. */
const CONDITIONS = ['import', 'node', 'module-sync', 'default']

/**
 * The file that `import(name)` would load in the folder `from`, or undefined when nothing of that name is
 * installed there. Node 20 can only resolve from where the program itself lies, so the lookup is made here;
 * what `require` would find is taken as it is, and packages for `import` alone are read by their `exports`.
 */
export function findPackage(name: string, from: string): string | undefined {
  if (!/^(@[\w.~-]+\/)?[\w~-][\w.~-]*(\/[\w.~-]+)*$/.test(name)) return undefined
  const require = createRequire(join(from, 'here.js'))
  const paths = require.resolve.paths(name)
  if (paths === null) return undefined
  const [first, second] = name.split('/')
  const packageName = name.startsWith('@') ? `${first}/${second}` : first!
  const folder = paths
    .map((path) => join(path, packageName))
    .find((path) => existsSync(join(path, 'package.json')))
  if (folder === undefined) return undefined
  const manifest = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as { exports?: unknown }
  const target = select(manifest.exports, `.${name.slice(packageName.length)}`)
  if (target !== undefined) return join(folder, target)
  try {
    return require.resolve(name)
  } catch {
    return undefined
  }
}

/** The file that `exports` gives for a subpath; patterns are left to `require`. */
function select(exports: unknown, subpath: string): string | undefined {
  if (typeof exports === 'string') return subpath === '.' ? exports : undefined
  if (exports === null || typeof exports !== 'object') return undefined
  const entries = exports as Record<string, unknown>
  const isMap = Object.keys(entries).some((key) => key.startsWith('.'))
  if (isMap) return condition(entries[subpath])
  return subpath === '.' ? condition(entries) : undefined
}

function condition(value: unknown): string | undefined {
  if (typeof value === 'string') return value
  if (value === null || typeof value !== 'object') return undefined
  for (const [key, inner] of Object.entries(value)) {
    if (!CONDITIONS.includes(key)) continue
    const found = condition(inner)
    if (found !== undefined) return found
  }
  return undefined
}
