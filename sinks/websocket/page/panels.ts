import type { Aggregate, FieldHint, TypeInfo } from '../protocol.js'
import type { Entry, Measure } from './store.js'

/** Which graphs a type gets, told from its series and hints alone. */

/** How a number is made of what a bucket tells. */
export type Reading = Measure | 'mean' | 'rate' | 'increase'

export interface PanelLine {
  name: string
  entry: Entry
  reading: Reading
  colour: number
  dash?: number[]
}

export interface Panel {
  /** Unique within the page. */
  id: string
  type: string
  title: string
  kind: 'lines' | 'states'
  unit: string
  lines: PanelLine[]
  /** Lines that found no place. */
  more: number
  /** Its lines are the same thing of several, such as keys or the items of a list, and can stand apart. */
  peers: boolean
  area: boolean
  hint: FieldHint
}

/** Gauges that come more often than this, events a second, are not read by a timer. */
const SAMPLED_RATE = 3

const isSample = ({ entry: { series } }: PanelLine) =>
  series.kind === 'gauge' || series.kind === 'state' || series.kind === 'counter'

/** Lines in a graph, beyond which nobody can tell them apart. */
const MOST_LINES = 8
/** More peers than these get a graph each, unless somebody wants them together. */
const MOST_TOGETHER = 5
/** Lines of a panel in all. */
const MOST_PEERS = 24
const DASHES: (number[] | undefined)[] = [undefined, [6, 3], [2, 2]]

const UNITS: [RegExp, string][] = [
  [/(_|\b)ms$|Ms$|[mM]illis/, 'ms'],
  [/bytes_?per_?second$/i, 'B/s'],
  [/(_|\b)seconds?$|Seconds?$|_s$|_time$/, 's'],
  [/bytes?(_|$)/i, 'B'],
  [/percent(age)?s?(\.\d+)?$|_pct$/i, '%'],
]

/** The unit that a field's name gives away. */
export const unitOf = (field: string): string => UNITS.find(([form]) => form.test(field))?.[1] ?? ''

/** A word that tells one event from another, such as a method, is no state that something is in. */
function isAttribute(field: string, entries: Entry[], hint: FieldHint, rate: number): boolean {
  if (hint.show === 'state' || entries.some(({ series }) => series.kind !== 'state')) return false
  if (rate >= SAMPLED_RATE) return true
  return hint.kind !== 'state' && !/(status|state|health|level|mode|phase|ready|up)$/i.test(field)
}

/** `a.b.0` belongs to `a.b`: items of a list are lines of one graph. */
const parent = (field: string): string | undefined => /^(.+)\.\d+$/.exec(field)?.[1]

/** @param rate events a second that were seen */
export function panelsFor({ type, hint = {} }: TypeInfo, entries: Entry[], rate: number): Panel[] {
  const panels: Panel[] = []
  const counts = entries.filter(({ series }) => series.field === undefined)
  const total = counts.find(({ series }) => series.key === undefined)

  const fields = new Map<string, Entry[]>()
  for (const name of Object.keys(hint.fields ?? {})) fields.set(name, [])
  for (const entry of entries) {
    const { field } = entry.series
    if (field === undefined) continue
    const list = fields.get(field)
    if (list) list.push(entry)
    else fields.set(field, [entry])
  }
  const shared = new Map<string, Panel>()
  for (const [field, list] of fields) {
    const fieldHint = hint.fields?.[field] ?? {}
    if (list.length === 0 || fieldHint.show === 'hide' || isAttribute(field, list, fieldHint, rate)) continue
    const made = fieldPanel(type, field, list, fieldHint)
    const place =
      made.lines.length === 1 && made.kind === 'lines' ? sharing(field, made, fieldHint) : undefined
    const host = place === undefined ? undefined : shared.get(place)
    if (host) join(host, made)
    else {
      if (place !== undefined) shared.set(place, made)
      panels.push(made)
    }
  }
  if (total) {
    const panel = ratePanel(type, total, counts, hint.color ?? 0)
    // How often a gauge is read is no news.
    const sampled =
      rate < SAMPLED_RATE && panels.length > 0 && panels.every(({ lines }) => lines.every(isSample))
    if (!sampled) panels.unshift(panel)
  }
  panels.sort((a, b) => Number(a.kind === 'states') - Number(b.kind === 'states'))
  for (const panel of panels) limitLines(panel)
  return panels
}

/** Whether each line has a small graph of its own. */
export function isApart(
  { id, kind, peers, lines }: Panel,
  view: { apart: string[]; together: string[] },
): boolean {
  if (!peers || kind !== 'lines' || lines.length < 2) return false
  return view.apart.includes(id) || (lines.length > MOST_TOGETHER && !view.together.includes(id))
}

/** A panel with as many lines as one graph can have. */
export function together(panel: Panel): Panel {
  const more = panel.more + Math.max(0, panel.lines.length - MOST_LINES)
  return more === panel.more ? panel : { ...panel, lines: panel.lines.slice(0, MOST_LINES), more }
}

/** A panel of each line. */
export function apart(panel: Panel): Panel[] {
  return panel.lines.map(({ dash: _, ...line }) => ({
    ...panel,
    id: `${panel.id} ${line.name}`,
    title: line.name,
    lines: [{ ...line, colour: line.entry.series.other ? 11 : (panel.hint.color ?? 0) }],
    more: 0,
    peers: false,
    area: true,
  }))
}

/** Gauges of one unit share a graph, items of a list share one of their own; what has limits of its own stays alone. */
function sharing(field: string, panel: Panel, hint: FieldHint): string | undefined {
  const { kind } = panel.lines[0]!.entry.series
  if ((kind !== 'gauge' && kind !== undefined) || hint.warn !== undefined || hint.critical !== undefined) {
    return undefined
  }
  return `${parent(field) ?? ''}/${panel.unit}`
}

function join(host: Panel, { lines, hint }: Panel): void {
  const [line] = lines
  if (!line) return
  const used = host.lines.length
  const first = host.lines[0]!
  const inList = parent(first.entry.series.field ?? '')
  host.title = inList ?? (used < 3 ? `${host.title}, ${line.name}` : host.title)
  if (inList !== undefined) for (const each of host.lines) each.name = lastPart(each.entry.series.field!)
  host.lines.push({
    ...line,
    name: inList === undefined ? line.name : lastPart(line.entry.series.field!),
    colour: hint.color ?? used % 12,
  })
  host.area = false
  host.peers = true
}

const lastPart = (field: string) => field.slice(field.lastIndexOf('.') + 1)

function ratePanel(type: string, total: Entry, counts: Entry[], colour: number): Panel {
  const keyed = sortKeys(counts.filter(({ series }) => series.key !== undefined))
  const lines: PanelLine[] =
    keyed.length > 1
      ? keyed.map((entry, i) => ({ name: entry.series.key!, entry, reading: 'rate', colour: i % 12 }))
      : [{ name: 'events', entry: total, reading: 'rate', colour }]
  return {
    id: `${type} rate`,
    type,
    title: 'Events',
    kind: 'lines',
    unit: '/s',
    lines,
    more: 0,
    peers: lines.length > 1,
    area: lines.length === 1,
    hint: { min: 0 },
  }
}

function fieldPanel(type: string, field: string, entries: Entry[], hint: FieldHint): Panel {
  const whole = entries.find(({ series }) => series.key === undefined)
  const keyed = sortKeys(entries.filter(({ series }) => series.key !== undefined))
  const kind = hint.kind ?? (whole ?? keyed[0])!.series.kind ?? 'gauge'
  const split = keyed.length > 1 || !whole
  const unit = hint.unit ?? unitOf(field)
  const panel: Panel = {
    id: `${type} ${field}`,
    type,
    title: hint.title ?? field,
    kind: kind === 'state' ? 'states' : 'lines',
    unit: kind === 'counter' || kind === 'amount' ? perSecond(unit, hint.aggregate) : unit,
    lines: [],
    more: 0,
    peers: split,
    area: false,
    hint,
  }
  if (split) {
    const reading = readingOf(kind, hint.aggregate, true)
    panel.lines = keyed.map((entry, i) => ({ name: entry.series.key!, entry, reading, colour: i % 12 }))
    if (kind === 'duration') panel.title += ` (${reading})`
  } else if (kind === 'duration' && hint.aggregate === undefined) {
    panel.lines = (['p50', 'p95', 'p99'] as const).map((reading, i) => ({
      name: reading,
      entry: whole,
      reading,
      colour: [hint.color ?? 0, 1, 3][i]!,
    }))
  } else {
    panel.lines = [
      {
        name: hint.title ?? field,
        entry: whole,
        reading: readingOf(kind, hint.aggregate, false),
        colour: hint.color ?? 0,
      },
    ]
    panel.area = true
  }
  return panel
}

const perSecond = (unit: string, aggregate: Aggregate | undefined) =>
  aggregate === undefined || aggregate === 'sum' ? (unit.endsWith('/s') ? unit : `${unit}/s`) : unit

function readingOf(kind: string, aggregate: Aggregate | undefined, split: boolean): Reading {
  if (aggregate === 'sum') return 'increase'
  if (aggregate !== undefined) return aggregate
  if (kind === 'duration') return split ? 'p95' : 'p50'
  return kind === 'counter' || kind === 'amount' ? 'increase' : 'mean'
}

/** By name, numbers as numbers, the rest of all keys last: an order that does not jump. */
function sortKeys(entries: Entry[]): Entry[] {
  const compare = new Intl.Collator('en', { numeric: true }).compare
  return entries.sort(
    (a, b) =>
      Number(a.series.other ?? false) - Number(b.series.other ?? false) ||
      compare(a.series.key!, b.series.key!),
  )
}

function limitLines(panel: Panel): void {
  panel.more = Math.max(0, panel.lines.length - MOST_PEERS)
  if (panel.more > 0) panel.lines.length = MOST_PEERS
  if (panel.lines.length < 2) return
  panel.lines.forEach((line, i) => {
    const dash = DASHES[Math.floor(i / 4) % DASHES.length]
    if (dash) line.dash = dash
  })
}
