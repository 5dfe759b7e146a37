/*
 * What a terminal shows as an SVG: text that stays text, in the colours of whoever looks at it. It knows what `top` uses: bold,
 * dim and red.
 */

const CHARACTER = { width: 8.4, height: 18 }
const MARGIN = 14

/** Begins where a code begins, and ends where the text does. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: that is what terminals are told by
const CODE = /\x1b\[([\d;?]*)([A-Za-z])/g

/** The last whole picture of a program that draws on the screen, or all that a plain one has printed. */
export function lastScreen(output: string): string[] {
  const pictures = output.split('\x1b[H').slice(1)
  const whole = pictures.filter((each) => each.includes('\x1b[J')).at(-1)
  return (whole?.split('\x1b[J')[0] ?? output).trimEnd().split(/\r?\n/)
}

const asXml = (text: string) => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;')

function spans(line: string): string {
  let styles = new Set<string>()
  let at = 0
  let out = ''
  const take = (text: string) => {
    if (text === '') return
    out += styles.size > 0 ? `<tspan class="${[...styles].join(' ')}">${asXml(text)}</tspan>` : asXml(text)
  }
  for (const found of line.matchAll(CODE)) {
    take(line.slice(at, found.index))
    at = found.index + found[0].length
    if (found[2] !== 'm') continue
    if (found[1] === '1') styles.add('bold')
    else if (found[1] === '2') styles.add('dim')
    else if (found[1] === '31') styles.add('red')
    else if (found[1] === '39') styles.delete('red')
    else if (found[1] === '22') for (const each of ['bold', 'dim']) styles.delete(each)
    else styles = new Set()
  }
  take(line.slice(at))
  return out
}

export function terminalSvg(lines: readonly string[], label: string): string {
  const widest = Math.max(...lines.map((line) => line.replace(CODE, '').length))
  const width = Math.ceil(widest * CHARACTER.width + 2 * MARGIN)
  const height = lines.length * CHARACTER.height + 2 * MARGIN
  const rows = lines.map(
    (line, i) => `<text x="${MARGIN}" y="${MARGIN + (i + 0.75) * CHARACTER.height}">${spans(line)}</text>`,
  )
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" role="img" aria-label="${label}">
<style>
  rect { fill: #fff; stroke: #ccc }
  text { font: 14px ui-monospace, 'DejaVu Sans Mono', Menlo, Consolas, monospace; fill: #222; white-space: pre }
  .bold { font-weight: bold } .dim { fill: #777 } .red { fill: #b3261e }
  @media (prefers-color-scheme: dark) {
    rect { fill: #16181d; stroke: #444 } text { fill: #ddd } .dim { fill: #999 } .red { fill: #ff8a80 }
  }
</style>
<rect x="0.5" y="0.5" width="${width - 1}" height="${height - 1}" rx="6"/>
${rows.join('\n')}
</svg>
`
}
