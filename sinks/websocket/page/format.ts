/** Numbers, lengths of time and clock times as people read them. Pure. */

export interface Scaled {
  /** Divides a value to get what is shown. */
  factor: number
  /** What stands behind the number, such as `ms` or `MiB/s`; empty for plain numbers. */
  unit: string
}

const SI = ['', 'k', 'M', 'G', 'T', 'P']
const IEC = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB']
/** Units of time by their length in seconds; the last one that is not longer than the value is taken. */
const TIMES: [unit: string, seconds: number][] = [
  ['ns', 1e-9],
  ['µs', 1e-6],
  ['ms', 1e-3],
  ['s', 1],
  ['min', 60],
  ['h', 3600],
  ['d', 86_400],
]
const SPELLINGS: Record<string, string> = {
  bytes: 'B',
  byte: 'B',
  us: 'µs',
  sec: 's',
  seconds: 's',
  milliseconds: 'ms',
  percent: '%',
  'bytes/s': 'B/s',
}

/** The scale in which a value of this size and unit is read best; all ticks of an axis share that of the largest. */
export function scaleFor(largest: number, unit = ''): Scaled {
  const size = Math.abs(largest)
  const known = SPELLINGS[unit] ?? unit
  if (known === 'B' || known === 'B/s') {
    const power = powerOf(size, 1024, IEC.length)
    return { factor: 1024 ** power, unit: `${IEC[power]}${known.slice(1)}` }
  }
  const time = TIMES.find(([name]) => name === known)
  if (time) {
    const seconds = size * time[1]
    const best = size === 0 ? time : (TIMES.findLast(([, each]) => seconds >= each * 0.9995) ?? TIMES[0]!)
    return { factor: best[1] / time[1], unit: best[0] }
  }
  if (known === '%') return { factor: 1, unit: '%' }
  const power = powerOf(size, 1000, SI.length)
  return { factor: 1000 ** power, unit: `${SI[power]}${known && power ? ' ' : ''}${known}` }
}

function powerOf(size: number, base: number, count: number): number {
  if (!(size >= base * 0.9995)) return 0
  return Math.min(count - 1, Math.floor(Math.log(size * 1.0005) / Math.log(base)))
}

/** Three digits that matter, no trailing zeros: 0.123, 1.23, 12.3, 123. */
export function digits(value: number, decimals?: number): string {
  if (!Number.isFinite(value)) return '–'
  const size = Math.abs(value)
  const places = decimals ?? (size === 0 || size >= 99.95 ? 0 : size >= 9.995 ? 1 : size >= 0.9995 ? 2 : 3)
  const text = value.toFixed(places)
  return decimals === undefined && text.includes('.') ? text.replace(/\.?0+$/, '') : text
}

/** A value with its unit, such as `1.2 MiB`, `35 ms`, `12.3k`; a dash when there is none. */
export function show(value: number, unit = '', decimals?: number): string {
  if (!Number.isFinite(value)) return '–'
  const scaled = scaleFor(value, unit)
  const number = digits(value / scaled.factor, decimals)
  if (scaled.unit === '') return number
  return SI.includes(scaled.unit) || scaled.unit === '%'
    ? `${number}${scaled.unit}`
    : `${number} ${scaled.unit}`
}

/** Whole numbers with groups of thousands, as counters are read. */
export const count = (value: number): string => Math.round(value).toLocaleString('en-US')

/** How long ago, or how long: `0.4 s`, `12 s`, `3 min`, `5 h`. Milliseconds. */
export function lasting(ms: number): string {
  const seconds = Math.max(0, ms) / 1000
  if (seconds < 10) return `${seconds.toFixed(1)} s`
  if (seconds < 120) return `${Math.round(seconds)} s`
  if (seconds < 7200) return `${Math.round(seconds / 60)} min`
  return `${Math.round(seconds / 3600)} h`
}

const two = (value: number) => String(value).padStart(2, '0')

/** `14:03:09`, with `.123` for milliseconds wanted; seconds since 1970. */
export function clock(seconds: number, utc: boolean, milliseconds = false): string {
  const date = new Date(seconds * 1000)
  const [h, m, s] = utc
    ? [date.getUTCHours(), date.getUTCMinutes(), date.getUTCSeconds()]
    : [date.getHours(), date.getMinutes(), date.getSeconds()]
  const fraction = milliseconds ? `.${String(date.getUTCMilliseconds()).padStart(3, '0')}` : ''
  return `${two(h)}:${two(m)}:${two(s)}${fraction}`
}

/** `2026-01-31 14:03:09`; seconds since 1970. */
export function dateTime(seconds: number, utc: boolean): string {
  const date = new Date(seconds * 1000)
  const [y, m, d] = utc
    ? [date.getUTCFullYear(), date.getUTCMonth(), date.getUTCDate()]
    : [date.getFullYear(), date.getMonth(), date.getDate()]
  return `${y}-${two(m + 1)}-${two(d)} ${clock(seconds, utc)}`
}
