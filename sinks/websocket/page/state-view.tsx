import { useEffect, useRef } from 'preact/hooks'
import type { Page } from './page.js'
import type { Panel } from './panels.js'
import { entryIn } from './picture.js'
import type { Entry, Store } from './store.js'
import { COLOURS, currentPalette } from './theme.js'

const ROW = 22
const MOST_ROWS = 8

/** States over time: a band for each key, coloured and named by the state. */
export function StateView({ page, panel, wanted }: { page: Page; panel: Panel; wanted(): void }) {
  const canvas = useRef<HTMLCanvasElement>(null)
  const current = useRef(panel)
  current.current = panel
  const asked = useRef(wanted)
  asked.current = wanted
  useEffect(() => {
    const element = canvas.current!
    const remove = page.scheduler.add({
      element,
      draw: () => {
        asked.current()
        drawStates(element, page, current.current)
      },
    })
    return remove
  }, [])
  const words = panel.lines.map((line) => `${line.name} ${wordOf(page, panel, line) ?? 'unknown'}`)
  return (
    <figure class="panel">
      <figcaption>
        <span class="panel-title">
          {panel.title}
          {page.past && ' (most frequent)'}
        </span>
        <span class="legend">
          {panel.lines.slice(0, MOST_ROWS).map((line) => (
            <span class="legend-line" key={line.name}>
              {panel.lines.length > 1 && <span class="legend-name">{line.name}</span>}
              <b>{wordOf(page, panel, line) ?? '–'}</b>
            </span>
          ))}
          {panel.lines.length + panel.more > MOST_ROWS && (
            <span class="muted">+{panel.lines.length + panel.more - MOST_ROWS} more</span>
          )}
        </span>
      </figcaption>
      <canvas
        ref={canvas}
        class={`states states-${Math.min(MOST_ROWS, panel.lines.length)}`}
        role="img"
        aria-label={`${panel.title} of ${panel.type}: ${words.join(', ')}`}
      />
    </figure>
  )
}

type Line = Panel['lines'][number]

/** The state in a bucket; undefined when none was told then. */
export function wordAt({ timeline }: Store, { series, columns }: Entry, bucket: number): string | undefined {
  const state = timeline.get(columns.last, bucket)
  return Number.isNaN(state) ? undefined : (series.states?.[state] ?? 'other')
}

function wordOf(page: Page, { type }: Panel, line: Line): string | undefined {
  const store = page.storeOf(type)
  const entry = entryIn(store, line)
  const end = store.timeline.bucket(Math.min(page.window()[1], page.end()))
  for (let bucket = end - 1; bucket > end - 600; bucket--) {
    const word = wordAt(store, entry, bucket)
    if (word !== undefined) return word
  }
  return undefined
}

const MEANINGS: [RegExp, colour: number][] = [
  [/^(ok|up|true|on|online|healthy|ready|running|passing|success|green|active)$/i, 2],
  [/^(warn|warning|degraded|slow|pending|starting|stopping|yellow)$/i, 6],
  [/^(down|false|off|offline|crit|critical|error|fail|failed|failing|unhealthy|dead|red)$/i, 7],
]
const NEUTRAL = [0, 4, 5, 3, 9, 1, 10, 8]

/** Words that everybody reads in a colour get it; the others one of their own. */
function colourOf(word: string, state: number): number {
  if (state < 0) return COLOURS - 1
  return MEANINGS.find(([form]) => form.test(word))?.[1] ?? NEUTRAL[state % NEUTRAL.length]!
}

function drawStates(canvas: HTMLCanvasElement, page: Page, { lines, type }: Panel): void {
  const ratio = devicePixelRatio || 1
  const width = Math.round(canvas.clientWidth * ratio)
  const height = Math.round(canvas.clientHeight * ratio)
  if (canvas.width !== width || canvas.height !== height) {
    canvas.width = width
    canvas.height = height
  }
  const context = canvas.getContext('2d')
  if (!context || width === 0) return
  const store = page.storeOf(type)
  const { timeline } = store
  const palette = currentPalette()
  const [from, to] = page.window()
  const first = timeline.bucket(from)
  const beyond = timeline.bucket(Math.min(to, page.end()))
  const perBucket = (width * timeline.step) / (to - from)
  context.clearRect(0, 0, width, height)
  context.font = palette.font.replace(/^\d+/, (size) => String(Number(size) * ratio))
  context.textBaseline = 'middle'
  lines.slice(0, Math.floor(height / (ROW * ratio)) || 1).forEach((line, row) => {
    const { name } = line
    const entry = entryIn(store, line)
    const top = row * ROW * ratio
    const tall = (ROW - 4) * ratio
    let state = Number.NaN
    let since = first
    const paint = (end: number) => {
      if (Number.isNaN(state)) return
      const x = (since - first) * perBucket
      const wide = (end - since) * perBucket
      const word = entry.series.states?.[state] ?? 'other'
      context.fillStyle = palette.series[colourOf(word, state)]!
      context.fillRect(x, top, Math.max(1, wide - ratio), tall)
      const text = lines.length > 1 ? `${name}: ${word}` : word
      if (context.measureText(text).width + 12 * ratio < wide) {
        context.fillStyle = palette.surface
        context.fillText(text, x + 6 * ratio, top + tall / 2 + ratio)
      }
    }
    for (let bucket = first; bucket < beyond; bucket++) {
      const value = timeline.get(entry.columns.last, bucket)
      const known = store.known(bucket)
      // A state lasts until the next one is told, unless nothing is known of the time between.
      const next = !Number.isNaN(value) ? value : known ? state : Number.NaN
      if (next !== state && !(Number.isNaN(next) && Number.isNaN(state))) {
        paint(bucket)
        state = next
        since = bucket
      }
    }
    paint(beyond)
  })
}
