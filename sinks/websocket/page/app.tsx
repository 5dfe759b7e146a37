import { useEffect, useMemo, useReducer, useRef, useState } from 'preact/hooks'
import { Arranger } from './arrange.js'
import { Card } from './card.js'
import { Empty } from './empty.js'
import { EventsTable } from './events-table.js'
import { filtered } from './filter.js'
import { Help } from './help.js'
import type { Page } from './page.js'
import { StatusStrip } from './status.js'
import type { Entry } from './store.js'
import { Strip } from './strip.js'
import { Toolbar } from './toolbar.js'
import { LONGEST_OF_RINGS, WINDOWS } from './view.js'

/** Strips in one view; whoever has more types filters. */
const MOST_STRIPS = 100
/** Until then cards are sorted anew with every type that comes. */
const SETTLED_AFTER = 2500

export function App({ page }: { page: Page }) {
  const [, render] = useReducer((count: number) => count + 1, 0)
  const [help, setHelp] = useState(false)
  useEffect(() => page.subscribe(() => render(0)), [])
  useEffect(() => listenToKeys(page, () => setHelp((open) => !open)), [])

  const { store } = page.live
  const { view } = page
  const arranger = useRef(new Arranger())
  const order = useMemo(() => {
    const types = [...store.types.values()].filter(
      ({ type, hint }) => hint?.show !== 'hide' && filtered(view.filter, type),
    )
    const settled = page.live.opened !== 0 && Date.now() - page.live.opened > SETTLED_AFTER
    const end = store.timeline.bucket(page.end())
    const rate = (type: string) =>
      store.hasHeard(type) ? store.rate(type, end, 60) || store.types.get(type)?.rate || 0 : undefined
    return arranger.current.arrange(types, rate, view, settled)
  }, [store, store.revision, view.filter, view.pinned, view.opened, view.closed])
  const entries = useMemo(() => byType(store.entries.values()), [store, store.revision])

  let group = ''
  return (
    <div class={view.kiosk ? 'page kiosk' : 'page'}>
      <header class="bar">
        <h1>
          <Mark />
          <span>Eventstorm</span>
        </h1>
        <StatusStrip page={page} />
        {view.kiosk ? (
          <button type="button" class="tool wide leave" onClick={() => page.setView({ kiosk: false })}>
            Leave <kbd>Esc</kbd>
          </button>
        ) : (
          <Toolbar page={page} help={() => setHelp(true)} />
        )}
      </header>
      <main>
        {page.live.refused && <p class="notice">{page.live.refused}</p>}
        {order.cards.length === 0 && (order.strips.length === 0 || store.entries.size === 0) && (
          <Empty page={page} />
        )}
        <div class="cards">
          {order.cards.map((type) => {
            const info = store.types.get(type)
            if (!info) return null
            const heading = info.hint?.group && info.hint.group !== group ? info.hint.group : undefined
            group = info.hint?.group ?? group
            return [
              heading && (
                <h2 class="group" key={`group ${heading}`}>
                  {heading}
                </h2>
              ),
              <Card key={type} page={page} info={info} entries={entries.get(type) ?? NONE} />,
            ]
          })}
        </div>
        {!view.kiosk && order.strips.length > 0 && (
          <section class="card strips" aria-labelledby="strips-title">
            <header class="card-head">
              <h2 id="strips-title">More event types</h2>
              <span class="muted">
                {order.strips.length} closed
                {store.hidden > 0 && `, ${store.hidden} series left out by the server`}
              </span>
            </header>
            <ul>
              {order.strips.slice(0, MOST_STRIPS).map((type) => {
                const info = store.types.get(type)
                return info && <Strip key={type} page={page} info={info} />
              })}
            </ul>
            {order.strips.length > MOST_STRIPS && (
              <p class="muted">
                and {order.strips.length - MOST_STRIPS} more: the filter at the top finds them
              </p>
            )}
          </section>
        )}
        {!view.kiosk && store.types.size > 0 && <EventsTable page={page} />}
      </main>
      {help && <Help close={() => setHelp(false)} />}
      <div class="sr-only" role="status" aria-live="polite">
        {page.said}
      </div>
    </div>
  )
}

const NONE: Entry[] = []

function byType(entries: Iterable<Entry>): Map<string, Entry[]> {
  const found = new Map<string, Entry[]>()
  for (const entry of entries) {
    const list = found.get(entry.series.type)
    if (list) list.push(entry)
    else found.set(entry.series.type, [entry])
  }
  return found
}

function Mark() {
  return (
    <svg class="mark" viewBox="0 0 32 32" aria-hidden="true">
      <rect width="32" height="32" rx="8" />
      <path d="M5 19h5l3-9 5 14 3-8h6" />
    </svg>
  )
}

function listenToKeys(page: Page, help: () => void): () => void {
  const pressed = (event: KeyboardEvent) => {
    const target = event.target as HTMLElement
    if (event.ctrlKey || event.metaKey || event.altKey || target.closest('input, select, textarea')) return
    const windows = WINDOWS.filter(([seconds]) => seconds <= LONGEST_OF_RINGS || page.live.hasStore)
    const [window] = windows[Number(event.key) - 1] ?? []
    if (window !== undefined) page.setView({ window, range: undefined })
    else if (event.key === ' ') {
      if (target.closest('button, summary, a')) return
      if (page.paused !== undefined || page.view.range) page.goLive()
      else page.pause(true)
    } else if (event.key === '/') document.getElementById('filter')?.focus()
    else if (event.key === 'k') page.setView({ kiosk: !page.view.kiosk })
    else if (event.key === 't') page.setView({ theme: page.dark ? 'light' : 'dark' })
    else if (event.key === '?') help()
    else if (event.key === 'Escape') {
      if (page.view.kiosk) page.setView({ kiosk: false })
      else if (page.view.range) page.goLive()
      return
    } else return
    event.preventDefault()
  }
  addEventListener('keydown', pressed)
  return () => removeEventListener('keydown', pressed)
}
