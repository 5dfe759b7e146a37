import type { Row, Totals } from './top-table.js'

type Paint = (text: string) => string

export interface Look {
  bold: Paint
  dim: Paint
  red: Paint
}

export interface TextOptions {
  look: Look
  /** Columns there are; longer names are shortened to fit. */
  width?: number
  /** Rows shown at most; the rest is one line that says how many. */
  maxRows: number
}

const NUMBERS = ['rate/s', 'received', 'lost', 'duplicate'] as const
const GAP = '  '

/** The table as lines: a heading, the rows, and the sums. */
export function tableLines(rows: readonly Row[], totals: Totals, options: TextOptions): string[] {
  const { look, maxRows } = options
  const shown = rows.slice(0, maxRows)
  const cells = shown.map((row) => [
    formatRate(row.rate),
    formatCount(row.received),
    formatCount(row.lost),
    formatCount(row.duplicate),
  ])
  const widths = NUMBERS.map((title, i) => Math.max(title.length, ...cells.map((row) => row[i]!.length)))
  const [typeWidth, sourceWidth] = nameWidths(shown, widths, options.width)
  const heading = [
    'type'.padEnd(typeWidth),
    'source'.padEnd(sourceWidth),
    ...NUMBERS.map((title, i) => title.padStart(widths[i]!)),
  ].join(GAP)
  const lines = shown.map((row, i) => {
    const [rate, received, lost, duplicate] = cells[i]!.map((cell, n) => cell.padStart(widths[n]!))
    const names = [fit(row.type, typeWidth), look.dim(fit(row.source, sourceWidth))]
    return [...names, rate, received, row.lost > 0 ? look.red(lost!) : lost, duplicate].join(GAP)
  })
  const more = rows.length - shown.length
  return [
    look.bold(heading),
    ...lines,
    ...(rows.length === 0 ? [look.dim('nothing yet')] : []),
    ...(more > 0 ? [look.dim(`and ${more} more`)] : []),
    totalsLine(totals, look),
  ]
}

function totalsLine({ rate, received, lost, duplicate, malformed, dropped }: Totals, look: Look): string {
  const bad = (name: string, count: number) => {
    const text = `${name} ${formatCount(count)}`
    return count > 0 ? look.red(text) : text
  }
  return [
    look.bold(`${formatRate(rate)} events/s`),
    `received ${formatCount(received)}`,
    bad('lost', lost),
    `duplicate ${formatCount(duplicate)}`,
    bad('malformed', malformed),
    bad('dropped', dropped),
  ].join(GAP)
}

/** The names get what the numbers leave, each as much as it needs or half. */
function nameWidths(
  rows: readonly Row[],
  numbers: readonly number[],
  width: number | undefined,
): [number, number] {
  const type = Math.max('type'.length, ...rows.map((row) => row.type.length))
  const source = Math.max('source'.length, ...rows.map((row) => row.source.length))
  if (width === undefined) return [type, source]
  const room = Math.max(16, width - numbers.reduce((sum, each) => sum + each + GAP.length, 0) - GAP.length)
  if (type + source <= room) return [type, source]
  const half = Math.floor(room / 2)
  if (type <= half) return [type, room - type]
  if (source <= half) return [room - source, source]
  return [room - half, half]
}

function fit(text: string, width: number): string {
  return text.length > width ? `${text.slice(0, width - 1)}…` : text.padEnd(width)
}

/** One digit after the point where there is little, none where there is much. */
function formatRate(rate: number): string {
  return rate > 0 && rate < 100 ? rate.toFixed(1) : formatCount(Math.round(rate))
}

/** Digits in groups of three. */
function formatCount(count: number): string {
  return String(count).replace(/\B(?=(\d{3})+$)/g, ' ')
}
