/** What a user takes home: CSV, JSON, pictures. */

/** Texts that a spreadsheet would run as a formula get an apostrophe in front. */
export function csvCell(value: unknown): string {
  if (typeof value === 'number') return Number.isFinite(value) ? String(value) : ''
  const text = value === null || value === undefined ? '' : String(value)
  const safe = /^[=+\-@\t\r\n|]/.test(text) ? `'${text}` : text
  return /[",\r\n]/.test(safe) || safe !== safe.trim() ? `"${safe.replaceAll('"', '""')}"` : safe
}

/** Lines end as RFC 4180 has it. */
export function csv(columns: string[], rows: unknown[][]): string {
  return [columns, ...rows]
    .map((row) => row.map(csvCell).join(','))
    .join('\r\n')
    .concat('\r\n')
}

/** A name that every system takes. */
export const fileName = (name: string, ending: string): string =>
  `${name.replace(/[^\w.-]+/g, '_').slice(0, 80)}.${ending}`

export function download(name: string, content: Blob | string, type = 'text/plain'): void {
  const blob = typeof content === 'string' ? new Blob([content], { type }) : content
  const link = document.createElement('a')
  link.href = URL.createObjectURL(blob)
  link.download = name
  link.click()
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000)
}

/** Graphs with their names on the page's background, under a title: small ones side by side. */
export function picture(
  graphs: { name: string; canvas: HTMLCanvasElement }[],
  title: string,
  colours: { text: string; muted: string; surface: string },
): Promise<Blob | null> {
  const ratio = devicePixelRatio || 1
  const [head, caption, gap] = [32 * ratio, 22 * ratio, 12 * ratio]
  const width = Math.max(600 * ratio, ...graphs.map(({ canvas }) => canvas.width))
  let [left, top, bottom] = [0, head, head]
  const places = graphs.map(({ canvas }) => {
    if (left > 0 && left + canvas.width > width) [left, top] = [0, bottom]
    const place = { left, top }
    left += canvas.width + gap
    bottom = Math.max(bottom, top + caption + canvas.height)
    return place
  })
  const whole = document.createElement('canvas')
  whole.width = width
  whole.height = bottom
  const context = whole.getContext('2d')!
  context.fillStyle = colours.surface
  context.fillRect(0, 0, width, bottom)
  context.textBaseline = 'middle'
  const write = (text: string, size: number, colour: string, x: number, y: number) => {
    context.fillStyle = colour
    context.font = `600 ${size * ratio}px sans-serif`
    context.fillText(text, x, y, width - x)
  }
  write(title, 14, colours.text, 12 * ratio, head / 2)
  graphs.forEach(({ name, canvas }, i) => {
    const place = places[i]!
    write(name, 12, colours.muted, place.left + 12 * ratio, place.top + caption / 2)
    context.drawImage(canvas, place.left, place.top + caption)
  })
  return new Promise((resolve) => whole.toBlob(resolve, 'image/png'))
}
