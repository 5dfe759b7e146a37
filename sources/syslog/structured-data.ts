/** Structured data of RFC 5424, section 6.3: `{ "exampleSDID@32473": { eventID: "1011" } }`; a name that comes again has a list. */
export type StructuredData = Record<string, Record<string, string | string[]>>

const NAME = /[!#-<>-\\^-~]+/y
const VALUE = /((?:[^"\\\]]|\\.)*)"/sy
const ESCAPED = /\\(["\\\]])/g

/** Names come from strangers; one of them may be `__proto__`. */
const put = <T>(target: Record<string, T>, name: string, value: T) =>
  Object.defineProperty(target, name, { value, enumerable: true, writable: true, configurable: true })

/** Reads what begins at `from` with `[` or is `-`; undefined when it is neither, or is broken. */
export function readStructuredData(
  text: string,
  from: number,
): { data: StructuredData; end: number } | undefined {
  const data: StructuredData = {}
  if (text[from] === '-') return { data, end: from + 1 }
  if (text[from] !== '[') return undefined
  let at = from
  const take = (form: RegExp) => {
    form.lastIndex = at
    const match = form.exec(text)
    if (match !== null) at = form.lastIndex
    return match
  }
  while (text[at] === '[') {
    at++
    const id = take(NAME)
    if (id === null) return undefined
    const element: Record<string, string | string[]> = {}
    while (text[at] === ' ') {
      at++
      const name = take(NAME)
      if (name === null || text[at] !== '=' || text[at + 1] !== '"') return undefined
      at += 2
      const value = take(VALUE)
      if (value === null) return undefined
      const read = value[1]!.replace(ESCAPED, '$1')
      const before = Object.hasOwn(element, name[0]) ? element[name[0]] : undefined
      if (Array.isArray(before)) before.push(read)
      else put(element, name[0], before === undefined ? read : [before, read])
    }
    if (text[at] !== ']') return undefined
    at++
    put(data, id[0], element)
  }
  return { data, end: at }
}
