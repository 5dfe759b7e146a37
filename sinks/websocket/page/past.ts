import type { History, SeriesHistory, TypeInfo } from '../protocol.js'
import type { Panel, PanelLine, Reading } from './panels.js'
import { type Entry, identity, Store } from './store.js'

/** Points in a graph at most, and the lengths of time that they may stand for, seconds. */
const POINTS = 600
const STEPS = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10_800, 21_600, 43_200, 86_400]
/** Different states of a field. */
const MOST_WORDS = 64
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
  /**
   * Of what the rows tell. `numbers`: a column for each measure. `growth`: the least and the greatest total of each
   * source. `words`: how often each word of a state was said.
   */
  kind: 'numbers' | 'growth' | 'words'
  /** How many columns the key has, by whose values the rows are split; a source or a word comes after them. */
  keys: number
  measures: { field: string | undefined; reading: Reading }[]
  entries: Entry[]
}

/** What `/api/query` answers. */
export interface Answer {
  rows: unknown[][]
  /** There is more than an answer may hold. */
  truncated: boolean
}

/** What has to be asked so that these panels can be drawn: all events, and those split by key. */
export function questionsFor({ type, hint }: TypeInfo, panels: Panel[], step: number): Question[] {
  const lines = panels.flatMap((panel) => panel.lines)
  const by = (hint?.key ?? []).map((path) => (path === 'source' ? path : `data.${path}`))
  const questions: Question[] = []
  for (const keyed of [false, true]) {
    const some = lines.filter(({ entry }) => (entry.series.key !== undefined) === keyed)
    const keys = keyed ? by : []
    const head: Question['parameters'] = [
      ['type', type],
      ['every', `${step}ms`],
      ...keys.map((field): [string, string] => ['by', field]),
    ]
    const kindOf = ({ entry, reading }: PanelLine) =>
      entry.series.kind === 'state'
        ? 'words'
        : entry.series.kind === 'counter' && reading === 'increase'
          ? 'growth'
          : 'numbers'
    const numbers = some.filter((line) => kindOf(line) === 'numbers')
    if (numbers.length > 0) questions.push(numbersOf(head, keys.length, numbers))
    for (const kind of ['growth', 'words'] as const) {
      const others = some.filter((line) => kindOf(line) === kind)
      for (const field of new Set(others.map(({ entry }) => entry.series.field!))) {
        const entries = others.map(({ entry }) => entry).filter(({ series }) => series.field === field)
        questions.push(questionOf(head, keys.length, kind, field, entries))
      }
    }
  }
  return questions
}

function numbersOf(head: Question['parameters'], keys: number, lines: readonly PanelLine[]): Question {
  const measures = new Map<string, Question['measures'][number]>()
  for (const { entry, reading } of lines) {
    const { field } = entry.series
    measures.set(measureOf(field, reading), { field, reading })
  }
  return {
    parameters: [...head, ...[...measures.keys()].map((each): [string, string] => ['measure', each])],
    kind: 'numbers',
    keys,
    measures: [...measures.values()],
    entries: [...new Set(lines.map(({ entry }) => entry))],
  }
}

function questionOf(
  head: Question['parameters'],
  keys: number,
  kind: 'growth' | 'words',
  field: string,
  entries: Entry[],
): Question {
  const rest: Question['parameters'] =
    kind === 'words'
      ? [['by', `data.${field}`]]
      : [
          ['by', 'source'],
          ['measure', `min(data.${field})`],
          ['measure', `max(data.${field})`],
        ]
  return { parameters: [...head, ...rest], kind, keys, measures: [{ field, reading: 'last' }], entries }
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
  const { kind, keys, measures, entries } = question
  const series = new Map<string, SeriesHistory>()
  const columnsOf = (field: string | undefined, key: string | undefined): SeriesHistory | undefined => {
    const mine = entries.filter((each) => each.series.field === field)
    const found = mine.find((each) => each.series.key === key) ?? mine.find((each) => each.series.other)
    if (!found) return undefined
    const name = identity(found.series)
    const known = series.get(name)
    if (known) return known
    const { states } = found.series
    // Words that the server has not heard itself are added to a list of our own.
    const columns = { ...found.series, i: series.size, at: [], ...(states && { states: [...states] }) }
    series.set(name, columns)
    return columns
  }
  // The bucket at which an answer was cut may be half of it.
  const last = answer.rows.at(-1)?.[0]
  const end = answer.truncated && typeof last === 'string' ? Date.parse(last) : to
  const growth = new Growth()
  const words = new Words()
  for (const [time, ...values] of answer.rows) {
    const at = Math.floor((Date.parse(String(time)) - from) / step)
    if (from + at * step >= end) continue
    const key = keys === 0 ? undefined : values.slice(0, keys).map(nameOf).join(' · ')
    const rest = values.slice(keys)
    measures.forEach(({ field, reading }, i) => {
      const columns = columnsOf(field, key)
      if (!columns) return
      if (kind === 'words') words.add(columns, at, nameOf(rest[0]), Number(rest[1]))
      else if (kind === 'growth') {
        const [source, least, most] = rest
        if (typeof least !== 'number' || typeof most !== 'number') return
        const grown = growth.of(`${key}\0${source}`, least, most)
        if (at >= 0) put(columns, at, 'increase', grown, true)
      } else if (typeof rest[i] === 'number') put(columns, at, reading, rest[i], columns.other === true)
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

/** By how much a total has grown, told from the least and the greatest that it was in each bucket. */
class Growth {
  #before = new Map<string, number>()

  of(name: string, least: number, most: number): number {
    const before = this.#before.get(name)
    this.#before.set(name, most)
    if (before === undefined) return most - least
    if (least >= before) return most - before
    // It began anew at zero: before this bucket, or somewhere in it, which is told as little as it can be.
    return most <= before ? most : most - before + least
  }
}

/** The word that was said most in a bucket: a store does not tell which one was the last. */
class Words {
  #most = new Map<SeriesHistory, number>()

  add(columns: SeriesHistory, at: number, word: string, count: number): void {
    if (columns.at.at(-1) !== at) {
      columns.at.push(at)
      columns.last ??= []
      columns.last.push(-1)
      this.#most.set(columns, 0)
    }
    if (count <= this.#most.get(columns)!) return
    this.#most.set(columns, count)
    columns.states ??= []
    const { states } = columns
    let index = states.indexOf(word)
    if (index === -1 && states.length < MOST_WORDS) index = states.push(word) - 1
    columns.last![columns.at.length - 1] = index
  }
}

const nameOf = (value: unknown) =>
  value === null || value === undefined || typeof value === 'object' ? '–' : String(value)

/** Writes a value; of several that share a place, such as keys that have none of their own, sums are added up. */
function put(series: SeriesHistory, at: number, reading: Reading, value: number, adds: boolean): void {
  let place = series.at.length - 1
  if (series.at[place] !== at) place = series.at.push(at) - 1
  const write = (name: 'n' | 'sum' | 'min' | 'max' | 'last' | 'p50' | 'p95' | 'p99', each: number) => {
    series[name] ??= []
    const column = series[name]
    while (column.length < place) column.push(Number.NaN)
    const before = column[place]
    column[place] = adds && before !== undefined && (name === 'n' || name === 'sum') ? before + each : each
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
        const losses = await this.#losses(info.type, from, to)
        questions.forEach((question, i) => {
          mine.store.applyHistory(historyOf(question, answers[i]!, from, to, step))
        })
        mine.store.applyLosses(info.type, losses)
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
      mine.store.lossesFrom = Number.POSITIVE_INFINITY
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

  /** What the server itself knows of that time: no store has what was lost. */
  async #losses(type: string, from: number, to: number): Promise<History> {
    const search = new URLSearchParams({ match: type, want: 'counts', keys: '0', step: String(this.step) })
    search.set('from', String(from))
    search.set('to', String(to))
    const response = await fetch(`api/history?${search}`, { credentials: 'same-origin' })
    if (!response.ok) throw new Error(`api/history: ${response.status}`)
    return (await response.json()) as History
  }

  async #ask({ parameters, kind }: Question, from: number, to: number): Promise<Answer> {
    const search = new URLSearchParams(parameters)
    // What a total has grown by in the first bucket is told from the one before.
    search.set('from', new Date(kind === 'growth' ? from - this.step : from).toISOString())
    search.set('to', new Date(to).toISOString())
    const response = await fetch(`api/query?${search}`, { credentials: 'same-origin' })
    const answer = (await response.json()) as Answer & { error?: { message: string } }
    if (!response.ok) throw new Error(answer.error?.message ?? `HTTP ${response.status}`)
    return answer
  }
}
