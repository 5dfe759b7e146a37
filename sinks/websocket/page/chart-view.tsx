import { useEffect, useRef } from 'preact/hooks'
import { Chart } from './chart.js'
import { clock, show } from './format.js'
import type { Page } from './page.js'
import type { Panel, PanelLine } from './panels.js'
import { entryIn, PictureMaker, read, valueAt } from './picture.js'
import { currentPalette } from './theme.js'

const HEIGHT = 148

/** The newest value of a line, if it has one among the last few buckets. */
export function latest(page: Page, line: PanelLine): number {
  const store = page.storeOf(line.entry.series.type)
  const entry = entryIn(store, line)
  const [, to] = page.window()
  const end = store.timeline.bucket(Math.min(to, page.end()))
  for (let bucket = end - 1; bucket > end - 60; bucket--) {
    const value = read(store, entry, line.reading, bucket)
    if (!Number.isNaN(value)) return value
  }
  return Number.NaN
}

/** @param props.wanted called before each picture, which is only made when it can be seen */
export function ChartView(props: { page: Page; panel: Panel; wanted(): void }) {
  const { page, panel } = props
  const host = useRef<HTMLDivElement>(null)
  const chart = useRef<Chart | undefined>(undefined)
  const current = useRef(panel)
  current.current = panel
  const wanted = useRef(props.wanted)
  wanted.current = props.wanted
  const hidden = page.view.hidden[panel.id] ?? []
  const names = panel.lines.map((line) => line.name).join('\n')
  const { hint } = panel

  useEffect(() => {
    const maker = new PictureMaker()
    const made = new Chart(
      host.current!,
      {
        lines: panel.lines.map((line) => ({
          name: line.name,
          colour: line.colour,
          area: panel.area,
          ...(line.dash && { dash: line.dash }),
        })),
        unit: panel.unit,
        height: HEIGHT,
        utc: () => page.utc,
        ...(hint.min !== undefined && { min: hint.min }),
        ...(hint.max !== undefined && { max: hint.max }),
        ...(hint.warn !== undefined && { warn: hint.warn }),
        ...(hint.critical !== undefined && { crit: hint.critical }),
        picture: () => {
          wanted.current()
          const [from, to] = page.window()
          return maker.make(page.storeOf(panel.type), panel.type, current.current.lines, from, to, page.end())
        },
        onZoom: (from, to) => page.zoom(from, to),
        onReset: () => page.goLive(),
        onCursor: (from, index) => pointAt(page, from, current.current, index),
      },
      (resized) => page.scheduler.invalidate(resized, true),
    )
    chart.current = made
    const remove = page.addChart(made, panel)
    return () => {
      remove()
      made.destroy()
    }
  }, [names, panel.id, panel.unit, hint.min, hint.max, hint.warn, hint.critical, panel.area])

  const key = hidden.join('\n')
  useEffect(() => {
    chart.current?.options.lines.forEach((line) => {
      line.hidden = hidden.includes(line.name)
    })
    if (chart.current) page.scheduler.invalidate(chart.current, true)
  }, [key, names])

  const visible = panel.lines.filter(({ name }) => !hidden.includes(name))
  const summary = visible
    .map((line) => `${line.name} ${show(latest(page, line), panel.unit, hint.decimals)}`)
    .join(', ')
  return (
    <figure class="panel">
      <figcaption>
        <span class="panel-title" title={panel.title}>
          {panel.title}
          {panel.unit === '/s' && ' per second'}
        </span>
        <Legend page={page} panel={panel} hidden={hidden} />
      </figcaption>
      <div
        class="chart"
        ref={host}
        tabIndex={0}
        role="group"
        aria-roledescription="graph"
        aria-label={`${panel.title} of ${panel.type}: ${summary}. Arrow keys read single points.`}
        onKeyDown={(event) => chart.current && readPoint(page, chart.current, panel, event)}
        onBlur={() => chart.current?.setCursor(undefined)}
      />
    </figure>
  )
}

/** Rates go without their unit, which the title has room for. */
const legendValue = (page: Page, { unit, hint }: Panel, line: PanelLine) =>
  show(latest(page, line), unit === '/s' ? '' : unit, hint.decimals)

function Legend({ page, panel, hidden }: { page: Page; panel: Panel; hidden: string[] }) {
  const { lines, id } = panel
  const put = (names: string[]) => page.setView({ hidden: { ...page.view.hidden, [id]: names } })
  const palette = currentPalette()
  return (
    <span class="legend">
      {lines.map((line) => {
        const off = hidden.includes(line.name)
        return (
          <button
            type="button"
            key={line.name}
            class="legend-line"
            aria-pressed={!off}
            disabled={lines.length === 1}
            title={lines.length > 1 ? 'Click: show or hide. Double click: this one alone.' : undefined}
            onClick={() => put(off ? hidden.filter((each) => each !== line.name) : [...hidden, line.name])}
            onDblClick={() => {
              const others = lines.map(({ name }) => name).filter((name) => name !== line.name)
              put(others.every((name) => hidden.includes(name)) ? [] : others)
            }}
          >
            {lines.length > 1 && (
              <svg class="swatch" viewBox="0 0 16 4" aria-hidden="true">
                <line
                  x1="0"
                  y1="2"
                  x2="16"
                  y2="2"
                  stroke={palette.series[line.colour]}
                  stroke-dasharray={line.dash?.map((each) => each * 0.9).join(' ')}
                />
              </svg>
            )}
            {lines.length > 1 && <span class="legend-name">{line.name}</span>}
            <b>{off ? 'off' : legendValue(page, panel, line)}</b>
          </button>
        )
      })}
      {panel.more > 0 && <span class="muted">+{panel.more} more</span>}
    </span>
  )
}

/** What the tooltip says of a point. */
function pointAt(page: Page, chart: Chart, panel: Panel, index: number | undefined): void {
  const { shown } = chart
  const time = index === undefined ? undefined : shown?.times[index]
  if (!shown || index === undefined || time === undefined) {
    page.tooltip.hide()
    return
  }
  const palette = currentPalette()
  const lost = shown.lost.find(({ from, to }) => time >= from && time < to)
  const [x, y] = chart.pointer()
  page.tooltip.show(
    {
      time,
      utc: page.utc,
      dated: page.past !== undefined,
      unit: panel.unit,
      decimals: panel.hint.decimals,
      lines: panel.lines.flatMap((line, i) =>
        chart.options.lines[i]?.hidden
          ? []
          : [
              {
                name: line.name,
                value: valueAt(shown.values[i]!, index),
                colour: palette.series[line.colour]!,
              },
            ],
      ),
      notes: lost ? [`${lost.events} events lost around here`] : [],
      palette,
    },
    x,
    y,
  )
}

const STEPS: Record<string, number> = { ArrowLeft: -1, ArrowRight: 1, PageUp: -10, PageDown: 10 }

/** Arrow keys move the cursor and say what is there. */
function readPoint(page: Page, chart: Chart, panel: Panel, event: KeyboardEvent): void {
  const { shown } = chart
  const last = (shown?.times.length ?? 0) - 1
  const step = STEPS[event.key] ?? (event.key === 'Home' || event.key === 'End' ? 0 : undefined)
  if (!shown || step === undefined || last < 0) return
  event.preventDefault()
  const at = event.key === 'Home' ? 0 : event.key === 'End' ? last : (chart.cursorIndex ?? last + 1) + step
  const index = Math.max(0, Math.min(last, at))
  chart.setCursor(index)
  const values = panel.lines.map(
    (line, i) => `${line.name} ${show(valueAt(shown.values[i]!, index), panel.unit)}`,
  )
  const lost = shown.lost.find(({ from, to }) => shown.times[index]! >= from && shown.times[index]! < to)
  page.say(
    `${clock(Math.floor(shown.times[index]!), page.utc)}: ${values.join(', ')}${lost ? `, ${lost.events} lost` : ''}`,
  )
}
