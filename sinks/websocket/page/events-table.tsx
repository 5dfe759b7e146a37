import { Fragment } from 'preact'
import { useMemo, useRef, useState } from 'preact/hooks'
import type { Row } from '../protocol.js'
import { csv, download } from './export.js'
import { filtered } from './filter.js'
import { clock, count } from './format.js'
import { Icon } from './icons.js'
import type { Page } from './page.js'
import { Menu } from './toolbar.js'

const SHOWN = 100
const COLUMNS = 6

const keyOf = (row: Row) => `${row.source} ${row.type} ${row.seq} ${row.t}`

/** One line that tells what is in an event. */
function summary(data: unknown): string {
  if (data === null || typeof data !== 'object') return text(data)
  return Object.entries(data)
    .map(([key, value]) => `${key}=${text(value)}`)
    .join('  ')
    .slice(0, 600)
}

function text(value: unknown): string {
  if (typeof value === 'string') return value
  const json = JSON.stringify(value)
  return json === undefined ? '' : json.slice(0, 300)
}

/** Values by the columns of a hint, or by the fields that the newest rows have. */
function columnsOf(rows: Row[], wanted: string[] | undefined): string[] {
  const own = ['time', 'type', 'source', 'seq']
  if (wanted?.length) return wanted.filter((each) => !own.includes(each))
  const names = new Set<string>()
  for (const { data } of rows.slice(0, 20)) {
    if (data === null || typeof data !== 'object' || Array.isArray(data)) continue
    for (const [name, value] of Object.entries(data)) if (typeof value !== 'object') names.add(name)
  }
  return [...names].slice(0, COLUMNS)
}

function valueAt(data: unknown, path: string): unknown {
  let value: unknown = data
  for (const key of path.split('.')) {
    if (value === null || typeof value !== 'object' || !Object.hasOwn(value, key)) return undefined
    value = (value as Record<string, unknown>)[key]
  }
  return value
}

/** The latest events, newest first. It stands still while the pointer is on it. */
export function EventsTable({ page }: { page: Page }) {
  const [search, setSearch] = useState('')
  const [type, setType] = useState('')
  const [opened, setOpened] = useState('')
  const held = useRef<Row[] | undefined>(undefined)
  const { store } = page.live
  const source = page.frozenRows ?? held.current ?? store.rows
  const known = useMemo(() => [...store.types.keys()].sort(), [store, store.revision])
  const wanted = search.toLowerCase()
  const rows = source.filter(
    (row) =>
      (!type || row.type === type) &&
      filtered(page.view.filter, row.type) &&
      (!wanted || `${row.type} ${row.source} ${summary(row.data)}`.toLowerCase().includes(wanted)),
  )
  const columns = type ? columnsOf(rows, store.types.get(type)?.hint?.columns) : []
  const waiting = held.current && !page.frozenRows ? newer(store.rows, held.current) : 0
  const hold = (on: boolean) => {
    held.current = on ? source : undefined
    page.render()
  }
  return (
    <section class="card events" aria-labelledby="events-title">
      <header class="card-head">
        <h2 id="events-title">Latest events</h2>
        {store.skipped > 0 && (
          <span class="muted" title="Counted in the graphs, but too many to list">
            {count(store.skipped)} not listed
          </span>
        )}
        <span class="waiting muted">{waiting > 0 ? `held, ${waiting} new` : ''}</span>
        <div class="events-tools">
          <label>
            <span class="sr-only">Type</span>
            <select value={type} onChange={(event) => setType(event.currentTarget.value)}>
              <option value="">All types</option>
              {known.slice(0, 500).map((each) => (
                <option key={each} value={each}>
                  {each}
                </option>
              ))}
            </select>
          </label>
          <label class="search">
            <span class="sr-only">Search events</span>
            <Icon name="search" />
            <input
              type="search"
              value={search}
              placeholder="Search events"
              onInput={(event) => setSearch(event.currentTarget.value)}
            />
          </label>
          <Menu label="Export events" icon="save">
            <button type="button" class="menu-item" onClick={() => saveRows(rows, 'csv')}>
              CSV
            </button>
            <button type="button" class="menu-item" onClick={() => saveRows(rows, 'json')}>
              JSON
            </button>
          </Menu>
        </div>
      </header>
      <section
        class="events-scroll"
        tabIndex={0}
        aria-label="List of the latest events"
        onPointerEnter={() => hold(true)}
        onPointerLeave={() => hold(false)}
      >
        <table class={type ? 'columns' : ''}>
          <thead>
            <tr>
              <th scope="col" class="col-time">
                Time
              </th>
              {!type && (
                <th scope="col" class="col-type">
                  Type
                </th>
              )}
              <th scope="col" class="col-source">
                Source
              </th>
              {columns.map((name) => (
                <th scope="col" key={name}>
                  {name}
                </th>
              ))}
              {!type && <th scope="col">Data</th>}
            </tr>
          </thead>
          <tbody>
            {rows.slice(0, SHOWN).map((row) => {
              const key = keyOf(row)
              const open = opened === key
              return (
                <Fragment key={key}>
                  <tr class={open ? 'open' : ''} onClick={() => setOpened(open ? '' : key)}>
                    <td class="col-time">
                      <button type="button" aria-expanded={open} class="row-open">
                        {clock(row.t / 1000, page.utc, true)}
                      </button>
                    </td>
                    {!type && <td class="col-type">{row.type}</td>}
                    <td class="col-source">{row.source}</td>
                    {columns.map((name) => (
                      <td key={name}>{text(valueAt(row.data, name) ?? '')}</td>
                    ))}
                    {!type && <td class="col-data">{summary(row.data)}</td>}
                  </tr>
                  {open && (
                    <tr class="detail">
                      <td colSpan={type ? 2 + columns.length : 4}>
                        <Detail page={page} row={row} />
                      </td>
                    </tr>
                  )}
                </Fragment>
              )
            })}
          </tbody>
        </table>
        {rows.length === 0 && (
          <p class="muted none">{search || type ? 'No event matches.' : 'No events yet.'}</p>
        )}
      </section>
    </section>
  )
}

function Detail({ page, row }: { page: Page; row: Row }) {
  const json = JSON.stringify(row, undefined, 2)
  return (
    <div class="detail-box">
      <pre>{json}</pre>
      <button
        type="button"
        class="tool wide"
        onClick={(event) => {
          event.stopPropagation()
          void navigator.clipboard?.writeText(json).then(
            () => page.say('Copied'),
            () => page.say('The browser does not let the page copy'),
          )
        }}
      >
        <Icon name="copy" /> Copy
      </button>
      {row.cut && <span class="muted">Long values are cut.</span>}
    </div>
  )
}

/** How many rows came since the table stands still. */
function newer(rows: Row[], held: Row[]): number {
  const [newest] = held
  const at = newest ? rows.indexOf(newest) : -1
  return at === -1 ? rows.length : at
}

function saveRows(rows: Row[], format: 'csv' | 'json'): void {
  if (format === 'json') {
    download('events.json', JSON.stringify(rows, undefined, 1), 'application/json')
    return
  }
  const columns = ['time', 'type', 'source', 'seq', 'data']
  const cells = rows.map((row) => [
    new Date(row.t).toISOString(),
    row.type,
    row.source,
    row.seq,
    JSON.stringify(row.data),
  ])
  download('events.csv', csv(columns, cells), 'text/csv')
}
