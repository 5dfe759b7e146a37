import pc from 'picocolors'
import { Audit, EventBatch, type Subscription, systemClock } from '../../lib/index.js'
import { sinkLines, streamLines } from './audit-text.js'
import { troubles } from './audit-troubles.js'

/** The books that `top` keeps of what sources and sinks report. */
export class Reports {
  readonly books = new Audit()

  /** Takes what comes until the subscription ends; what is no report is not even decoded. */
  async read(subscription: Subscription): Promise<void> {
    for await (const { messages } of subscription) {
      const reports = messages.filter(({ type }) => type.startsWith('_report.'))
      for (const event of new EventBatch(reports)) this.books.take(event, systemClock.now())
    }
  }

  /** Who is in trouble, a line each. */
  troubles(): string[] {
    const now = systemClock.now()
    return troubles(this.books.sources(now), this.books.streams(now), this.books.sinks(now))
  }

  /** The whole audit, as tables or as a line of JSON. */
  text(output: 'table' | 'json'): string {
    const now = systemClock.now()
    const { refused, forgotten } = this.books
    const [sources, streams, sinks] = [
      this.books.sources(now),
      this.books.streams(now),
      this.books.sinks(now),
    ]
    const time = new Date(now).toISOString()
    const wrong = troubles(sources, streams, sinks)
    if (output === 'json')
      return JSON.stringify({ time, troubles: wrong, sources, streams, sinks, refused, forgotten })
    const options = { look: pc.createColors(false) }
    const tables = [...streamLines(sources, streams, options), '', ...sinkLines(sinks, options)]
    return `${[time, ...tables, ...(wrong.length > 0 ? ['', ...wrong] : [])].join('\n')}\n`
  }
}
