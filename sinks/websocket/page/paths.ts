import type uPlot from 'uplot'
import { reachOf, UNKNOWN } from './picture.js'

/**
 * A path for uPlot over typed arrays. NaN means that there was no value: a line spans a few of them if its values come
 * at such distances, and no more. Infinity means that nothing is known: no line spans it. Where several points share
 * a pixel, the line goes from the lowest to the highest one of them, so that 3,600 points cost no more than the pixels
 * they lie on, and no spike is lost.
 */
export function gapPaths(filled: boolean): uPlot.Series.PathBuilder {
  return (plot, seriesIdx, first, last) => {
    const xs = plot.data[0] as Float64Array
    const ys = plot.data[seriesIdx] as Float64Array
    const { left, top, width, height } = plot.bbox
    const x = plot.scales.x as { min?: number; max?: number }
    const y = plot.scales.y as { min?: number; max?: number }
    if (x.min === undefined || x.max === undefined || y.min === undefined || y.max === undefined) return null
    const perX = width / (x.max - x.min || 1)
    const perY = height / (y.max - y.min || 1)
    const bottom = top + height
    const base = Math.min(bottom, Math.max(top, bottom - (0 - y.min) * perY))
    const xMin = x.min
    const yMin = y.min

    const stroke = new Path2D()
    const fill = filled ? new Path2D() : null
    let begun = -1
    let pixel = -1
    let low = 0
    let high = 0
    let enter = 0
    let latest = -1
    const reach = reachOf(ys)

    const point = (y: number) => {
      if (begun === -1) {
        begun = pixel
        stroke.moveTo(pixel, y)
        fill?.moveTo(pixel, base)
      } else stroke.lineTo(pixel, y)
      fill?.lineTo(pixel, y)
    }
    const flush = () => {
      if (pixel === -1) return
      // The nearer end first.
      const lowFirst = low - enter < enter - high
      if (low !== high) point(lowFirst ? low : high)
      point(lowFirst ? high : low)
    }
    const end = () => {
      if (begun === -1 && pixel === -1) return
      flush()
      // A point that stands alone would be no line at all.
      if (pixel === begun && low === high) {
        stroke.moveTo(pixel - 2, low)
        stroke.lineTo(pixel + 2, low)
      }
      fill?.lineTo(pixel, base)
      fill?.closePath()
      begun = -1
      pixel = -1
    }

    for (let i = first; i <= last; i++) {
      const value = ys[i]!
      if (value === UNKNOWN) end()
      if (!Number.isFinite(value)) continue
      if (latest !== -1 && i - latest > reach) end()
      latest = i
      const at = Math.round(left + (xs[i]! - xMin) * perX)
      const to = bottom - (value - yMin) * perY
      if (at === pixel) {
        if (to > low) low = to
        if (to < high) high = to
      } else {
        flush()
        pixel = at
        low = to
        high = to
        enter = to
      }
    }
    end()
    return { stroke, fill, clip: null, band: null, gaps: null, flags: 3 } as unknown as uPlot.Series.Paths
  }
}
