import { useMemo, useRef, useState } from 'preact/hooks'
import { ApartButton, ChartView } from './chart-view.js'
import type { Page } from './page.js'
import { apart, type Panel } from './panels.js'
import { SharedPicture } from './picture.js'

/** Graphs that are shown before somebody asks for all of them. */
const FIRST_MEMBERS = 12

/** A small graph for each line of a panel, all with one scale of time and one of values. */
export function MultiplesView({ page, panel, wanted }: { page: Page; panel: Panel; wanted(): void }) {
  const [all, setAll] = useState(false)
  const [focused, setFocused] = useState(0)
  const grid = useRef<HTMLDivElement>(null)
  const shared = useRef(new SharedPicture())
  const members = useMemo(() => apart(panel), [panel])
  const shown = all ? members : members.slice(0, FIRST_MEMBERS)
  const picture = (line: number) =>
    shared.current.take(line, (maker) => {
      const [from, to] = page.window()
      return maker.make(page.storeOf(panel.type), panel.type, panel.lines, from, to, page.end())
    })
  const walk = (event: KeyboardEvent) => {
    const step = event.key === 'ArrowDown' ? 1 : event.key === 'ArrowUp' ? -1 : 0
    if (step === 0) return
    event.preventDefault()
    const next = Math.min(shown.length - 1, Math.max(0, focused + step))
    grid.current?.querySelectorAll<HTMLElement>('.chart')[next]?.focus()
  }
  return (
    <figure class="panel multiples">
      <figcaption>
        <span class="panel-title">
          {panel.title}
          {panel.unit === '/s' && ' per second'}
        </span>
        <span class="muted">
          {members.length} graphs, one scale
          {panel.more > 0 && `, ${panel.more} left out`}
        </span>
        <ApartButton page={page} panel={panel} apart={true} />
      </figcaption>
      <div
        ref={grid}
        class="multiples-grid"
        role="group"
        aria-label={`${panel.title} of ${panel.type}: up and down lead from graph to graph`}
        onKeyDown={walk}
        onFocusCapture={(event) => {
          const charts = [...(grid.current?.querySelectorAll('.chart') ?? [])]
          const at = charts.indexOf(event.target as Element)
          if (at !== -1) setFocused(at)
        }}
      >
        {shown.map((member, line) => (
          <ChartView
            key={member.id}
            page={page}
            panel={member}
            wanted={wanted}
            member={{
              picture: () => picture(line),
              focusable: line === Math.min(focused, shown.length - 1),
            }}
          />
        ))}
      </div>
      {members.length > FIRST_MEMBERS && (
        <button type="button" class="link more" onClick={() => setAll(!all)}>
          {all ? 'Fewer graphs' : `${members.length - FIRST_MEMBERS} more graphs`}
        </button>
      )}
    </figure>
  )
}
