import { useEffect, useRef } from 'preact/hooks'
import type { Page } from './page.js'
import type { Panel } from './panels.js'
import { COLOURS, currentPalette } from './theme.js'

const ROW = 22

/** States over time: a band for each key, coloured and named by the state. */
export function StateView({ page, panel }: { page: Page; panel: Panel }) {
  const canvas = useRef<HTMLCanvasElement>(null)
  const current = useRef(panel)
  current.current = panel
  useEffect(() => {
    const element = canvas.current!
    const remove = page.scheduler.add({ element, draw: () => drawStates(element, page, current.current) })
    return remove
  }, [])
  const words = panel.lines.map((line) => `${line.name} ${wordOf(page, panel, line.entry) ?? 'unknown'}`)
  return (
    <figure class="panel">
      <figcaption>
        <span class="panel-title">{panel.title}</span>
        <span class="legend">
          {panel.lines.map((line) => (
            <span class="legend-line" key={line.name}>
              {panel.lines.length > 1 && <span class="legend-name">{line.name}</span>}
              <b>{wordOf(page, panel, line.entry) ?? '–'}</b>
            </span>
          ))}
        </span>
      </figcaption>
      <canvas
        ref={canvas}
        class={`states states-${Math.min(6, panel.lines.length)}`}
        role="img"
        aria-label={`${panel.title} of ${panel.type}: ${words.join(', ')}`}
      />
    </figure>
  )
}

type Entry = Panel['lines'][number]['entry']

function wordOf(page: Page, _panel: Panel, { series, columns }: Entry): string | undefined {
  const { timeline } = page.live.store
  const end = timeline.bucket(Math.min(page.window()[1], page.end()))
  for (let bucket = end - 1; bucket > end - 600; bucket--) {
    const state = timeline.get(columns.last, bucket)
    if (!Number.isNaN(state)) return series.states?.[state] ?? 'other'
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

function drawStates(canvas: HTMLCanvasElement, page: Page, { lines }: Panel): void {
  const ratio = devicePixelRatio || 1
  const width = Math.round(canvas.clientWidth * ratio)
  const height = Math.round(canvas.clientHeight * ratio)
  if (canvas.width !== width || canvas.height !== height) {
    canvas.width = width
    canvas.height = height
  }
  const context = canvas.getContext('2d')
  if (!context || width === 0) return
  const { timeline } = page.live.store
  const palette = currentPalette()
  const [from, to] = page.window()
  const first = timeline.bucket(from)
  const beyond = timeline.bucket(Math.min(to, page.end()))
  const perBucket = (width * timeline.step) / (to - from)
  context.clearRect(0, 0, width, height)
  context.font = palette.font.replace(/^\d+/, (size) => String(Number(size) * ratio))
  context.textBaseline = 'middle'
  lines.slice(0, Math.floor(height / (ROW * ratio)) || 1).forEach(({ entry, name }, row) => {
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
      const known = page.live.store.known(bucket)
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
