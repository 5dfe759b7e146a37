import type { Chart } from './chart.js'
import { download, fileName, picture } from './export.js'
import { patternsOf } from './filter.js'
import { type Asked, Live } from './live.js'
import type { Panel } from './panels.js'
import { Past, stepFor } from './past.js'
import { Scheduler } from './scheduler.js'
import type { Store } from './store.js'
import { applyTheme, currentPalette, isDark, onSystemTheme } from './theme.js'
import { Tooltip } from './tooltip.js'
import { readView, type View, writeView } from './view.js'

/** A graph shows so much at least, milliseconds. */
const SHORTEST = 60_000
const STORED = 'eventstorm.view'
/** Windows up to this length are live, whatever a store knows of the time before, seconds. */
const LONGEST_LIVE = 900
/** What the rings are asked for while the picture comes from the store: the strip at the top goes on. */
const BESIDE_PAST = 300_000

/** The whole page: what the user sees, what is known, and who draws it. */
export class Page {
  readonly scheduler = new Scheduler()
  readonly tooltip = new Tooltip()
  readonly live: Live
  view: View
  /** Server's time at which the user stopped the picture, milliseconds. */
  paused: number | undefined
  /** Rows as they were then. */
  frozenRows: Live['store']['rows'] | undefined
  /** The point that arrow keys have read last, seconds since 1970: other graphs go on from there. */
  readAt: number | undefined
  /** What the live region says. */
  said = ''
  #listeners = new Set<() => void>()
  #charts = new Map<Chart, Panel>()
  #asking = 0
  #rendering = 0
  #past: Past | undefined

  constructor() {
    const stored = readStored()
    this.view = readView(location.hash.length > 1 ? location.hash : stored)
    applyTheme(this.view.theme)
    onSystemTheme(() => {
      applyTheme(this.view.theme)
      this.#redrawAll()
    })
    this.live = new Live(this.#asked(), (urgent) => this.#changed(urgent))
    addEventListener('hashchange', () => {
      const next = readView(location.hash)
      if (writeView(next) !== writeView(this.view)) this.setView(next)
    })
  }

  subscribe(listener: () => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  setView(patch: Partial<View>): void {
    const before = this.view
    this.view = { ...before, ...patch }
    const text = writeView(this.view)
    history.replaceState(null, '', text ? `#${text}` : location.pathname + location.search)
    writeStored(text)
    if (before.theme !== this.view.theme) {
      applyTheme(this.view.theme)
      this.#redrawAll()
    }
    // Typing a filter does not ask for each letter.
    clearTimeout(this.#asking)
    this.#asking = setTimeout(
      () => this.live.ask(this.#asked()),
      before.filter === this.view.filter ? 0 : 300,
    ) as unknown as number
    this.render()
    this.scheduler.invalidate(undefined, true)
  }

  pause(on = this.paused === undefined): void {
    this.paused = on ? this.end() : undefined
    this.frozenRows = on ? this.live.store.rows : undefined
    if (!on && this.view.range) this.setView({ range: undefined })
    this.say(on ? 'Paused' : 'Live')
    this.render()
    this.scheduler.invalidate(undefined, true)
  }

  zoom(from: number, to: number): void {
    if (to - from < 2) return
    this.setView({ range: [Math.floor(from), Math.ceil(to)] })
    this.say(`Zoomed to ${Math.round(to - from)} seconds`)
  }

  goLive(): void {
    this.paused = undefined
    this.frozenRows = undefined
    this.setView({ range: undefined })
    this.say('Live')
  }

  get utc(): boolean {
    return this.view.zone === 'utc'
  }

  /** The time that is shown, when the server's rings do not reach back to it and its store is asked instead. */
  get past(): Past | undefined {
    const { range, window } = this.view
    const { live } = this
    const now = this.paused ?? live.now()
    const from = range ? range[0] * 1000 : now - window * 1000
    const reaches = from >= live.reach || (!range && window <= LONGEST_LIVE)
    if (!live.hasStore || reaches) {
      this.#past = undefined
      return undefined
    }
    const step = stepFor(range ? (range[1] - range[0]) * 1000 : window * 1000)
    const begin = Math.floor(from / step) * step
    const end = Math.floor((range ? Math.min(range[1] * 1000 + step, now) : now) / step) * step
    const to = Math.max(end, begin + step)
    const past = this.#past
    if (past?.step === step && past.from === begin && past.to === to) return past
    // A window that goes on keeps what it has until the answer comes.
    const goesOn = past?.step === step && past.to - past.from === to - begin && past.to < to
    if (goesOn && !range) Object.assign(past, { from: begin, to })
    else this.#past = new Past(begin, to, step, () => this.#changed(true))
    return this.#past
  }

  /** Where the shown numbers of a type are. */
  storeOf(type: string): Store {
    return this.past?.storeOf(type) ?? this.live.store
  }

  /** Last moment of which everything is known: of the picture when it stands still, of the data when it goes on. */
  end(): number {
    const { past } = this
    if (past) return past.to
    if (this.paused !== undefined) return this.paused
    const { complete } = this.live.store
    return complete || this.live.now()
  }

  /** What is shown, milliseconds. */
  window(): [from: number, to: number] {
    const { range, window } = this.view
    if (range) return [range[0] * 1000, range[1] * 1000]
    const { past } = this
    if (past) return [past.from, past.to]
    // Without new data the picture goes on, so that one sees that there is none.
    const now = this.live.now()
    const to = this.paused ?? (now - this.end() > 4000 ? now : this.end())
    // A server that has just begun has nothing to show of most of the window.
    const begun = Math.min(this.live.store.since, to - SHORTEST)
    return [Math.max(to - window * 1000, begun), to]
  }

  get dark(): boolean {
    return isDark(this.view.theme)
  }

  /** All graphs of a type as one picture. */
  async savePicture(type: string, title: string): Promise<void> {
    const graphs = [...this.#charts]
      .filter(([, panel]) => panel.type === type)
      .map(([chart, panel]) => ({ name: panel.title, canvas: chart.canvas }))
    const blob = await picture(graphs, title, currentPalette())
    if (blob) download(fileName(type, 'png'), blob)
  }

  say(text: string): void {
    this.said = text
    this.render()
  }

  addChart(chart: Chart, panel: Panel): () => void {
    this.#charts.set(chart, panel)
    const remove = this.scheduler.add(chart)
    this.scheduler.invalidate(chart, true)
    return () => {
      this.#charts.delete(chart)
      remove()
    }
  }

  render(): void {
    this.#rendering ||= requestAnimationFrame(() => {
      this.#rendering = 0
      for (const each of this.#listeners) each()
    })
  }

  #changed(urgent: boolean): void {
    this.render()
    this.scheduler.invalidate(undefined, urgent)
    const asked = this.#asked()
    const text = JSON.stringify([asked.hz, asked.window, asked.from])
    if (text !== this.#told) {
      this.#told = text
      this.live.ask(asked)
    }
  }

  #told = ''

  #asked(): Asked {
    const { window, filter, rate } = this.view
    const past = this.live && this.past
    const range = past ? undefined : this.view.range
    const calm =
      matchMedia('(prefers-reduced-motion: reduce)').matches || window > 900 || this.scheduler.visible > 12
    return {
      window: past ? BESIDE_PAST : range ? (range[1] - range[0]) * 1000 : window * 1000,
      from: range ? range[0] * 1000 : undefined,
      match: patternsOf(filter, this.live?.partial),
      hz: rate === 'auto' ? (calm ? 1 : 4) : rate === '1' ? 1 : 4,
    }
  }

  #redrawAll(): void {
    for (const chart of this.#charts.keys()) chart.redraw()
    this.scheduler.invalidate(undefined, true)
    this.render()
  }
}

function readStored(): string {
  try {
    return localStorage.getItem(STORED) ?? ''
  } catch {
    return ''
  }
}

function writeStored(text: string): void {
  try {
    localStorage.setItem(STORED, text)
  } catch {
    // Storage is switched off: the address has it all the same.
  }
}
