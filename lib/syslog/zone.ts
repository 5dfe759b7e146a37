import { z } from '../options.js'

/** Milliseconds since 1970 of a wall-clock time, given as if it were UTC. */
export type WallClock = (asUtc: number) => number

const FIXED = /^([+-])(\d\d):?(\d\d)$/
const MINUTE = 60_000

/**
 * How wall-clock times of a zone become instants. `zone` is `local` (this machine's), `UTC`, an offset such as
 * `+02:00`, or a name such as `Europe/Berlin`. The hour that comes twice in autumn is read as its first coming.
 *
 * @throws RangeError when there is no such zone
 */
export function wallClock(zone: string): WallClock {
  if (zone === 'local') return fromLocal
  const fixed = FIXED.exec(zone)
  if (fixed) {
    const offset = (Number(fixed[2]) * 60 + Number(fixed[3])) * MINUTE * (fixed[1] === '-' ? -1 : 1)
    return (asUtc) => asUtc - offset
  }
  if (zone === 'UTC') return (asUtc) => asUtc
  return fromNamed(zone)
}

function fromLocal(asUtc: number): number {
  const date = new Date(asUtc)
  return new Date(
    date.getUTCFullYear(),
    date.getUTCMonth(),
    date.getUTCDate(),
    date.getUTCHours(),
    date.getUTCMinutes(),
    date.getUTCSeconds(),
  ).getTime()
}

function fromNamed(zone: string): WallClock {
  const format = new Intl.DateTimeFormat('en-US', {
    timeZone: zone,
    hourCycle: 'h23',
    year: 'numeric',
    month: 'numeric',
    day: 'numeric',
    hour: 'numeric',
    minute: 'numeric',
    second: 'numeric',
  })
  const offsetAt = (instant: number) => {
    const figures = { year: 0, month: 0, day: 0, hour: 0, minute: 0, second: 0 }
    for (const { type, value } of format.formatToParts(instant)) {
      if (type in figures) figures[type as keyof typeof figures] = Number(value)
    }
    const { year, month, day, hour, minute, second } = figures
    return Date.UTC(year, month - 1, day, hour, minute, second) - Math.floor(instant / 1000) * 1000
  }
  return (asUtc) => {
    // Near a change of the clocks the offsets before and after are both candidates: the one that holds at the
    // instant it leads to is right, and the earlier instant wins when both do.
    const early = asUtc - offsetAt(asUtc - 24 * 60 * MINUTE)
    const late = asUtc - offsetAt(asUtc + 24 * 60 * MINUTE)
    if (early + offsetAt(early) === asUtc) return early
    return late + offsetAt(late) === asUtc ? late : early
  }
}

/** Whether there is such a zone. */
export function checkZone(zone: string): boolean {
  try {
    wallClock(zone)
    return true
  } catch {
    return false
  }
}

/** The option that says in which zone stamps without one were written, the same for every log source. */
export const zoneOption = () =>
  z
    .string()
    .refine(
      checkZone,
      'expected "local", "UTC", an offset such as "+02:00" or a zone such as "Europe/Berlin"',
    )
    .default('local')
    .meta({
      description:
        'Time zone of stamps that name none: local, UTC, an offset or a name such as Europe/Berlin.',
      argument: 'zone',
    })
