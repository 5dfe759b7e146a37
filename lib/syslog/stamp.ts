import { type WallClock, wallClock } from './zone.js'

const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec']
const DAYS = [31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
const DAY = 86_400_000
const WEEK = 7 * DAY
const MINUTE = 60_000

const SPACE = 32
const PLUS = 43
const MINUS = 45
const DOT = 46
const ZERO = 48
const NINE = 57
const COLON = 58

/** A figure of two digits, or NaN. */
function two(text: string, at: number): number {
  const tens = text.charCodeAt(at) - ZERO
  const ones = text.charCodeAt(at + 1) - ZERO
  return tens >= 0 && tens <= 9 && ones >= 0 && ones <= 9 ? tens * 10 + ones : Number.NaN
}

function isLeap(year: number): boolean {
  return year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0)
}

/**
 * Reads the stamp at the start of a syslog line: `Mar  1 12:00:00` (RFC 3164) and `2025-03-01T12:00:00.5+01:00`
 * (RFC 3339; without an offset it is a time of the zone). Seconds of one minute share their calendar work, so the
 * usual line costs two figures.
 */
export class Stamps {
  /** Where the stamp that was read last ends. */
  end = 0
  /** The times that the log cannot be later than; a stamp without a year is told from it. */
  #reference: number
  #wallClock: WallClock
  /** The line before: logs go forward. */
  #previous = Number.NaN
  #minuteText = '\n'
  #minute = 0

  constructor(zone: string, reference: number) {
    this.#wallClock = wallClock(zone)
    this.#reference = reference
  }

  /** A file begins that was last written at `modified`. */
  begin(modified: number): void {
    this.#reference = modified
    this.#previous = Number.NaN
    this.#minuteText = '\n'
  }

  /** Time goes on while a file is followed. */
  advance(now: number): void {
    if (now > this.#reference) this.#reference = now
  }

  /** Milliseconds since 1970, or NaN when no stamp stands at `from`. */
  read(text: string, from: number): number {
    const first = text.charCodeAt(from)
    return first >= ZERO && first <= NINE ? this.#readFull(text, from) : this.#readShort(text, from)
  }

  #readShort(text: string, from: number): number {
    let at: number
    if (text.startsWith(this.#minuteText, from)) {
      at = from + this.#minuteText.length
    } else {
      const month = MONTHS.indexOf(text.slice(from, from + 3))
      if (month < 0 || text.charCodeAt(from + 3) !== SPACE) return Number.NaN
      at = from + 4
      if (text.charCodeAt(at) === SPACE) at++
      let day = two(text, at)
      if (day >= 0) {
        at += 2
      } else {
        day = text.charCodeAt(at) - ZERO
        at++
      }
      if (!(day >= 1 && day <= DAYS[month]!) || text.charCodeAt(at) !== SPACE) return Number.NaN
      const hour = two(text, at + 1)
      const minute = two(text, at + 4)
      if (!(hour <= 23 && minute <= 59)) return Number.NaN
      if (text.charCodeAt(at + 3) !== COLON || text.charCodeAt(at + 6) !== COLON) return Number.NaN
      at += 7
      this.#minute = this.#inSomeYear(month, day, hour, minute)
      this.#minuteText = text.slice(from, at)
    }
    const time = this.#addSeconds(text, at, this.#minute)
    if (!Number.isNaN(time)) this.#previous = time
    return time
  }

  /**
   * The year that the stamp does not have. Logs go forward, so it is the first such time after the line before
   * (with a week's slack for clocks that were set back), or, for the first line and where that would be in the
   * future, the last such time that is not later than the reference (with a day's slack for zones and clocks).
   */
  #inSomeYear(month: number, day: number, hour: number, minute: number): number {
    const latest = this.#reference + DAY
    const inYear = (year: number) =>
      month === 1 && day === 29 && !isLeap(year)
        ? Number.NaN
        : this.#wallClock(Date.UTC(year, month, day, hour, minute))
    if (!Number.isNaN(this.#previous)) {
      const from = this.#previous - WEEK
      const year = new Date(from).getUTCFullYear()
      // One year earlier since the zone may be a year ahead; nine later since leap days may be eight years apart.
      for (let candidate = year - 1; candidate <= year + 9; candidate++) {
        const time = inYear(candidate)
        if (time > latest) break
        if (time >= from) return time
      }
    }
    const year = new Date(latest).getUTCFullYear() + 1
    for (let candidate = year; candidate > year - 10; candidate--) {
      const time = inYear(candidate)
      if (time <= latest) return time
    }
    return Number.NaN
  }

  #readFull(text: string, from: number): number {
    const time = this.#addSeconds(text, from + 17, 0)
    if (Number.isNaN(time)) return time
    const minute = this.#fullMinute(text, from)
    let at = this.end
    const sign = text.charCodeAt(at)
    if (sign === PLUS || sign === MINUS) {
      const hours = two(text, at + 1)
      at += 3
      if (text.charCodeAt(at) === COLON) at++
      let minutes = two(text, at)
      if (minutes <= 59) at += 2
      else minutes = 0
      if (!(hours <= 23)) return Number.NaN
      this.end = at
      return minute + time - (hours * 60 + minutes) * (sign === PLUS ? MINUTE : -MINUTE)
    }
    if (sign === 90 || sign === 122) {
      this.end = at + 1
      return minute + time
    }
    return this.#wallClock(minute) + time
  }

  /** The minute of `2025-03-01T12:00:`, as if it were UTC. */
  #fullMinute(text: string, from: number): number {
    if (text.startsWith(this.#minuteText, from)) return this.#minute
    const year = two(text, from) * 100 + two(text, from + 2)
    const month = two(text, from + 5)
    const day = two(text, from + 8)
    const hour = two(text, from + 11)
    const minute = two(text, from + 14)
    const valid =
      year >= 1 &&
      month >= 1 &&
      month <= 12 &&
      day >= 1 &&
      day <= DAYS[month - 1]! &&
      (month !== 2 || day < 29 || isLeap(year)) &&
      hour <= 23 &&
      minute <= 59 &&
      text.charCodeAt(from + 4) === MINUS &&
      text.charCodeAt(from + 7) === MINUS &&
      'Tt '.includes(text.charAt(from + 10)) &&
      text.charCodeAt(from + 13) === COLON &&
      text.charCodeAt(from + 16) === COLON
    if (!valid) return Number.NaN
    this.#minute = new Date(0).setUTCFullYear(year, month - 1, day) + (hour * 60 + minute) * MINUTE
    this.#minuteText = text.slice(from, from + 17)
    return this.#minute
  }

  /** Adds `07` or `07.25` at `at`, to the millisecond; a leap second counts as the one after it. */
  #addSeconds(text: string, at: number, minute: number): number {
    const seconds = two(text, at)
    if (!(seconds <= 60)) return Number.NaN
    let next = at + 2
    let time = minute + seconds * 1000
    if (text.charCodeAt(next) === DOT) {
      let weight = 100
      for (next++; ; next++) {
        const digit = text.charCodeAt(next) - ZERO
        if (!(digit >= 0 && digit <= 9)) break
        if (weight >= 1) time += digit * weight
        weight /= 10
      }
    }
    this.end = next
    return time
  }
}
