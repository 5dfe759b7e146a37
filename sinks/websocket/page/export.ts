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

/** Graphs one below the other on the page's background, under a title. */
export function picture(
  canvases: HTMLCanvasElement[],
  title: string,
  colours: { text: string; surface: string },
): Promise<Blob | null> {
  const ratio = devicePixelRatio || 1
  const head = 32 * ratio
  const canvas = document.createElement('canvas')
  canvas.width = Math.max(1, ...canvases.map((each) => each.width))
  canvas.height = head + canvases.reduce((sum, each) => sum + each.height, 0)
  const context = canvas.getContext('2d')!
  context.fillStyle = colours.surface
  context.fillRect(0, 0, canvas.width, canvas.height)
  context.fillStyle = colours.text
  context.font = `600 ${14 * ratio}px sans-serif`
  context.textBaseline = 'middle'
  context.fillText(title, 12 * ratio, head / 2)
  let top = head
  for (const each of canvases) {
    context.drawImage(each, 0, top)
    top += each.height
  }
  return new Promise((resolve) => canvas.toBlob(resolve, 'image/png'))
}
