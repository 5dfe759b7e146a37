import { mkdirSync, writeFileSync } from 'node:fs'
import { cpus, totalmem } from 'node:os'
import { join } from 'node:path'

export type Row = Record<string, string | number>

/** Prints rows as an aligned table, numbers to the right. */
export function table(title: string, rows: Row[]): void {
  const columns = Object.keys(rows[0] ?? {})
  const cells = [columns, ...rows.map((row) => columns.map((column) => String(row[column])))]
  const widths = columns.map((_, i) => Math.max(...cells.map((line) => line[i]!.length)))
  const numeric = columns.map((column) => rows.every((row) => /^[\d.\s]*$/.test(String(row[column]))))
  console.log(`\n${title}\n`)
  for (const line of cells) {
    console.log(
      line.map((cell, i) => (numeric[i] ? cell.padStart(widths[i]!) : cell.padEnd(widths[i]!))).join('  '),
    )
  }
}

/** Writes the figures to bench/results/<name>.json and ends the process, as failed when something was not right. */
export function finish(name: string, figures: object, right: boolean): never {
  const folder = join(process.cwd(), 'bench', 'results')
  mkdirSync(folder, { recursive: true })
  const machine = { node: process.version, cpu: cpus()[0]?.model, cores: cpus().length, memory: totalmem() }
  const file = join(folder, `${name}.json`)
  writeFileSync(
    file,
    JSON.stringify({ name, date: new Date().toISOString(), machine, ...figures }, undefined, 2),
  )
  console.log(`\nfigures: bench/results/${name}.json`)
  if (!right) console.error('FAILED: what arrived is not what was sent')
  process.exit(right ? 0 : 1)
}
