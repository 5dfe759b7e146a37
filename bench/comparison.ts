import { median } from './processes.js'
import type { Row, Table } from './report.js'

/** Columns that say how fast something is, by their units. */
const MEASURE = /\/s$|\b(us|ns|ms)\b/

export type Side = 'there' | 'here'

/** What the tables of a bench said at another revision and at this one, over several turns. */
export class Comparison {
  #values = new Map<string, { row: string; measure: string } & Record<Side, number[]>>()

  add(side: Side, tables: Table[]): void {
    for (const [i, { rows }] of tables.entries()) {
      for (const [at, row] of rows.entries()) {
        for (const [measure, cell] of Object.entries(row)) {
          if (!MEASURE.test(measure) || cell === '' || !Number.isFinite(Number(cell))) continue
          // A bench has its rows in the same order each time; what stands in front of a measure may be a count.
          const key = JSON.stringify([i, at, measure])
          const value = this.#values.get(key) ?? { row: labelOf(row), measure, there: [], here: [] }
          value[side].push(Number(cell))
          this.#values.set(key, value)
        }
      }
    }
  }

  /** A row for each measure of each row that both have. */
  rows(bench: string, revision: string): Row[] {
    const both = [...this.#values.values()].filter(({ there, here }) => there.length > 0 && here.length > 0)
    return both.map(({ row, measure, there, here }) => ({
      bench,
      row,
      measure,
      [revision]: round(median(there)),
      here: round(median(here)),
      'here / there': median(there) > 0 ? (median(here) / median(there)).toFixed(2) : '',
    }))
  }
}

/** The cells in front of the first measure. */
function labelOf(row: Row): string {
  const columns = Object.keys(row)
  const end = columns.findIndex((column) => MEASURE.test(column))
  const label = columns.slice(0, Math.max(1, end))
  return label.map((column) => row[column]).join(', ')
}

const round = (value: number) => (value >= 100 ? Math.round(value) : Number(value.toPrecision(3)))
