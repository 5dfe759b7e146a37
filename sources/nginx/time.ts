const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec']

/** Lengths of the two forms: `22/Jul/2024:00:00:13 -0300` and `2024-07-22T00:00:13-03:00`. */
export const TIME_LOCAL_LENGTH = 26
export const TIME_ISO8601_LENGTH = 25

/** The number of `count` digits at `at`, or NaN. */
function digits(text: string, at: number, count: number): number {
  let value = 0
  for (let i = at; i < at + count; i++) {
    const digit = text.charCodeAt(i) - 48
    if (!(digit >= 0 && digit <= 9)) return Number.NaN
    value = value * 10 + digit
  }
  return value
}

/** Minutes east of Greenwich of `+0100` or `+01:00`, or NaN. */
function zone(text: string, at: number, colon: number): number {
  const sign = text[at] === '+' ? 1 : text[at] === '-' ? -1 : Number.NaN
  if (colon === 1 && text[at + 3] !== ':') return Number.NaN
  return sign * (digits(text, at + 1, 2) * 60 + digits(text, at + 3 + colon, 2))
}

function instant(
  year: number,
  month: number,
  day: number,
  text: string,
  clock: number,
  minutesEast: number,
): number {
  const hour = digits(text, clock, 2)
  const minute = digits(text, clock + 3, 2)
  const second = digits(text, clock + 6, 2)
  const inRange =
    month >= 0 && month < 12 && day >= 1 && day <= 31 && hour < 24 && minute < 60 && second <= 60
  if (!inRange || text[clock + 2] !== ':' || text[clock + 5] !== ':') return Number.NaN
  return Date.UTC(year, month, day, hour, minute, second) - minutesEast * 60_000
}

/** `$time_local` at `at` as milliseconds since 1970; NaN when it is none. */
export function parseTimeLocal(text: string, at: number): number {
  if (text[at + 2] !== '/' || text[at + 6] !== '/' || text[at + 11] !== ':' || text[at + 20] !== ' ') {
    return Number.NaN
  }
  const month = MONTHS.indexOf(text.slice(at + 3, at + 6))
  return instant(digits(text, at + 7, 4), month, digits(text, at, 2), text, at + 12, zone(text, at + 21, 0))
}

/** `$time_iso8601` at `at` as milliseconds since 1970; NaN when it is none. */
export function parseTimeIso8601(text: string, at: number): number {
  if (text[at + 4] !== '-' || text[at + 7] !== '-' || text[at + 10] !== 'T') return Number.NaN
  const month = digits(text, at + 5, 2) - 1
  return instant(digits(text, at, 4), month, digits(text, at + 8, 2), text, at + 11, zone(text, at + 19, 1))
}

/** Remembers the last time it read: the lines of one second share their text. */
export class LastTime {
  #parse: (text: string, at: number) => number
  #length: number
  #text = '\n'
  #time = Number.NaN

  constructor(parse: (text: string, at: number) => number, length: number) {
    this.#parse = parse
    this.#length = length
  }

  read(line: string, at: number): number {
    if (!line.startsWith(this.#text, at)) {
      // Joined with nothing, so that the text does not hold on to the block that the line was cut from.
      this.#text = Buffer.from(line.slice(at, at + this.#length)).toString()
      this.#time = this.#parse(line, at)
    }
    return this.#time
  }
}
