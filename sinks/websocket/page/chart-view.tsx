import { useEffect, useRef } from 'preact/hooks'
import { Chart } from './chart.js'
import { clock, show } from './format.js'
import { Icon } from './icons.js'
import type { Page } from './page.js'
import type { Panel, PanelLine } from './panels.js'
import { entryIn, type Picture, PictureMaker, read, valueAt } from './picture.js'
import { currentPalette } from './theme.js'

const HEIGHT = 148
const SMALL_HEIGHT = 92

/** What is different for a graph that is one of many. */
export interface Member {
  /** Its part of the picture that all of them share. */
  picture(): Picture
  /** Tab comes to this one; arrow keys lead to the others. */
  focusable: boolean
}

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
export function ChartView(props: { page: Page; panel: Panel; wanted(): void; member?: Member }) {
  const { page, panel, member } = props
  const host = useRef<HTMLDivElement>(null)
  const chart = useRef<Chart | undefined>(undefined)
  // The panel of the chart's lines. A new one takes its place together with a new chart: effects come later than what is
  // rendered, and a picture may be drawn between them.
  const drawn = useRef(panel)
  const given = useRef(props)
  given.current = props
  const hidden = page.view.hidden[panel.id] ?? []
  const names = panel.lines.map((line) => line.name).join('\n')
  const { hint } = panel

  useEffect(() => {
    drawn.current = panel
  })
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
        height: member ? SMALL_HEIGHT : HEIGHT,
        small: member !== undefined,
        utc: () => page.utc,
        ...(hint.min !== undefined && { min: hint.min }),
        ...(hint.max !== undefined && { max: hint.max }),
        ...(hint.warn !== undefined && { warn: hint.warn }),
        ...(hint.critical !== undefined && { crit: hint.critical }),
        picture: () => {
          given.current.wanted()
          if (given.current.member) return given.current.member.picture()
          const [from, to] = page.window()
          return maker.make(page.storeOf(panel.type), panel.type, drawn.current.lines, from, to, page.end())
        },
        onZoom: (from, to) => page.zoom(from, to),
        onReset: () => page.goLive(),
        onCursor: (from, index) => pointAt(page, from, drawn.current, index),
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
    <figure class={member ? 'member' : 'panel'}>
      <figcaption>
        <span class="panel-title" title={panel.title}>
          {panel.title}
          {panel.unit === '/s' && !member && ' per second'}
        </span>
        <Legend page={page} panel={panel} hidden={hidden} />
        {panel.peers && <ApartButton page={page} panel={panel} apart={false} />}
      </figcaption>
      <div
        class="chart"
        ref={host}
        tabIndex={member?.focusable === false ? -1 : 0}
        role="group"
        aria-roledescription="graph"
        aria-label={`${panel.title} of ${panel.type}: ${summary}. Arrow keys read single points.`}
        onKeyDown={(event) => chart.current && readPoint(page, chart.current, drawn.current, event)}
        onBlur={() => chart.current?.setCursor(undefined)}
      />
    </figure>
  )
}

/** Gives each line a graph of its own, or brings them together again. */
export function ApartButton({ page, panel, apart }: { page: Page; panel: Panel; apart: boolean }) {
  const { id, title, type } = panel
  const without = (list: string[]) => list.filter((each) => each !== id)
  return (
    <button
      type="button"
      class="tool apart"
      aria-pressed={apart}
      title={apart ? 'All in one graph' : 'A small graph for each'}
      aria-label={`A small graph for each line of ${title} of ${type}`}
      onClick={() =>
        page.setView({
          apart: apart ? without(page.view.apart) : [...without(page.view.apart), id],
          together: apart ? [...without(page.view.together), id] : without(page.view.together),
        })
      }
    >
      <Icon name="apart" />
    </button>
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
  const at = event.key === 'Home' ? 0 : event.key === 'End' ? last : startOf(page, chart, last) + step
  const index = Math.max(0, Math.min(last, at))
  chart.setCursor(index)
  page.readAt = shown.times[index]
  const values = panel.lines.map(
    (line, i) => `${line.name} ${show(valueAt(shown.values[i]!, index), panel.unit)}`,
  )
  const lost = shown.lost.find(({ from, to }) => shown.times[index]! >= from && shown.times[index]! < to)
  page.say(
    `${clock(Math.floor(shown.times[index]!), page.utc)}: ${values.join(', ')}${lost ? `, ${lost.events} lost` : ''}`,
  )
}

/** Where reading goes on: at the cursor, at the time that was read in another graph, or beyond the newest point. */
function startOf({ readAt }: Page, { cursorIndex, shown }: Chart, last: number): number {
  if (cursorIndex !== undefined) return cursorIndex
  const same = readAt === undefined ? -1 : shown!.times.indexOf(readAt)
  return same === -1 ? last + 1 : same
}
