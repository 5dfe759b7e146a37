/** What the user typed into the filter: patterns for the server, or parts of names. Pure. */

const PATTERN = /^[\w*-]+(\.[\w*-]+)*$/
const MOST_PATTERNS = 16

const wordsOf = (filter: string) => filter.split(/[\s,]+/).filter(Boolean)

/**
 * What to ask the server for. With one word that is no pattern among them, all types are needed; if the server has
 * more than it tells a page (`partial`), the words are at least whole segments of a name.
 */
export function patternsOf(filter: string, partial = false): string[] {
  const words = wordsOf(filter)
  if (partial && words.length > 0 && words.every(isPattern)) {
    return words.slice(0, MOST_PATTERNS).map((word) => (word.includes('*') ? word : `**.${word}.**`))
  }
  const patterns = words.length > 0 && words.every((word) => word.includes('*') && isPattern(word))
  return patterns ? words.slice(0, MOST_PATTERNS) : ['**']
}

const isPattern = (word: string) =>
  PATTERN.test(word) && word.split('.').every((part) => !part.includes('*') || /^\*\*?$/.test(part))

/** Whether a type is wanted: it matches a pattern, or its name has a part that was typed. */
export function filtered(filter: string, type: string): boolean {
  const words = wordsOf(filter)
  if (words.length === 0) return true
  return words.some((word) =>
    word.includes('*') && isPattern(word)
      ? matches(word.split('.'), type.split('.'))
      : type.toLowerCase().includes(word.replace(/\.?\*+\.?/g, '').toLowerCase()),
  )
}

/** `*` is one segment, `**` any number of them; as many steps as both have segments, multiplied. */
function matches(pattern: string[], type: string[]): boolean {
  let reached = new Set([0])
  const skip = (places: Set<number>) => {
    for (const place of places) if (pattern[place] === '**') places.add(place + 1)
    return places
  }
  skip(reached)
  for (const segment of type) {
    const next = new Set<number>()
    for (const place of reached) {
      if (pattern[place] === '**') next.add(place)
      else if (pattern[place] === '*' || pattern[place] === segment) next.add(place + 1)
    }
    reached = skip(next)
  }
  return reached.has(pattern.length)
}
