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
  /** Digits in groups of three, for eyes; programs want them without. */
  grouped?: boolean
}

/** How numbers look. */
interface Figures {
  count(count: number): string
  rate(rate: number): string
}

const NUMBERS = ['rate/s', 'received', 'lost', 'duplicate'] as const
const GAP = '  '

/** The table as lines: a heading, the rows, and the sums. */
export function tableLines(rows: readonly Row[], totals: Totals, options: TextOptions): string[] {
  const { look, maxRows } = options
  const { count, rate } = figures(options.grouped ?? false)
  const shown = rows.slice(0, maxRows)
  const cells = shown.map((row) => [
    rate(row.rate),
    count(row.received),
    count(row.lost),
    count(row.duplicate),
  ])
  const widths = NUMBERS.map((title, i) => Math.max(title.length, ...cells.map((row) => row[i]!.length)))
  const [typeWidth, sourceWidth] = nameWidths(shown, widths, options.width)
  const heading = [
    'type'.padEnd(typeWidth),
    'source'.padEnd(sourceWidth),
    ...NUMBERS.map((title, i) => title.padStart(widths[i]!)),
  ].join(GAP)
  const lines = shown.map((row, i) => {
    const [perSecond, received, lost, duplicate] = cells[i]!.map((cell, n) => cell.padStart(widths[n]!))
    const names = [fit(row.type, typeWidth), look.dim(fit(row.source, sourceWidth))]
    return [...names, perSecond, received, row.lost > 0 ? look.red(lost!) : lost, duplicate].join(GAP)
  })
  const more = rows.length - shown.length
  return [
    look.bold(heading),
    ...lines,
    ...(rows.length === 0 ? [look.dim('nothing yet')] : []),
    ...(more > 0 ? [look.dim(`and ${more} more`)] : []),
    totalsLine(totals, look, { count, rate }),
  ]
}

function totalsLine(totals: Totals, look: Look, { count, rate }: Figures): string {
  const bad = (name: string, events: number) => {
    const text = `${name} ${count(events)}`
    return events > 0 ? look.red(text) : text
  }
  return [
    look.bold(`${rate(totals.rate)} events/s`),
    `received ${count(totals.received)}`,
    bad('lost', totals.lost),
    `duplicate ${count(totals.duplicate)}`,
    bad('malformed', totals.malformed),
    bad('dropped', totals.dropped),
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

/** The text in exactly so many columns. */
export function fit(text: string, width: number): string {
  return text.length > width ? `${text.slice(0, width - 1)}…` : text.padEnd(width)
}

function figures(grouped: boolean): Figures {
  const count = (each: number) => (grouped ? String(each).replace(/\B(?=(\d{3})+$)/g, ' ') : String(each))
  // One digit after the point where there is little, none where there is much.
  return { count, rate: (rate) => (rate > 0 && rate < 100 ? rate.toFixed(1) : count(Math.round(rate))) }
}

/** Hours, minutes and seconds, as UTC. */
export const timeOfDay = (time: number) => `${new Date(time).toISOString().slice(11, 19)}Z`
