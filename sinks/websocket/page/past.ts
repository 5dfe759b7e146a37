import type { History, SeriesHistory, TypeInfo } from '../protocol.js'
import type { Panel, PanelLine, Reading } from './panels.js'
import { type Entry, identity, Store } from './store.js'

/** Points in a graph at most, and the lengths of time that they may stand for, seconds. */
const POINTS = 600
const STEPS = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10_800, 21_600, 43_200, 86_400]
/** Questions at once. The server works at two, for all pages. */
const AT_ONCE = 2
const RETRY_AFTER = 5000

/** Length of a bucket for a window of that length, both milliseconds. */
export const stepFor = (span: number): number =>
  1000 *
  (STEPS.find((each) => each * 1000 * POINTS >= span) ?? Math.ceil(span / POINTS / 86_400_000) * 86_400)

/** One question: its parameters, and whose numbers the columns of the answer are. */
export interface Question {
  parameters: [name: string, value: string][]
  /** Fields by whose values the rows are split. */
  by: string[]
  measures: { field: string | undefined; reading: Reading; kind: SeriesHistory['kind'] }[]
  entries: Entry[]
}

/** What `/api/query` answers. */
export interface Answer {
  rows: unknown[][]
  /** There is more than an answer may hold. */
  truncated: boolean
}

/** A store knows events: not what a state was in between, nor by how much a counter of each source has grown. */
export const isStored = ({ kind, lines }: Panel): boolean =>
  kind === 'lines' && lines.every(({ entry }) => entry.series.kind !== 'counter')

/** What has to be asked so that these panels can be drawn: all events, and those split by key. */
export function questionsFor({ type, hint }: TypeInfo, panels: Panel[], step: number): Question[] {
  const lines = panels.filter(isStored).flatMap((panel) => panel.lines)
  const whole = lines.filter(({ entry }) => entry.series.key === undefined)
  const keyed = lines.filter(({ entry }) => entry.series.key !== undefined)
  const by = (hint?.key ?? []).map((path) => (path === 'source' ? path : `data.${path}`))
  const questions: Question[] = []
  for (const [some, split] of [[whole, []] as const, [keyed, by] as const]) {
    if (some.length > 0) questions.push(questionFor(type, some, [...split], step))
  }
  return questions
}

function questionFor(type: string, lines: readonly PanelLine[], by: string[], step: number): Question {
  const measures = new Map<string, Question['measures'][number]>()
  for (const { entry, reading } of lines) {
    const { field, kind } = entry.series
    measures.set(measureOf(field, reading), { field, reading, kind })
  }
  const each = (name: string, values: Iterable<string>) =>
    [...values].map((value): [string, string] => [name, value])
  return {
    parameters: [
      ['type', type],
      ['every', `${step}ms`],
      ...each('by', by),
      ...each('measure', measures.keys()),
    ],
    by,
    measures: [...measures.values()],
    entries: [...new Set(lines.map(({ entry }) => entry))],
  }
}

function measureOf(field: string | undefined, reading: Reading): string {
  if (field === undefined) return 'count'
  if (reading === 'increase') return `sum(data.${field})`
  // The last value of a bucket is not among the measures.
  if (reading === 'mean' || reading === 'last') return `avg(data.${field})`
  return `${reading}(data.${field})`
}

/** The answer in the shape in which numbers come from the rings, so that all that draws them need not know. */
export function historyOf(
  question: Question,
  answer: Answer,
  from: number,
  to: number,
  step: number,
): History {
  const { by, measures, entries } = question
  const series = new Map<string, SeriesHistory>()
  const seriesFor = (field: string | undefined, key: string | undefined) =>
    entries.find((each) => each.series.field === field && each.series.key === key)?.series ??
    entries.find((each) => each.series.field === field && each.series.other)?.series
  // The bucket at which an answer was cut may be half of it.
  const last = answer.rows.at(-1)?.[0]
  const end = answer.truncated && typeof last === 'string' ? Date.parse(last) : to
  for (const [time, ...values] of answer.rows) {
    const at = Math.floor((Date.parse(String(time)) - from) / step)
    if (from + at * step >= end) continue
    const key = by.length === 0 ? undefined : values.slice(0, by.length).map(nameOf).join(' · ')
    measures.forEach(({ field, reading }, i) => {
      const found = seriesFor(field, key)
      const value = values[by.length + i]
      if (!found || typeof value !== 'number') return
      const name = identity(found)
      const columns = series.get(name) ?? { ...found, i: series.size, at: [] }
      series.set(name, columns)
      put(columns, at, reading, value)
    })
  }
  return {
    epoch: 0,
    now: to,
    step,
    from,
    to: end,
    hidden: 0,
    series: [...series.values()],
    types: [],
  }
}

const nameOf = (value: unknown) =>
  value === null || value === undefined || typeof value === 'object' ? '–' : String(value)

/** Writes a value; of several keys that share a place, those that have none of their own, sums are added up. */
function put(series: SeriesHistory, at: number, reading: Reading, value: number): void {
  let place = series.at.length - 1
  if (series.at[place] !== at) place = series.at.push(at) - 1
  const write = (name: 'n' | 'sum' | 'min' | 'max' | 'last' | 'p50' | 'p95' | 'p99', each: number) => {
    series[name] ??= []
    const column = series[name]
    while (column.length < place) column.push(Number.NaN)
    const before = column[place]
    column[place] =
      series.other && before !== undefined && (name === 'n' || name === 'sum') ? before + each : each
  }
  if (reading === 'rate') write('n', value)
  else if (reading === 'increase') write('sum', value)
  else if (reading === 'mean') {
    write('sum', value)
    write('n', 1)
  } else if (reading !== 'lost') write(reading, value)
}

/** Numbers of a time that is past, from the store that the server asks; each type when its card is looked at. */
export class Past {
  readonly step: number
  from: number
  to: number
  #changed: () => void
  #types = new Map<string, { store: Store; asked: string; error: string }>()
  #waiting: (() => Promise<void>)[] = []
  #running = 0

  /** Times are milliseconds; `changed` is called when there is something to draw. */
  constructor(from: number, to: number, step: number, changed: () => void) {
    this.from = from
    this.to = to
    this.step = step
    this.#changed = changed
  }

  storeOf(type: string): Store {
    return this.#of(type).store
  }

  /** What is to be told of the numbers of a type. */
  stateOf(type: string): 'asked' | 'there' | { error: string } {
    const { store, error } = this.#of(type)
    return error ? { error } : store.complete === 0 ? 'asked' : 'there'
  }

  /** Asks for what these panels show, once. */
  want(info: TypeInfo, panels: Panel[]): void {
    const mine = this.#of(info.type)
    const questions = questionsFor(info, panels, this.step)
    const asked = JSON.stringify([this.from, this.to, questions.map(({ parameters }) => parameters)])
    if (asked === mine.asked) return
    mine.asked = asked
    const { from, to, step } = this
    this.#waiting.push(async () => {
      try {
        const answers = await Promise.all(questions.map((question) => this.#ask(question, from, to)))
        questions.forEach((question, i) => {
          mine.store.applyHistory(historyOf(question, answers[i]!, from, to, step))
        })
        mine.error = ''
      } catch (error) {
        mine.error = error instanceof Error ? error.message : String(error)
        setTimeout(() => {
          mine.asked = ''
          this.#changed()
        }, RETRY_AFTER)
      }
      this.#changed()
    })
    this.#next()
  }

  #of(type: string) {
    let mine = this.#types.get(type)
    if (!mine) {
      const capacity = Math.ceil((this.to - this.from) / this.step) + 10
      mine = { store: new Store(this.step, capacity), asked: '', error: '' }
      this.#types.set(type, mine)
    }
    return mine
  }

  #next(): void {
    if (this.#running >= AT_ONCE) return
    const next = this.#waiting.shift()
    if (!next) return
    this.#running++
    void next().finally(() => {
      this.#running--
      this.#next()
    })
  }

  async #ask({ parameters }: Question, from: number, to: number): Promise<Answer> {
    const search = new URLSearchParams(parameters)
    search.set('from', new Date(from).toISOString())
    search.set('to', new Date(to).toISOString())
    const response = await fetch(`api/query?${search}`, { credentials: 'same-origin' })
    const answer = (await response.json()) as Answer & { error?: { message: string } }
    if (!response.ok) throw new Error(answer.error?.message ?? `HTTP ${response.status}`)
    return answer
  }
}
