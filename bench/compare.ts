/**
 * `npm run bench -- --compare <revision>`: the benches of this revision on the code of another one, both in turns, so
 * that both see the same machine.
 */
import { spawnSync } from 'node:child_process'
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { median } from './processes.js'
import { type Results, type Row, table } from './report.js'
import { quick, size } from './size.js'

const HERE = fileURLToPath(new URL('../../', import.meta.url))
/** Columns that say how fast something is, by their units. */
const MEASURE = /\/s$|\b(us|ns|ms)\b/

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
  const { stdout } = spawnSync('npx', ['tsc', '--build'], { cwd: folder, encoding: 'utf8' })
  // A bench that asks for what was not there yet fails when it is run, and says so.
  if (stdout)
    console.error(`the benches of this revision do not all fit ${revision}:\n${stdout.slice(0, 2000)}`)
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

/** Every measure of every row, by a name that is the same in both revisions. */
function measures(tables: Results['tables']): Map<string, number> {
  const found = new Map<string, number>()
  for (const [i, { rows }] of tables.entries()) {
    for (const row of rows) {
      for (const [column, value] of Object.entries(row)) {
        if (MEASURE.test(column) && value !== '' && Number.isFinite(Number(value)))
          found.set(JSON.stringify([i, labelOf(row), column]), Number(value))
      }
    }
  }
  return found
}

/** The cells in front of the first measure. */
function labelOf(row: Row): string {
  const columns = Object.keys(row)
  const end = columns.findIndex((column) => MEASURE.test(column))
  return columns
    .slice(0, Math.max(1, end))
    .map((column) => row[column])
    .join(', ')
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
    const values = new Map<string, { there: number[]; here: number[] }>()
    for (let turn = 0; turn < turns && !failed; turn++) {
      for (const [side, root] of [
        ['there', other],
        ['here', HERE],
      ] as const) {
        console.error(`${name}, turn ${turn + 1}/${turns}: ${side === 'here' ? 'this one' : revision}`)
        const tables = tablesOf(name, root)
        if (typeof tables === 'string') {
          console.error(`${name} ${side === 'here' ? 'here' : `at ${revision}`} ${tables}`)
          failed = true
          break
        }
        for (const [key, value] of measures(tables)) {
          const both = values.get(key) ?? { there: [], here: [] }
          both[side].push(value)
          values.set(key, both)
        }
      }
    }
    for (const [key, { there, here }] of values) {
      if (there.length === 0 || here.length === 0) continue
      const [, label, column] = JSON.parse(key) as [number, string, string]
      rows.push({
        bench: name,
        row: label,
        measure: column,
        [revision]: round(median(there)),
        here: round(median(here)),
        'here / there': median(there) > 0 ? (median(here) / median(there)).toFixed(2) : '',
      })
    }
  }
  table(`${revision} (${commit}) and this revision, ${turns} turns each, medians`, rows)
  if (quick) console.log('\nquick: the figures mean nothing')
  return failed ? 1 : 0
}

const round = (value: number) => (value >= 100 ? Math.round(value) : Number(value.toPrecision(3)))
