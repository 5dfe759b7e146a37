import { type Document, isAlias, isMap, isScalar, isSeq, LineCounter, type Node, parseDocument } from 'yaml'

/** A path into a file of settings: `['sources', 'web', 'file', 0]`. */
export type Path = readonly (string | number)[]

/** One thing wrong with a file, and where. */
export interface Fault {
  /** From 1; 0 when it concerns the file as a whole. */
  line: number
  column: number
  path: Path
  message: string
}

/** A YAML file that remembers where everything in it stands. */
export class PlacedYaml {
  readonly value: unknown
  /** What YAML itself has to say against it. */
  readonly faults: Fault[]
  #document: Document
  #lines = new LineCounter()

  constructor(text: string) {
    this.#document = parseDocument(text, { lineCounter: this.#lines, prettyErrors: false, merge: true })
    this.faults = this.#document.errors.map((error) => {
      const { line, col } = this.#lines.linePos(error.pos[0])
      return { line, column: col, path: [], message: firstLine(error.message) }
    })
    this.value = this.faults.length === 0 ? this.#read() : undefined
  }

  /** A fault with its place; `key` points at the name of an entry instead of its value. */
  fault(path: Path, message: string, point: 'key' | 'value' = 'value'): Fault {
    const offset = this.#offset(path, point)
    const { line, col } = offset === undefined ? { line: 1, col: 1 } : this.#lines.linePos(offset)
    return { line, column: col, path, message }
  }

  #read(): unknown {
    try {
      return this.#document.toJS()
    } catch (error) {
      // Aliases that multiply without end, or point at nothing.
      this.faults.push({ line: 1, column: 1, path: [], message: firstLine((error as Error).message) })
      return undefined
    }
  }

  /** Where the path leads, or as far as it goes. */
  #offset(path: Path, point: 'key' | 'value'): number | undefined {
    let node = this.#document.contents as Node | null
    let offset = node?.range?.[0]
    for (const [depth, step] of path.entries()) {
      if (isAlias(node)) node = node.resolve(this.#document) ?? null
      if (isMap(node)) {
        const pair = node.items.find((each) => isScalar(each.key) && String(each.key.value) === String(step))
        if (pair === undefined) return offset
        const key = (pair.key as Node).range?.[0]
        node = (pair.value as Node | null) ?? null
        const last = depth === path.length - 1
        const empty = node === null || (isScalar(node) && node.value === null)
        offset = (last && point === 'key') || empty || !last ? key : node?.range?.[0]
      } else if (isSeq(node)) {
        const item = (node.items[Number(step)] as Node | undefined) ?? null
        if (item === null) return offset
        node = item
        offset = item.range?.[0]
      } else return offset
    }
    return offset
  }
}

function firstLine(text: string): string {
  return text.split('\n')[0]!
}
