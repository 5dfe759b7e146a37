import { ALONG_THE_WAY } from '../resolve.js'
import type { Part } from './part.js'
import type { Place, Plan, Way } from './plan.js'

/** A plan for people, a part after the other as the events go, each with its ways. */
export function planText({ parts, ways }: Plan): string {
  const isAt = (place: Place, part: Part) => 'part' in place && place.part === part
  const lines = inOrder(parts).flatMap((part) => [
    `${part.definition.kind} ${part.name}${component(part)}${emits(part)}`,
    ...ways
      .filter(({ from, to }) => isAt(to, part) && 'outside' in from)
      .map((way) => `  <- ${showPlace(way.from)}${wanted(way)}`),
    ...ways
      .filter(({ from }) => isAt(from, part))
      .map((way) => `  -> ${showPlace(way.to)}${by(way)}${wanted(way)}`),
  ])
  return `${lines.join('\n')}\n`
}

/** A plan in the language of Graphviz. */
export function planDot({ parts, ways }: Plan, title: string): string {
  const id = (place: Place) =>
    quote(
      'part' in place
        ? `${place.part.definition.kind} ${place.part.name}`
        : `outside ${place.outside.use} ${place.outside.endpoint}`,
    )
  const outside = ways.flatMap(({ from, to }) => [from, to]).filter((place) => 'outside' in place)
  const nodes = [
    ...inOrder(parts).map((part) => {
      const label = quote(`${part.definition.kind} ${part.name}${component(part)}`)
      return `${id({ part })} [label=${label}]`
    }),
    ...new Set(outside.map((place) => `${id(place)} [label=${quote(showPlace(place))}, style=dashed]`)),
  ]
  const edges = ways.map((way) => {
    const label = [...('part' in way.from && 'part' in way.to ? [way.endpoint] : []), asked(way)].join('\n')
    return `${id(way.from)} -> ${id(way.to)} [label=${quote(label)}]`
  })
  const body = ['rankdir=LR', 'node [shape=box]', ...nodes, ...edges]
  return `digraph ${quote(title)} {\n${body.map((line) => `  ${line}\n`).join('')}}\n`
}

const inOrder = (parts: readonly Part[]) =>
  ALONG_THE_WAY.flatMap((kind) => parts.filter((part) => part.definition.kind === kind))

/** Which component it is, when its name does not say it. */
const component = ({ name, definition }: Part) => (definition.name === name ? '' : ` (${definition.name})`)

const emits = ({ definition }: Part) =>
  definition.kind === 'source' && definition.types.length > 0 ? `, emits ${definition.types.join(', ')}` : ''

function showPlace(place: Place): string {
  if ('part' in place) return `${place.part.definition.kind} ${place.part.name}`
  const { use, endpoint } = place.outside
  return use === 'bind' ? `whoever dials ${endpoint}` : endpoint
}

const by = ({ from, to, endpoint }: Way) => ('part' in from && 'part' in to ? ` by ${endpoint}` : '')

const wanted = (way: Way) => `: ${asked(way)}`

/** What passes: what is asked for. */
function asked({ patterns, open }: Way): string {
  const more = open ? ['what is asked for there'] : []
  return [...patterns, ...more].join(', ') || 'nothing, as nobody asks'
}

function quote(text: string): string {
  return `"${text.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n')}"`
}
