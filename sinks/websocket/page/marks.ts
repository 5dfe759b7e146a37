import type uPlot from 'uplot'
import { count } from './format.js'
import { currentPalette } from './theme.js'

/** A stretch of time, seconds since 1970, and how many events are missing in it. */
export interface Span {
  from: number
  to: number
  events: number
}

let hatch: { colour: string; pixels: number; pattern: CanvasPattern | null } | undefined

/** Stripes, since colour alone tells not everybody. */
function stripes(context: CanvasRenderingContext2D, colour: string, pixels: number): CanvasPattern | null {
  if (hatch?.colour === colour && hatch.pixels === pixels) return hatch.pattern
  const size = Math.round(6 * pixels)
  const tile = document.createElement('canvas')
  tile.width = size
  tile.height = size
  const brush = tile.getContext('2d')!
  brush.strokeStyle = colour
  brush.lineWidth = 1.5 * pixels
  for (const shift of [-size, 0, size]) {
    brush.moveTo(shift, size)
    brush.lineTo(shift + size, 0)
  }
  brush.stroke()
  hatch = { colour, pixels, pattern: context.createPattern(tile, 'repeat') }
  return hatch.pattern
}

/** Seconds in which events were lost, striped and named; times of which nothing is known, plain and grey. */
export function drawBands(plot: uPlot, lost: Span[], unknown: Span[], pixels: number): void {
  const { ctx: context, bbox } = plot
  const palette = currentPalette()
  const right = bbox.left + bbox.width
  const place = ({ from, to }: Span): [x: number, width: number] => {
    const x = Math.max(bbox.left, plot.valToPos(from, 'x', true))
    return [x, Math.min(right, plot.valToPos(to, 'x', true)) - x]
  }
  context.save()
  context.font = scaled(palette.font, pixels)
  context.textBaseline = 'top'
  for (const span of unknown) {
    const [x, width] = place(span)
    if (width <= 0) continue
    context.fillStyle = palette.unknown
    context.fillRect(x, bbox.top, width, bbox.height)
    write(context, 'no data', x, width, bbox.top + 4 * pixels, palette.muted, pixels)
  }
  for (const span of lost) {
    const [x, width] = place(span)
    if (width <= 0) continue
    const wide = Math.max(width, 3 * pixels)
    context.fillStyle = stripes(context, palette.lost, pixels) ?? palette.lost
    context.fillRect(x, bbox.top, wide, bbox.height)
    context.fillStyle = palette.lost
    context.fillRect(x, bbox.top, wide, 2 * pixels)
  }
  context.restore()
}

/** How many were lost, over the lines, where there is room. */
export function nameBands(plot: uPlot, lost: Span[], pixels: number): void {
  const { ctx: context, bbox } = plot
  const palette = currentPalette()
  context.save()
  context.font = scaled(palette.font, pixels)
  context.textBaseline = 'top'
  let free = bbox.left
  for (const span of lost) {
    const x = Math.max(bbox.left, plot.valToPos(span.from, 'x', true))
    if (x < free || x > bbox.left + bbox.width) continue
    const text = `${count(span.events)} lost`
    label(context, text, x, bbox.left + bbox.width, bbox, palette.crit, palette.surface, pixels)
    free = x + context.measureText(text).width + 12 * pixels
  }
  context.restore()
}

/** A time in which nobody knows of losses, such as what comes from a store: dots above it, and said in words. */
export function drawBlind(
  plot: uPlot,
  { from, blind }: { from: number; blind?: number },
  named: boolean,
  pixels: number,
): void {
  if (blind === undefined) return
  const { ctx: context, bbox } = plot
  const palette = currentPalette()
  const end = Math.min(bbox.left + bbox.width, plot.valToPos(Math.max(from, blind), 'x', true))
  if (end <= bbox.left) return
  // Above the plot, where nothing else is drawn.
  const middle = bbox.top - 6 * pixels
  const text = 'losses not known'
  context.save()
  context.font = scaled(palette.font, pixels)
  const wide = context.measureText(text).width + 6 * pixels
  const fits = named && wide < end - bbox.left
  context.strokeStyle = palette.muted
  context.lineWidth = 2 * pixels
  context.setLineDash([2 * pixels, 4 * pixels])
  context.beginPath()
  context.moveTo(bbox.left + (fits ? wide : 0), middle)
  context.lineTo(end, middle)
  context.stroke()
  context.fillStyle = palette.muted
  context.textBaseline = 'middle'
  context.textAlign = 'left'
  if (fits) context.fillText(text, bbox.left, middle)
  context.restore()
}

/** Where a value begins to worry, as a dashed line with its name, if it has one. */
export function drawThresholds(
  plot: uPlot,
  limits: { warn: number | undefined; crit: number | undefined },
  name: (value: number) => string,
  pixels: number,
): void {
  const { ctx: context, bbox } = plot
  const palette = currentPalette()
  context.save()
  context.font = scaled(palette.font, pixels)
  context.textAlign = 'right'
  // Of two, the lower one has its name below, so that names do not meet.
  const upper = Math.max(limits.warn ?? Number.NEGATIVE_INFINITY, limits.crit ?? Number.NEGATIVE_INFINITY)
  for (const key of ['warn', 'crit'] as const) {
    const value = limits[key]
    if (value === undefined || !Number.isFinite(value)) continue
    const y = plot.valToPos(value, 'y', true)
    if (y < bbox.top || y > bbox.top + bbox.height) continue
    context.strokeStyle = palette[key]
    context.fillStyle = palette[key]
    context.lineWidth = pixels
    context.setLineDash(key === 'warn' ? [6 * pixels, 4 * pixels] : [2 * pixels, 3 * pixels])
    context.beginPath()
    context.moveTo(bbox.left, y)
    context.lineTo(bbox.left + bbox.width, y)
    context.stroke()
    const text = name(value)
    if (text === '') continue
    const above = value === upper && y - 14 * pixels > 0
    context.textBaseline = above ? 'bottom' : 'top'
    context.fillText(`${key} ${text}`, bbox.left + bbox.width - 4 * pixels, y + (above ? -2 : 3) * pixels)
  }
  context.restore()
}

const scaled = (font: string, pixels: number) => font.replace(/^\d+/, (size) => String(Number(size) * pixels))

/** A text inside a stretch, if it fits. */
function write(
  context: CanvasRenderingContext2D,
  text: string,
  x: number,
  width: number,
  y: number,
  colour: string,
  pixels: number,
): void {
  if (context.measureText(text).width + 8 * pixels > width) return
  context.fillStyle = colour
  context.textAlign = 'center'
  context.fillText(text, x + width / 2, y)
}

/** A text beside the begin of a stretch, on a plate so that it can be read over lines. */
function label(
  context: CanvasRenderingContext2D,
  text: string,
  x: number,
  right: number,
  bbox: uPlot.BBox,
  colour: string,
  plate: string,
  pixels: number,
): void {
  const width = context.measureText(text).width
  const at = Math.max(bbox.left, Math.min(x + 4 * pixels, right - width - 4 * pixels))
  const y = bbox.top + 4 * pixels
  context.fillStyle = plate
  context.fillRect(at - 2 * pixels, y - pixels, width + 4 * pixels, 13 * pixels)
  context.fillStyle = colour
  context.textAlign = 'left'
  context.fillText(text, at, y)
}
