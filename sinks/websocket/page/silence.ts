import type { TypeInfo } from '../protocol.js'
import { clock, dateTime, lasting } from './format.js'
import type { Page } from './page.js'

/** Until then nobody asks where the events are, milliseconds. */
const USUAL = 60_000

export interface Silence {
  /** Such as `4 min ago` and `none yet`. */
  short: string
  /** A sentence. */
  long: string
  /** Longer than the hint says is good. */
  alarm: boolean
}

/** Since when nothing came of a type; undefined while it is heard of, and when the past is looked at. */
export function silenceOf(page: Page, { type, stored, hint }: TypeInfo): Silence | undefined {
  if (page.past || page.view.range) return undefined
  const { store } = page.live
  const now = page.window()[1]
  const last = store.lastOf(type)
  const alarm = hint?.stale !== undefined && now - Math.max(last, store.epoch) > hint.stale
  if (last === 0) {
    const since = `No event since this server started at ${clock(store.epoch / 1000, page.utc)}`
    if (stored === undefined) return { short: 'none yet', long: `${since}.`, alarm }
    const hour = dateTime(stored / 1000, page.utc).slice(0, 16)
    return {
      short: 'none yet',
      long: `${since}; the store has the last one in the hour from ${hour}.`,
      alarm,
    }
  }
  if (!alarm && now - last < USUAL) return undefined
  const ago = `${lasting(now - last).replace(/\.\d/, '')} ago`
  return { short: ago, long: `The last event came at ${dateTime(last / 1000, page.utc)}, ${ago}.`, alarm }
}
