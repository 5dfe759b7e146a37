import { readFileSync } from 'node:fs'

interface Entry {
  version: string
  license?: string
  dev?: boolean
  devOptional?: boolean
  peer?: boolean
  hasInstallScript?: boolean
  dependencies?: Record<string, string>
}

/** What has code that is no JavaScript, looked at by hand. */
const NATIVE: Record<string, string> = {
  zeromq: 'libzmq 4.3.5 with libsodium, ready-made in the package; runs without its script',
}

/** All packages that run where eventstorm is installed, from the lock file: what brought them, and what they run. */
export function dependenciesTable(root: URL): string {
  const lock = JSON.parse(readFileSync(new URL('package-lock.json', root), 'utf8')) as {
    packages: Record<string, Entry>
  }
  const all = Object.entries(lock.packages).filter(
    ([path, each]) => path !== '' && !each.dev && !each.devOptional && !each.peer,
  )
  const nameOf = (path: string) => path.replace(/^.*node_modules\//, '')
  const direct = lock.packages['']!.dependencies ?? {}
  const rows = all.map(([path, { version, license, hasInstallScript }]) => {
    const name = nameOf(path)
    const users = all.filter(([, each]) => name in (each.dependencies ?? {})).map(([each]) => nameOf(each))
    const by = name in direct ? 'eventstorm' : users.join(', ')
    const native = NATIVE[name] ?? 'none'
    return `| ${name} | ${version} | ${license} | ${by} | ${hasInstallScript ? 'yes' : 'none'} | ${native} |`
  })
  const heading = ['| package | version | licence | needed by | install script | native code |']
  return [...heading, '| --- | --- | --- | --- | --- | --- |', ...rows].join('\n')
}
