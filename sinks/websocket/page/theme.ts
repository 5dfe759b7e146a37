/** The colours of the style sheet, for canvases. */
export interface Palette {
  /** By the index that a hint may give, 0 to 11. */
  series: string[]
  /** The same, nearly transparent, for areas. */
  areas: string[]
  text: string
  muted: string
  grid: string
  surface: string
  lost: string
  unknown: string
  warn: string
  crit: string
  font: string
}

export const COLOURS = 12

let palette: Palette | undefined

/** Read once for each theme. */
export function currentPalette(): Palette {
  if (palette) return palette
  const style = getComputedStyle(document.documentElement)
  const read = (name: string) => style.getPropertyValue(name).trim()
  const series = Array.from({ length: COLOURS }, (_, i) => read(`--series-${i}`))
  palette = {
    series,
    areas: series.map((each) => `${each}26`),
    text: read('--text'),
    muted: read('--muted'),
    grid: read('--grid'),
    surface: read('--surface'),
    lost: read('--lost'),
    unknown: read('--unknown'),
    warn: read('--warn'),
    crit: read('--crit'),
    font: `11px ${read('--sans')}`,
  }
  return palette
}

const systemDark = matchMedia('(prefers-color-scheme: dark)')

export const isDark = (theme: 'auto' | 'light' | 'dark'): boolean =>
  theme === 'auto' ? systemDark.matches : theme === 'dark'

/** Puts the chosen theme on the document; `auto` is that of the system. */
export function applyTheme(theme: 'auto' | 'light' | 'dark'): void {
  document.documentElement.dataset.theme = isDark(theme) ? 'dark' : 'light'
  palette = undefined
}

/** Calls when the system changes between light and dark. */
export function onSystemTheme(call: () => void): void {
  systemDark.addEventListener('change', call)
}
