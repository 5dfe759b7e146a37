import { clock, count, dateTime, lasting, show } from './format.js'
import type { Page } from './page.js'

const WORDS = {
  connecting: 'Connecting',
  open: 'Live',
  waiting: 'Reconnecting',
  refused: 'Disconnected',
} as const

/** One figure of the strip: what it is, how much, and what it means. */
function Figure({
  name,
  value,
  title,
  alarm,
}: {
  name: string
  value: string
  title: string
  alarm?: boolean
}) {
  return (
    <div class={alarm ? 'status-figure alarm' : 'status-figure'} title={title}>
      <dt>{name}</dt>
      <dd>{value}</dd>
    </div>
  )
}

/** What is seen of a page that stands still: a range, or how far it lies behind. */
function standsAt(page: Page): string {
  const { range } = page.view
  if (range) {
    const isLong = range[1] - range[0] > 86_400 || page.past
    const name = (at: number) => (isLong ? dateTime(at, page.utc).slice(5, 16) : clock(at, page.utc))
    return `${name(range[0])} – ${name(range[1])}`
  }
  return `+${lasting(page.live.now() - page.window()[1]).replace(/\.\d/, '')} behind`
}

/** How things are: the connection, and what does not reach this page. */
export function StatusStrip({ page }: { page: Page }) {
  const { live } = page
  const { strip, arrivals, skipped, timeline } = live.store
  const end = timeline.bucket(page.end())
  const age = strip?.age ?? null
  const silent = live.state === 'open' ? 0 : live.now() - live.store.complete
  const still = page.paused !== undefined
  const word = live.state === 'open' && (still || page.view.range) ? 'Paused' : WORDS[live.state]
  return (
    <dl class="status">
      <div class={`connection ${word.toLowerCase()}`} title={live.reason}>
        <dt class="sr-only">Connection</dt>
        <dd>
          <i class="dot" />
          {word}
          {live.state === 'waiting' && (
            <button type="button" class="link" onClick={() => live.reconnect()}>
              now
            </button>
          )}
          {live.state === 'refused' && (
            <button type="button" class="link" onClick={() => location.reload()}>
              reload
            </button>
          )}
        </dd>
        {word === 'Paused' && <dd class="behind">{standsAt(page)}</dd>}
      </div>
      <Figure
        name="Events"
        value={strip ? `${show(arrivals.perSecond ?? strip.n)}/s` : '–'}
        title={`Events that arrived, over the last five seconds; ${count(strip?.total.n ?? 0)} since the server started`}
      />
      <Figure
        name="Data age"
        value={age === null || end === 0 ? '–' : lasting(age + Math.max(0, silent))}
        title="Time since the newest event happened"
      />
      <Figure
        name="Lost"
        value={strip ? show(strip.total.lost) : '–'}
        alarm={(strip?.total.lost ?? 0) > 0}
        title="Events lost on the way to the server since it started; graphs show when"
      />
      <Figure
        name="Dropped"
        value={strip ? show(strip.total.dropped) : '–'}
        alarm={(strip?.total.dropped ?? 0) > 0}
        title="Events that arrived and that the server could not count in any graph"
      />
      <Figure
        name="Skipped"
        value={strip ? show(skipped) : '–'}
        title="Events that the graphs count and that were too many for the list below"
      />
    </dl>
  )
}
