/** `npm run bench:report`: docs/BENCHMARKS.md and its plots, from the figures that the benches have left. */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { isNumeric, type Results, type Table } from './report.js'
import { SECTIONS, type Section } from './sections.js'

const ROOT = new URL('../../', import.meta.url)

function read(name: string): Results | undefined {
  const file = new URL(`bench/results/${name}.json`, ROOT)
  return existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : undefined
}

function markdown({ title, rows }: Table): string {
  const columns = Object.keys(rows[0] ?? {})
  const line = (cells: (string | number)[]) => `| ${cells.map((each) => String(each)).join(' | ')} |`
  const aligned = columns.map((column) =>
    rows.every((row) => isNumeric(String(row[column] ?? ''))) ? '---:' : '---',
  )
  const body = rows.map((row) => line(columns.map((column) => row[column] ?? '')))
  return [`${title[0]!.toUpperCase()}${title.slice(1)}:`, '', line(columns), line(aligned), ...body].join(
    '\n',
  )
}

const gigabytes = (bytes: number) => Math.round(bytes / 2 ** 30)

function machine({ date, machine: { node, cpu, cores, memory, load } }: Results): string {
  const busy = load === undefined ? '' : `, load ${load[0].toFixed(1)} before and ${load[1].toFixed(1)} after`
  return `${date.slice(0, 16).replace('T', ' ')} UTC, Node ${node}, ${cores} x ${cpu}, ${gigabytes(memory)} GB${busy}`
}

/** What a plot's file is called, and what it is for those who do not see it. */
function section({ name, title, how, bound, plot }: Section): string {
  const results = read(name)
  const command = `\`npm run bench -- ${name}\``
  if (results === undefined) return `## ${title}\n\n${how}\n\nNot measured yet: ${command}.`
  writeFileSync(new URL(`docs/benchmarks/${name}.svg`, ROOT), plot(results.tables))
  return [
    `## ${title}`,
    how,
    `![${title}](benchmarks/${name}.svg)`,
    ...results.tables.map(markdown),
    bound,
    `${command}: ${machine(results)}.`,
  ].join('\n\n')
}

const INTRODUCTION = `# Benchmarks

Each question is a program in bench/, run by \`npm run bench\`, which verifies that what arrived is what was sent, and fails
when it is not. Whatever is compared runs in turns in one run, on the same machine: ratios hold where rates depend on the
machine and on what else it does, which is why its load stands beside each date. \`npm run bench:report\` writes this page.

Where another system stands as "not here", it was not installed. \`npm run bench -- --compare <revision>\` shows what a change
has done: the benches of this revision on the code of another one, in turns.`

mkdirSync(new URL('docs/benchmarks/', ROOT), { recursive: true })
const page = `${[INTRODUCTION, ...SECTIONS.map(section)].join('\n\n')}\n`
const file = new URL('docs/BENCHMARKS.md', ROOT)
writeFileSync(file, page)
console.log(`written: ${fileURLToPath(file)}`)
