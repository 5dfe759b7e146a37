import { currentPalette } from './theme.js'

/** A small area without axes, over the whole of its canvas. NaN is a gap. `lost` says of each point whether events were lost. */
export function drawSpark(
  canvas: HTMLCanvasElement,
  values: Float64Array,
  colour: number,
  lost: (index: number) => boolean,
): void {
  const ratio = devicePixelRatio || 1
  const width = Math.round(canvas.clientWidth * ratio)
  const height = Math.round(canvas.clientHeight * ratio)
  if (width === 0 || height === 0) return
  if (canvas.width !== width || canvas.height !== height) {
    canvas.width = width
    canvas.height = height
  }
  const context = canvas.getContext('2d')
  if (!context) return
  const palette = currentPalette()
  context.clearRect(0, 0, width, height)

  // The highest point of each pixel, so that nothing between is lost.
  const columns = Math.min(width, values.length)
  let top = 0
  for (const value of values) if (value > top) top = value
  const perX = width / columns
  const perY = (height - 3 * ratio) / (top || 1)
  const line = new Path2D()
  const area = new Path2D()
  let open = -1
  const close = (x: number) => {
    if (open === -1) return
    area.lineTo(x, height)
    area.lineTo(open, height)
    area.closePath()
    open = -1
  }
  context.fillStyle = palette.lost
  for (let column = 0; column < columns; column++) {
    const from = Math.floor((column * values.length) / columns)
    const to = Math.max(from + 1, Math.floor(((column + 1) * values.length) / columns))
    let high = Number.NaN
    let missing = false
    for (let i = from; i < to; i++) {
      const value = values[i]!
      if (!(high >= value) && !Number.isNaN(value)) high = value
      missing ||= lost(i)
    }
    const x = column * perX
    if (missing) context.fillRect(x, 0, Math.max(2 * ratio, perX), height)
    if (Number.isNaN(high)) {
      close(x)
      continue
    }
    const y = height - ratio - high * perY
    if (open === -1) {
      open = x
      line.moveTo(x, y)
      area.moveTo(x, y)
    } else {
      line.lineTo(x, y)
      area.lineTo(x, y)
    }
  }
  close(width)
  context.fillStyle = palette.areas[colour] ?? palette.areas[0]!
  context.fill(area)
  context.strokeStyle = palette.series[colour] ?? palette.series[0]!
  context.lineWidth = 1.25 * ratio
  context.stroke(line)
}
