/** What the user has chosen to see. All of it can stand in the address after the `#`, so that a link shows the same. */
export interface View {
  /** Length of the shown window up to now, seconds. */
  window: number
  /** A fixed range instead, seconds since 1970, after a zoom. */
  range: [from: number, to: number] | undefined
  /** Patterns between spaces or commas, or a part of a type's name; empty for everything. */
  filter: string
  theme: 'auto' | 'light' | 'dark'
  zone: 'local' | 'utc'
  kiosk: boolean
  /** Updates a second; auto: four while little is on the screen. */
  rate: 'auto' | '1' | '4'
  /** Types that stand first, types opened and types closed by hand. */
  pinned: string[]
  opened: string[]
  closed: string[]
  /** Graphs whose lines stand apart, and such whose lines do not, by hand. */
  apart: string[]
  together: string[]
  /** Names of hidden lines, by chart. */
  hidden: Record<string, string[]>
}

export const WINDOWS: [seconds: number, label: string][] = [
  [60, '1m'],
  [300, '5m'],
  [900, '15m'],
  [3600, '1h'],
  [86_400, '24h'],
  [604_800, '7d'],
  [2_592_000, '30d'],
]

/** Longer windows need a store, seconds. */
export const LONGEST_OF_RINGS = 86_400

const DEFAULT_VIEW: View = {
  window: 300,
  range: undefined,
  filter: '',
  theme: 'auto',
  zone: 'local',
  kiosk: false,
  rate: 'auto',
  pinned: [],
  opened: [],
  closed: [],
  apart: [],
  together: [],
  hidden: {},
}

/** What one link may name at most, however it was made. */
const MOST = 200
const LONGEST = 300

/** The view as it stands in the address: only what differs from the default. */
export function writeView(view: View): string {
  const out = new URLSearchParams()
  if (view.window !== DEFAULT_VIEW.window) out.set('window', String(view.window))
  if (view.range) out.set('range', view.range.map((each) => Math.round(each)).join('-'))
  if (view.filter) out.set('filter', view.filter)
  if (view.theme !== 'auto') out.set('theme', view.theme)
  if (view.zone !== 'local') out.set('zone', view.zone)
  if (view.rate !== 'auto') out.set('rate', view.rate)
  if (view.kiosk) out.set('kiosk', '1')
  for (const key of ['pinned', 'opened', 'closed', 'apart', 'together'] as const) {
    for (const each of view[key]) out.append(key, each)
  }
  for (const [chart, names] of Object.entries(view.hidden)) {
    for (const name of names) out.append('hidden', JSON.stringify([chart, name]))
  }
  return out.toString()
}

/** Reads what `writeView` wrote; what makes no sense is left at its default, as links come from anywhere. */
export function readView(text: string): View {
  const given = new URLSearchParams(text.replace(/^#/, ''))
  const list = (key: string) =>
    [...new Set(given.getAll(key))].filter((each) => each.length <= LONGEST).slice(0, MOST)
  const oneOf = <T extends string>(key: string, allowed: readonly T[], otherwise: T): T => {
    const value = given.get(key) as T
    return allowed.includes(value) ? value : otherwise
  }
  const window = Number(given.get('window'))
  const hidden: Record<string, string[]> = Object.create(null)
  for (const each of list('hidden')) {
    const [chart, name] = readPair(each) ?? []
    if (chart !== undefined && name !== undefined) hidden[chart] = [...(hidden[chart] ?? []), name]
  }
  return {
    window: WINDOWS.some(([seconds]) => seconds === window) ? window : DEFAULT_VIEW.window,
    range: readRange(given.get('range')),
    filter: (given.get('filter') ?? '').slice(0, LONGEST),
    theme: oneOf('theme', ['auto', 'light', 'dark'], 'auto'),
    zone: oneOf('zone', ['local', 'utc'], 'local'),
    rate: oneOf('rate', ['auto', '1', '4'], 'auto'),
    kiosk: given.get('kiosk') === '1',
    pinned: list('pinned'),
    opened: list('opened'),
    closed: list('closed'),
    apart: list('apart'),
    together: list('together'),
    hidden,
  }
}

function readRange(text: string | null): [number, number] | undefined {
  const [, from, to] = /^(\d{9,11})-(\d{9,11})$/.exec(text ?? '') ?? []
  return from && to && Number(from) < Number(to) ? [Number(from), Number(to)] : undefined
}

function readPair(text: string): [string, string] | undefined {
  try {
    const value: unknown = JSON.parse(text)
    if (Array.isArray(value) && value.length === 2 && value.every((each) => typeof each === 'string')) {
      return value as [string, string]
    }
  } catch {}
  return undefined
}

/** The list with the item in it, or without when it was there. */
export const toggled = (list: string[], item: string): string[] =>
  list.includes(item) ? list.filter((each) => each !== item) : [...list, item]
