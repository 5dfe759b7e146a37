/**
 * `npm run bench -- --compare <revision>`: the benches of this revision on the code of another one, both in turns, so
 * that both see the same machine.
 */
import { spawnSync } from 'node:child_process'
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Comparison, type Side } from './comparison.js'
import { type Results, type Row, table } from './report.js'
import { quick, size } from './size.js'

const HERE = fileURLToPath(new URL('../../', import.meta.url))
function run(command: string, args: string[], cwd: string): string {
  const { status, stdout, stderr, error } = spawnSync(command, args, {
    cwd,
    encoding: 'utf8',
    maxBuffer: 1 << 26,
  })
  if (error) throw error
  if (status !== 0) throw new Error(`${command} ${args.join(' ')} ended with ${status}\n${stdout}${stderr}`)
  return stdout.trim()
}

/** Compiles; the files of benches that have errors. */
function typeErrors(folder: string): string[] {
  const { stdout } = spawnSync('npx', ['tsc', '--build'], { cwd: folder, encoding: 'utf8' })
  return [...stdout.matchAll(/^(bench\/[\w-]+\.ts)\(/gm)].map(([, file]) => file!)
}

/** Builds the revision in a folder of its own, with the benches of this one. */
function build(revision: string, folder: string): void {
  run('git', ['worktree', 'add', '--quiet', '--detach', folder, revision], HERE)
  const lock = (root: string) => readFileSync(join(root, 'package-lock.json'), 'utf8')
  if (lock(HERE) === lock(folder)) symlinkSync(join(HERE, 'node_modules'), join(folder, 'node_modules'))
  else run('npm', ['ci', '--no-audit', '--no-fund'], folder)
  rmSync(join(folder, 'bench'), { recursive: true, force: true })
  cpSync(join(HERE, 'bench'), join(folder, 'bench'), {
    recursive: true,
    filter: (path) => !path.endsWith('results'),
  })
  // A bench of what lies behind the front door may not fit what was there before: that revision's own does.
  for (const file of new Set(typeErrors(folder))) {
    const { status } = spawnSync('git', ['checkout', '--quiet', revision, '--', file], { cwd: folder })
    console.error(`${file} does not fit ${revision}: ${status === 0 ? 'it has its own' : 'it has none'}`)
  }
  for (const file of new Set(typeErrors(folder))) console.error(`${file} may not run at ${revision}`)
  if (!existsSync(join(folder, 'dist/bench'))) throw new Error(`${revision} cannot be built`)
}

/** One run of a bench; the tables it printed, or why there are none. */
function tablesOf(name: string, root: string): Results['tables'] | string {
  const kept = join(root, 'bench/results', `${name}.json`)
  const { status, stderr } = spawnSync(process.execPath, [join(root, 'dist/bench', `${name}.js`)], {
    cwd: root,
    encoding: 'utf8',
    maxBuffer: 1 << 26,
    env: { ...process.env, BENCH_ROUNDS: process.env.BENCH_ROUNDS ?? '1', BENCH_KEEP: kept },
  })
  if (status !== 0) return `ended with ${status}: ${stderr.trim().slice(-500)}`
  return (JSON.parse(readFileSync(kept, 'utf8')) as Results).tables
}

/** Runs a bench at both, again and again; says what is wrong when one of them fails. */
function inTurns(
  turns: number,
  roots: Record<Side, string>,
  name: string,
  comparison: Comparison,
): string | undefined {
  for (let turn = 1; turn <= turns; turn++) {
    for (const side of ['there', 'here'] as const) {
      console.error(`${name}, turn ${turn}/${turns}: ${side}`)
      const tables = tablesOf(name, roots[side])
      if (typeof tables === 'string') return `${name}, ${side}: ${tables}`
      comparison.add(side, tables)
    }
  }
  return undefined
}

/** @returns the code to exit with */
export async function compare(revision: string, names: string[]): Promise<number> {
  const turns = size('BENCH_TURNS', 3, 1)
  const folder = mkdtempSync(join(tmpdir(), 'eventstorm-compare-'))
  const other = join(folder, 'other')
  const remove = () => {
    spawnSync('git', ['worktree', 'remove', '--force', other], { cwd: HERE })
    rmSync(folder, { recursive: true, force: true })
  }
  process.once('SIGINT', () => process.exit(130))
  process.on('exit', remove)
  const commit = run('git', ['rev-parse', '--short', '--verify', `${revision}^{commit}`], HERE)
  console.error(`building ${revision} (${commit})`)
  build(commit, other)
  const rows: Row[] = []
  let failed = false
  for (const name of names) {
    const comparison = new Comparison()
    const roots = { there: other, here: HERE }
    const problem = inTurns(turns, roots, name, comparison)
    if (problem) {
      console.error(problem)
      failed = true
    } else rows.push(...comparison.rows(name, revision))
  }
  table(`${revision} (${commit}) and this revision, ${turns} turns each, medians`, rows)
  if (quick) console.log('\nquick: the figures mean nothing')
  return failed ? 1 : 0
}
