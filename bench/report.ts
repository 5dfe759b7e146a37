import { mkdirSync, writeFileSync } from 'node:fs'
import { cpus, loadavg, totalmem } from 'node:os'
import { dirname, join } from 'node:path'
import { quick } from './size.js'

export type Row = Record<string, string | number>

export interface Table {
  title: string
  rows: Row[]
}

/** What a bench leaves in bench/results/<name>.json, beside figures of its own. */
export interface Results {
  name: string
  date: string
  machine: {
    node: string
    cpu: string
    cores: number
    memory: number
    /** Processes that wanted to run on average, in the minute before and in the last one. */
    load: [before: number, after: number]
  }
  tables: Table[]
}

/** What stands in the cells of something that could not be measured on this machine. */
export const NOT_HERE = 'not here'

const printed: Table[] = []
const loadBefore = loadavg()[0]!

/** Prints rows as an aligned table, numbers to the right. */
export function table(title: string, rows: Row[]): void {
  printed.push({ title, rows })
  const columns = Object.keys(rows[0] ?? {})
  const cells = [columns, ...rows.map((row) => columns.map((column) => String(row[column] ?? '')))]
  const widths = columns.map((_, i) => Math.max(...cells.map((line) => line[i]!.length)))
  const numeric = columns.map((column) => rows.every((row) => isNumeric(String(row[column] ?? ''))))
  console.log(`\n${title}\n`)
  for (const line of cells) {
    console.log(
      line.map((cell, i) => (numeric[i] ? cell.padStart(widths[i]!) : cell.padEnd(widths[i]!))).join('  '),
    )
  }
}

export const isNumeric = (cell: string) => cell === NOT_HERE || /^[-\d.\s]*$/.test(cell)

/**
 * Writes the figures and all tables to bench/results/<name>.json, or to the file that BENCH_KEEP names, and ends the
 * process, as failed when something was not right. Figures of a quick run mean nothing and are only kept for that file.
 */
export function finish(name: string, figures: object, right: boolean): never {
  if (quick && !process.env.BENCH_KEEP) {
    console.log('\nquick: the figures mean nothing, and are not kept')
  } else keep(name, figures)
  if (!right) console.error('FAILED: what arrived is not what was sent')
  process.exit(right ? 0 : 1)
}

function keep(name: string, figures: object): void {
  const file = process.env.BENCH_KEEP ?? join('bench', 'results', `${name}.json`)
  mkdirSync(dirname(file), { recursive: true })
  const machine = {
    node: process.version,
    cpu: cpus()[0]?.model ?? 'unknown',
    cores: cpus().length,
    memory: totalmem(),
    load: [loadBefore, loadavg()[0]!] satisfies [number, number],
  }
  const results: Results = { name, date: new Date().toISOString(), machine, tables: printed }
  writeFileSync(file, JSON.stringify({ ...results, ...figures }, undefined, 2))
  console.log(`\nfigures: ${file}`)
}
