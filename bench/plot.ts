/** Plots as SVG: bars side by side, and lines over a logarithmic axis. */

export interface Bar {
  label: string
  /** Undefined: could not be measured. */
  value: number | undefined
  ours: boolean
}

export interface Line {
  name: string
  points: { x: number; y: number }[]
}

const WIDTH = 820
const OURS = '#0b6e99'
const OTHERS = '#a9b4bd'
const INK = '#22282d'
const FAINT = '#dfe4e8'
const LINES = ['#0b6e99', '#c4552d', '#4d8a2f', '#7d4fa3', '#b0851c', '#5b6770']

const escaped = (text: string) =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;')

/** 1234567 as 1,234,567; small ones with as many digits as say something. */
export const show = (value: number) =>
  value.toLocaleString('en', value >= 100 ? { maximumFractionDigits: 0 } : { maximumSignificantDigits: 3 })

function text(x: number, y: number, content: string, more = ''): string {
  return `<text x="${x}" y="${y}" ${more}>${escaped(content)}</text>`
}

function picture(title: string, height: number, parts: string[]): string {
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" height="${height}" role="img" aria-label="${escaped(title)}" font-family="system-ui, sans-serif" font-size="13" fill="${INK}">
<rect width="${WIDTH}" height="${height}" fill="#fff"/>
${text(16, 26, title, 'font-size="15" font-weight="600"')}
${parts.join('\n')}
</svg>
`
}

/** A bar for each, from zero, as long as its value. */
export function bars(title: string, all: Bar[]): string {
  const [top, step, right] = [46, 26, 90]
  // About so wide are the letters of a bold label.
  const left = 28 + 8 * Math.max(...all.map(({ label }) => label.length))
  const most = Math.max(...all.map(({ value }) => value ?? 0)) || 1
  const parts = all.flatMap(({ label, value, ours }, i) => {
    const y = top + i * step
    const length = ((value ?? 0) / most) * (WIDTH - left - right)
    return [
      text(left - 10, y + 13, label, `text-anchor="end"${ours ? ' font-weight="600"' : ''}`),
      `<rect x="${left}" y="${y}" width="${length.toFixed(1)}" height="18" fill="${ours ? OURS : OTHERS}"/>`,
      text(left + length + 6, y + 13, value === undefined ? 'not here' : show(value)),
    ]
  })
  return picture(title, top + all.length * step + 12, parts)
}

/** Round steps of which about four cover the range. */
function stepOf(most: number): number {
  const rough = most / 4
  const power = 10 ** Math.floor(Math.log10(rough))
  return [1, 2, 5, 10].map((each) => each * power).find((each) => each >= rough)!
}

/** @param limit where to draw a line that none should cross */
export function lines(title: string, xTitle: string, all: Line[], limit?: number): string {
  const [top, bottom, left, right] = [52, 330, 60, 240]
  const points = all.flatMap((line) => line.points)
  const [low, high] = [Math.min(...points.map(({ x }) => x)), Math.max(...points.map(({ x }) => x))]
  const step = stepOf(Math.max(limit ?? 0, ...points.map(({ y }) => y)))
  const most = Math.ceil(Math.max(limit ?? 0, ...points.map(({ y }) => y)) / step) * step
  const xAt = (x: number) => left + (Math.log(x / low) / (Math.log(high / low) || 1)) * (WIDTH - left - right)
  const yAt = (y: number) => bottom - (y / most) * (bottom - top)
  const parts: string[] = []
  for (let y = 0; y <= most + step / 2; y += step) {
    parts.push(
      `<line x1="${left}" x2="${WIDTH - right}" y1="${yAt(y)}" y2="${yAt(y)}" stroke="${FAINT}"/>`,
      text(left - 8, yAt(y) + 4, show(y), 'text-anchor="end"'),
    )
  }
  // Levels that lie close together share their labels' place.
  let labelled = Number.NEGATIVE_INFINITY
  for (const x of [...new Set(points.map((point) => point.x))].sort((a, b) => a - b)) {
    if (xAt(x) - labelled < 40) continue
    labelled = xAt(x)
    parts.push(text(xAt(x), bottom + 18, show(x), 'text-anchor="middle"'))
  }
  parts.push(text((left + WIDTH - right) / 2, bottom + 40, xTitle, 'text-anchor="middle"'))
  if (limit !== undefined) {
    parts.push(
      `<line x1="${left}" x2="${WIDTH - right}" y1="${yAt(limit)}" y2="${yAt(limit)}" stroke="${INK}" stroke-dasharray="4 4"/>`,
      text(WIDTH - right + 20, top + 6 + all.length * 22, `- - asked: at most ${limit}`),
    )
  }
  for (const [i, { name, points: own }] of all.entries()) {
    const colour = LINES[i % LINES.length]!
    const path = own.map(({ x, y }) => `${xAt(x).toFixed(1)},${yAt(y).toFixed(1)}`).join(' ')
    parts.push(`<polyline points="${path}" fill="none" stroke="${colour}" stroke-width="2"/>`)
    for (const { x, y } of own)
      parts.push(`<circle cx="${xAt(x).toFixed(1)}" cy="${yAt(y).toFixed(1)}" r="3" fill="${colour}"/>`)
    const y = top + 6 + i * 22
    parts.push(
      `<rect x="${WIDTH - right + 20}" y="${y - 10}" width="12" height="12" fill="${colour}"/>`,
      text(WIDTH - right + 38, y, name),
    )
  }
  return picture(title, bottom + 56, parts)
}
