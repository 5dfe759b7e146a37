import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** A folder for what a bench needs while it runs. */
export function scratch(): string {
  const folder = mkdtempSync(join(tmpdir(), 'eventstorm-bench-'))
  process.on('exit', () => rmSync(folder, { recursive: true, force: true }))
  return folder
}

/** Compiles ceiling.c, whose roles are those of `RoleProcess`; says why when that cannot be done here. */
export function buildCeiling(folder: string): { program: string } | { missing: string } {
  const source = fileURLToPath(new URL('../../bench/ceiling.c', import.meta.url))
  const program = join(folder, 'ceiling')
  const { error, status, stderr } = spawnSync(
    'cc',
    ['-O2', '-Wall', '-o', program, source, '-lzmq', '-lpthread'],
    { encoding: 'utf8' },
  )
  if (status === 0) return { program }
  if (error) return { missing: 'no C compiler (apt-get install gcc libc6-dev)' }
  if (stderr.includes('zmq.h')) return { missing: 'no header of libzmq (apt-get install libzmq3-dev)' }
  return { missing: `cc failed: ${stderr.slice(0, 300)}` }
}
