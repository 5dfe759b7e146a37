import { readdirSync, readFileSync, realpathSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { findProgram } from '../programs.js'

const INSTALLED = '/usr/lib/jvm'

/** The path of a `java` of that version, which need not be the first on the PATH; undefined when there is none. */
export function findJava(version: number): string | undefined {
  const first = findProgram('java')
  const homes = [...(first ? [dirname(dirname(realpathSync(first)))] : []), ...folders(INSTALLED)]
  const home = homes.find((each) => versionOf(each) === version)
  return home && join(home, 'bin', 'java')
}

function folders(path: string): string[] {
  try {
    return readdirSync(path).map((name) => join(path, name))
  } catch {
    return []
  }
}

/** A JDK says what it is in a file called `release`. */
function versionOf(home: string): number | undefined {
  try {
    const [, version] = /^JAVA_VERSION="(\d+)/m.exec(readFileSync(join(home, 'release'), 'utf8')) ?? []
    return findProgram('java', join(home, 'bin')) && version ? Number(version) : undefined
  } catch {
    return undefined
  }
}
