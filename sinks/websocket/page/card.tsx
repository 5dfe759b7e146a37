import { useMemo, useState } from 'preact/hooks'
import type { TypeInfo } from '../protocol.js'
import { ChartView, latest } from './chart-view.js'
import { csv, download, fileName } from './export.js'
import { count, dateTime, digits, lasting, scaleFor, show } from './format.js'
import { Icon } from './icons.js'
import { MultiplesView } from './multiples-view.js'
import type { Page } from './page.js'
import { isApart, type Panel, type PanelLine, panelsFor, together } from './panels.js'
import { entryIn, lostSpans, read } from './picture.js'
import { silenceOf } from './silence.js'
import { StateView, wordAt } from './state-view.js'
import { type Entry, identity } from './store.js'
import { Menu } from './toolbar.js'
import { toggled } from './view.js'

/** Graphs of a card that are shown before somebody asks for all of them. */
const FIRST_PANELS = 4

export function Card({ page, info, entries }: { page: Page; info: TypeInfo; entries: Entry[] }) {
  const { type, hint } = info
  const [all, setAll] = useState(false)
  const [table, setTable] = useState(false)
  const { past } = page
  const panels = useMemo(() => {
    const { store } = page.live
    // A type of which only the store knows has its rate there.
    const list = entries.length > 0 || info.stored === undefined || !past ? entries : [unheard(type)]
    return panelsFor(info, list, store.rate(type, store.timeline.bucket(page.end()), 60) || info.rate)
  }, [info, entries, past === undefined])
  const wanted = () => page.past?.want(info, panels)
  if (table) wanted()
  const silence = silenceOf(page, info)
  const wide = panels.length > 1 || panels.some((panel) => isApart(panel, page.view))
  const shown = all ? panels : panels.slice(0, FIRST_PANELS)
  const pinned = page.view.pinned.includes(type)
  const title = hint?.title ?? type
  const id = `card-${type}`
  return (
    <section class={wide ? 'card' : 'card small'} aria-labelledby={id} data-type={type}>
      <header class="card-head">
        <h2 id={id} title={hint?.description ?? type}>
          {title}
        </h2>
        {title !== type && <code class="type">{type}</code>}
        <LostBadge page={page} type={type} />
        <FromStore page={page} type={type} />
        {silence && panels.length > 0 && (
          <span class={silence.alarm ? 'badge' : 'badge stored'} title={silence.long}>
            {silence.alarm ? `silent, ${silence.short}` : silence.short}
          </span>
        )}
        <Headline page={page} type={type} panels={panels} />
        <div class="card-tools">
          <button
            type="button"
            class="tool"
            aria-pressed={pinned}
            title={pinned ? 'Unpin' : 'Pin to the top'}
            aria-label={`Pin ${title} to the top`}
            onClick={() => page.setView({ pinned: toggled(page.view.pinned, type) })}
          >
            <Icon name="pin" />
          </button>
          <button
            type="button"
            class="tool"
            aria-pressed={table}
            title="Show as table"
            aria-label={`Show ${title} as table`}
            onClick={() => setTable(!table)}
          >
            <Icon name="table" />
          </button>
          <Menu label={`Export ${title}`} icon="save">
            <button type="button" class="menu-item" onClick={() => exportNumbers(page, type, panels, 'csv')}>
              CSV
            </button>
            <button type="button" class="menu-item" onClick={() => exportNumbers(page, type, panels, 'json')}>
              JSON
            </button>
            <button type="button" class="menu-item" onClick={() => void page.savePicture(type, title)}>
              PNG
            </button>
          </Menu>
          <button
            type="button"
            class="tool"
            title="Collapse"
            aria-label={`Collapse ${title}`}
            onClick={() =>
              page.setView({
                opened: page.view.opened.filter((each) => each !== type),
                pinned: page.view.pinned.filter((each) => each !== type),
                closed: [...page.view.closed.filter((each) => each !== type), type],
              })
            }
          >
            <Icon name="close" />
          </button>
        </div>
      </header>
      {panels.length === 0 ? (
        <p class="muted silent">{silence?.long ?? withoutGraph(page)}</p>
      ) : table ? (
        <NumbersTable page={page} panels={panels} title={title} />
      ) : (
        <div class={`panels panels-${Math.min(shown.length, 4)}`}>
          {shown.map((panel) =>
            panel.kind === 'states' ? (
              <StateView key={panel.id} page={page} panel={panel} wanted={wanted} />
            ) : isApart(panel, page.view) ? (
              <MultiplesView key={panel.id} page={page} panel={panel} wanted={wanted} />
            ) : (
              <ChartView key={panel.id} page={page} panel={together(panel)} wanted={wanted} />
            ),
          )}
        </div>
      )}
      {!table && panels.length > FIRST_PANELS && (
        <button type="button" class="link more" onClick={() => setAll(!all)}>
          {all ? 'Fewer graphs' : `${panels.length - FIRST_PANELS} more graphs`}
        </button>
      )}
    </section>
  )
}

const withoutGraph = ({ live }: Page) =>
  live.partial
    ? 'There are more types than one page is told the numbers of; the filter at the top brings these.'
    : 'Nothing of it has been counted yet.'

const unheard = (type: string): Entry => ({ series: { i: -1, type }, columns: {}, written: 0 })

/** Says that the numbers come from the store, how it is with them, and what no store can tell. */
function FromStore({ page, type }: { page: Page; type: string }) {
  const { past } = page
  if (!past) return null
  const state = past.stateOf(type)
  if (typeof state === 'object') {
    return (
      <span class="badge" title={state.error}>
        the store does not answer
      </span>
    )
  }
  const { lossesFrom } = past.storeOf(type)
  const [from, to] = page.window()
  const losses =
    lossesFrom <= from
      ? ''
      : lossesFrom < to
        ? `, losses known since ${dateTime(lossesFrom / 1000, page.utc).slice(5, 16)}`
        : ', losses not known'
  return (
    <span
      class="badge stored"
      title="What is lost is no event, so no store has it; of states the one that was said most is shown"
    >
      {state === 'asked'
        ? 'asking the store …'
        : `from the store, by ${lasting(past.step).replace('.0', '')}${losses}`}
    </span>
  )
}

function LostBadge({ page, type }: { page: Page; type: string }) {
  const store = page.storeOf(type)
  const [from, to] = page.window()
  const spans = lostSpans(store, type, store.timeline.bucket(from), store.timeline.bucket(to) + 1)
  const events = spans.reduce((sum, span) => sum + span.events, 0)
  if (events === 0) return null
  return <span class="badge">{count(events)} lost</span>
}

/** The numbers of now: how often, and the main value. */
function Headline({ page, type, panels }: { page: Page; type: string; panels: Panel[] }) {
  const store = page.storeOf(type)
  const rate = store.rate(type, store.timeline.bucket(Math.min(page.window()[1], page.end())))
  const main = panels.find(({ id, kind }) => kind === 'lines' && !id.endsWith(' rate'))
  const line = main && telling(page, main)
  return (
    <div class="headline">
      <Amount name="events" value={rate} unit="/s" />
      {main && line && (
        <Amount
          name={nameOf(main, line)}
          value={latest(page, line)}
          unit={main.unit}
          decimals={main.hint.decimals}
          alarm={beyond(latest(page, line), main)}
        />
      )}
    </div>
  )
}

/** The line that tells most: of several keys the one that is farthest on the bad side, of percentiles the 95th. */
function telling(page: Page, { lines, hint }: Panel): PanelLine | undefined {
  if (lines[0]?.entry.series.key === undefined) {
    return lines.find(({ reading }) => reading === 'p95') ?? lines[0]
  }
  const sign = hint.better === 'high' ? -1 : 1
  const height = (line: PanelLine) => {
    const value = latest(page, line)
    return Number.isNaN(value) ? Number.NEGATIVE_INFINITY : sign * value
  }
  return lines.reduce((worst, line) => (height(line) > height(worst) ? line : worst))
}

function nameOf({ lines, hint }: Panel, { name, entry }: PanelLine): string {
  if (lines.length === 1) return hint.title ?? name
  if (entry.series.key === undefined) return name
  return `${hint.better === 'high' ? 'lowest' : 'highest'}: ${name}`
}

function beyond(value: number, { hint }: Panel): 'warn' | 'crit' | undefined {
  const bad = (limit: number | undefined) =>
    limit !== undefined && (hint.better === 'high' ? value <= limit : value >= limit)
  return bad(hint.critical) ? 'crit' : bad(hint.warn) ? 'warn' : undefined
}

function Amount(props: {
  name: string
  value: number
  unit: string
  decimals?: number | undefined
  alarm?: 'warn' | 'crit' | undefined
}) {
  const scaled = scaleFor(props.value || 0, props.unit)
  return (
    <span class={`number ${props.alarm ?? ''}`}>
      <b>{digits(props.value / scaled.factor, props.decimals)}</b>
      <span class="unit">{scaled.unit}</span>
      <span class="number-name">
        {props.name}
        {props.alarm && ` · ${props.alarm === 'crit' ? 'critical' : 'warning'}`}
      </span>
    </span>
  )
}

/** Time, a value or a word for each line, and how many were lost; undefined: none, or not known. */
type Row = [time: number, ...values: (number | string | undefined)[]]

/** Every bucket of the window, newest first. */
function numbers(page: Page, panels: Panel[], most: number): { columns: string[]; rows: Row[] } {
  const store = page.storeOf(panels[0]?.type ?? '')
  const lines = panels.flatMap((panel) => panel.lines.map((line) => ({ panel, line })))
  const entries = lines.map(({ line }) => entryIn(store, line))
  const [from, to] = page.window()
  const end = store.timeline.bucket(Math.min(to, page.end()))
  const rows: Row[] = []
  const losses = store.entries.get(identity({ type: panels[0]?.type ?? '' }))?.columns.lost
  for (let bucket = end - 1; bucket >= store.timeline.bucket(from) && rows.length < most; bucket--) {
    if (!store.known(bucket)) continue
    const values = lines.map(({ panel, line }, i) => {
      const entry = entries[i]!
      if (panel.kind === 'states') return wordAt(store, entry, bucket)
      const value = read(store, entry, line.reading, bucket)
      return Number.isNaN(value) ? undefined : value
    })
    const time = bucket * store.timeline.step
    const lost = time < store.lossesFrom ? undefined : store.timeline.get(losses, bucket) || 0
    rows.push([time, ...values, lost])
  }
  const columns = lines.map(({ panel, line }) => {
    const name = panel.lines.length > 1 ? `${panel.title} ${line.name}` : panel.title
    return panel.unit ? `${name} [${panel.unit}]` : name
  })
  return { columns: ['time', ...columns, 'Lost'], rows }
}

function exportNumbers(page: Page, type: string, panels: Panel[], format: 'csv' | 'json'): void {
  const { columns, rows } = numbers(page, panels, 100_000)
  const told = rows.reverse().map(([time, ...values]) => [new Date(time).toISOString(), ...values])
  const text =
    format === 'csv'
      ? csv(columns, told)
      : JSON.stringify(
          { type, columns, rows: told.map((row) => row.map((each) => each ?? null)) },
          undefined,
          1,
        )
  download(fileName(type, format), text, format === 'csv' ? 'text/csv' : 'application/json')
  page.say(`Saved ${rows.length} rows as ${format.toUpperCase()}`)
}

const TABLE_ROWS = 60

const cell = (value: Row[1], unit: string | undefined) =>
  typeof value === 'number' ? show(value, unit) : (value ?? '')

const losses = (value: Row[1]) => (value === undefined ? 'not known' : value === 0 ? '' : String(value))

function NumbersTable({ page, panels, title }: { page: Page; panels: Panel[]; title: string }) {
  const { columns, rows } = numbers(page, panels, TABLE_ROWS)
  const units = panels.flatMap((panel) => panel.lines.map(() => panel.unit))
  return (
    <section class="numbers" tabIndex={0} aria-label={`Numbers of ${title}`}>
      <table>
        <thead>
          <tr>
            {columns.map((name) => (
              <th key={name} scope="col">
                {name.replace(/ \[.*\]$/, '')}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map(([time, ...values]) => (
            <tr key={time}>
              <th scope="row">{dateTime(time / 1000, page.utc)}</th>
              {values.map((value, i) => (
                <td key={columns[i + 1]}>{i < units.length ? cell(value, units[i]) : losses(value)}</td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  )
}
