import type { QueryAnswer } from '../lib/index.js'

export const OUTPUTS = ['table', 'ndjson', 'csv'] as const

/** An answer as text, with the line ending of its last line. */
export function printAnswer(answer: QueryAnswer, output: (typeof OUTPUTS)[number]): string {
  const lines = { table: tableLines, ndjson: jsonLines, csv: csvLines }[output](answer)
  return lines.map((line) => `${line}\n`).join('')
}

function jsonLines({ columns, rows }: QueryAnswer): string[] {
  return rows.map((row) => JSON.stringify(Object.fromEntries(row.map((value, i) => [columns[i], value]))))
}

/** RFC 4180, but for the line endings. */
function csvLines({ columns, rows }: QueryAnswer): string[] {
  const cell = (value: unknown) => {
    const text = show(value)
    return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text
  }
  return [columns, ...rows].map((row) => row.map(cell).join(','))
}

function tableLines({ columns, rows }: QueryAnswer): string[] {
  const cells = rows.map((row) => row.map((value) => harmless(value === null ? '-' : show(value))))
  const widths = columns.map((name, i) => Math.max(name.length, ...cells.map((row) => row[i]!.length)))
  const isNumber = columns.map((_, i) => rows.some((row) => typeof row[i] === 'number'))
  return [columns, ...cells].map((row) =>
    row
      .map((text, i) => (isNumber[i] ? text.padStart(widths[i]!) : text.padEnd(widths[i]!)))
      .join('  ')
      .trimEnd(),
  )
}

function show(value: unknown): string {
  if (value === null || value === undefined) return ''
  if (typeof value === 'number')
    return String(Number.isInteger(value) ? value : Number(value.toPrecision(12)))
  return typeof value === 'string' ? value : JSON.stringify(value)
}

/** What comes from events must not steer a terminal. */
const harmless = (text: string) =>
  text.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, (each) => `\\u{${each.codePointAt(0)!.toString(16)}}`)
