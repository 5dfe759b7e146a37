import uPlot from 'uplot'
import { clock, dateTime, digits, scaleFor, show } from './format.js'
import { drawBands, drawBlind, drawThresholds, nameBands } from './marks.js'
import { gapPaths } from './paths.js'
import { extentOf, type Picture } from './picture.js'
import type { Drawing } from './scheduler.js'
import { currentPalette } from './theme.js'

export interface Line {
  name: string
  colour: number
  /** Canvas dashes, so that lines differ by more than colour. */
  dash?: number[]
  area?: boolean
  hidden?: boolean
}

export interface ChartOptions {
  lines: Line[]
  unit?: string
  /** Fixed ends of the scale; it begins at zero unless values lie below, or all of them far above. */
  min?: number
  max?: number
  warn?: number
  crit?: number
  utc(): boolean
  height: number
  /** One of many: narrow, and without texts in the picture. */
  small?: boolean
  picture(): Picture
  /** A range was drawn with the mouse. */
  onZoom(from: number, to: number): void
  onReset(): void
  /** The cursor stands at this time in this chart; undefined when it left. */
  onCursor(chart: Chart, index: number | undefined): void
}

const AXIS_WIDTH = 52
const SMALL_AXIS_WIDTH = 40
/** Seconds between two times on the axis. */
const TIME_STEPS = [
  1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10_800, 14_400, 21_600, 43_200, 86_400,
  172_800, 604_800,
]

/** Bytes are divided into round numbers of KiB and MiB. */
const BINARY = /^(B|bytes)(\/s)?$/
const BINARY_STEPS = Array.from({ length: 6 }, (_, power) =>
  [1, 2, 5, 10, 20, 50, 100, 200, 500].map((each) => each * 1024 ** power),
).flat()

/** One uPlot, driven by hand: told to draw, it asks for a picture and draws that. */
export class Chart implements Drawing {
  readonly element: HTMLElement
  readonly options: ChartOptions
  /** What is on the screen now. */
  shown: Picture | undefined
  #made: uPlot | undefined
  #width = 0
  #range: [number, number] = [0, 1]
  #resize: ResizeObserver
  #hovered = false

  constructor(element: HTMLElement, options: ChartOptions, onResize: (chart: Chart) => void) {
    this.element = element
    this.options = options
    this.#resize = new ResizeObserver(() => {
      if (element.clientWidth > 0 && element.clientWidth !== this.#width) onResize(this)
    })
    this.#resize.observe(element)
  }

  destroy(): void {
    this.#resize.disconnect()
    this.#made?.destroy()
  }

  /** Drawn, if it was never seen. */
  get canvas(): HTMLCanvasElement {
    if (!this.shown) this.draw()
    return this.#plot.ctx.canvas
  }

  /** Made when it is seen first: a page can have hundreds of which few are on the screen. */
  get #plot(): uPlot {
    if (this.#made) return this.#made
    this.#width = Math.max(120, this.element.clientWidth)
    const nothing = [new Float64Array(0), ...this.options.lines.map(() => new Float64Array(0))]
    this.#made = new uPlot(this.#settings(), nothing as [Float64Array, ...Float64Array[]], this.element)
    return this.#made
  }

  draw(): void {
    const width = this.element.clientWidth
    if (width > 0 && width !== this.#width) {
      this.#width = width
      this.#plot.setSize({ width, height: this.options.height })
    }
    const picture = this.options.picture()
    this.shown = picture
    this.#range = this.#fit(picture)
    const plot = this.#plot
    // Hairlines are several times cheaper, and clearer where every pixel has a point.
    const thick = picture.times.length * 2 > width ? 1 : 1.5
    plot.batch(() => {
      this.options.lines.forEach((line, i) => {
        const series = plot.series[i + 1]
        if (series) series.width = thick
        if (series && series.show !== !line.hidden) plot.setSeries(i + 1, { show: !line.hidden }, false)
      })
      plot.setData([picture.times, ...picture.values], false)
      plot.setScale('x', { min: picture.from, max: picture.to })
      plot.setScale('y', { min: this.#range[0], max: this.#range[1] })
    })
  }

  /** The theme or the zone has changed: all colours and texts anew. */
  redraw(): void {
    this.#made?.redraw(false, true)
  }

  /** Puts the cursor on a point, as the arrow keys do; undefined takes it away. */
  setCursor(index: number | undefined): void {
    const time = index === undefined ? undefined : this.shown?.times[index]
    const left = time === undefined ? -10 : this.#plot.valToPos(time, 'x')
    this.#hovered = time !== undefined
    this.cursorIndex = index
    if (time === undefined) this.options.onCursor(this, undefined)
    this.#plot.setCursor({ left, top: time === undefined ? -10 : 10 })
    uPlot
      .sync('page')
      .pub(
        'mousemove',
        this.#plot,
        left,
        10,
        this.#plot.over.clientWidth,
        this.#plot.over.clientHeight,
        index ?? -1,
      )
  }

  /** Where the cursor stands: its point, and its place in the window. */
  cursorIndex: number | undefined

  pointer(): [x: number, y: number] {
    const { left, top } = this.#plot.over.getBoundingClientRect()
    return [left + (this.#plot.cursor.left ?? 0), top + (this.#plot.cursor.top ?? 0)]
  }

  #fit({ values, extent }: Picture): [number, number] {
    const { lines, min, max, unit } = this.options
    const [low, high] = extent ?? extentOf(values, (i) => lines[i]?.hidden === true)
    if (low > high) return [min ?? 0, max ?? 1]
    // A scale that hides zero exaggerates; it does so only where all values lie far away from it, and differ.
    const area = unit === '%' || lines.some((line) => line.area)
    const near =
      low >= 0 && (area || low < high * 0.8 || low >= high * 0.98)
        ? 0
        : low - (high - low || Math.abs(high) * 0.02 || 1) * 0.15
    const from = min ?? (low >= 0 ? Math.max(0, near) : near)
    const room = (high - from) * 0.12
    let to = max ?? high + (room || Math.abs(high) || 1)
    if (max === undefined && from === 0 && high <= 1 && high > 0.5 && Number.isInteger(high)) to = 1.25
    return to > from ? [from, to] : [from, from + 1]
  }

  #settings(): uPlot.Options {
    const { lines, unit, height, utc, warn, crit, small } = this.options
    const pixels = devicePixelRatio || 1
    const axis = {
      stroke: () => currentPalette().muted,
      font: currentPalette().font,
      ticks: { show: false },
      border: { show: false },
      gap: 6,
    }
    return {
      width: this.#width,
      height,
      pxAlign: 0,
      padding: small ? [6, 26, 0, 0] : [12, 28, 0, 0],
      legend: { show: false },
      scales: { x: { time: true, auto: false }, y: { auto: false } },
      cursor: {
        y: false,
        drag: { x: true, y: false, setScale: false, dist: 8 },
        points: { size: 6, width: 1.5 },
        bind: {
          dblclick: () => () => {
            this.options.onReset()
            return null
          },
        },
        sync: {
          key: 'page',
          scales: ['x', null],
          filters: { pub: (type) => type === 'mousemove' || type === 'mouseleave', sub: () => true },
        },
      },
      axes: [
        {
          ...axis,
          size: small ? 20 : 24,
          space: small ? 64 : 72,
          incrs: TIME_STEPS,
          grid: { show: false },
          values: (_, splits, __, ___, step) => splits.map((each) => tick(each, step, utc())),
        },
        {
          ...axis,
          size: (_, values) =>
            Math.max(
              small ? SMALL_AXIS_WIDTH : AXIS_WIDTH,
              14 + 6.2 * Math.max(0, ...(values ?? []).map((each) => each.length)),
            ),
          space: small ? 24 : 30,
          ...(BINARY.test(unit ?? '') && { incrs: BINARY_STEPS }),
          grid: { stroke: () => currentPalette().grid, width: 1 },
          values: (plot, splits) => {
            const scaled = scaleFor(plot.scales.y?.max ?? 1, unit)
            return splits.map((each) => label(each / scaled.factor, scaled.unit))
          },
        },
      ],
      series: [
        {},
        ...lines.map((line) => ({
          label: line.name,
          scale: 'y',
          auto: false,
          width: 1.5,
          show: !line.hidden,
          stroke: () => currentPalette().series[line.colour]!,
          ...(line.area && { fill: () => currentPalette().areas[line.colour]! }),
          ...(line.dash && { dash: line.dash }),
          points: { show: false },
          paths: gapPaths(line.area === true),
        })),
      ],
      hooks: {
        drawAxes: [
          (plot) => {
            // Round joins cost more than all else, on lines that turn at every pixel.
            plot.ctx.lineJoin = 'bevel'
            if (this.shown) drawBands(plot, this.shown.lost, this.shown.unknown, pixels)
          },
        ],
        draw: [
          (plot) => {
            if (!this.shown) return
            drawBlind(plot, this.shown, !small, pixels)
            if (!small) nameBands(plot, this.shown.lost, pixels)
          },
          (plot) => drawThresholds(plot, { warn, crit }, (value) => (small ? '' : show(value, unit)), pixels),
        ],
        setSelect: [
          (plot) => {
            const { left, width } = plot.select
            if (width < 8) return
            const [from, to] = [plot.posToVal(left, 'x'), plot.posToVal(left + width, 'x')]
            plot.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false)
            this.options.onZoom(from, to)
          },
        ],
        ready: [
          (plot) => {
            plot.over.addEventListener('mouseenter', () => {
              this.#hovered = true
            })
            plot.over.addEventListener('mouseleave', () => {
              this.#hovered = false
              this.options.onCursor(this, undefined)
            })
          },
        ],
        setCursor: [
          (plot) => {
            if (!this.#hovered) return
            const index = plot.cursor.idx
            this.cursorIndex = (plot.cursor.left ?? -1) < 0 ? undefined : (index ?? undefined)
            this.options.onCursor(this, this.cursorIndex)
          },
        ],
      },
    }
  }
}

function label(value: number, unit: string): string {
  const number = digits(value)
  if (unit === '') return number
  return unit.length === 1 && unit !== 's' && unit !== 'h' && unit !== 'd'
    ? `${number}${unit}`
    : `${number} ${unit}`
}

function tick(seconds: number, step: number, utc: boolean): string {
  const text = clock(seconds, utc)
  // Days by their date, and so the midnight between hours.
  if (step >= 10_800 && text === '00:00:00') return dateTime(seconds, utc).slice(5, 10)
  return step < 60 ? text : text.slice(0, 5)
}
