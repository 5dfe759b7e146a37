import type { FieldHint } from '../../lib/index.js'
import { kindByName, Trend } from './infer.js'
import type { FieldKind } from './protocol.js'
import type { NumberSeries } from './series.js'

/** Words of a state that are kept, when nobody has said that it is one; a field with more is a text. */
const MAX_WORDS = 12
/** And when somebody has. */
const MAX_HINTED_WORDS = 64

/** A field of a type's data that is measured. */
export class Field {
  readonly path: string
  /** Its place in the lists of series that keys have. */
  readonly index: number
  kind: FieldKind
  hint: FieldHint | undefined
  /** Its values are not worth a graph, or nobody wants one. */
  off = false
  /** Of a state. */
  readonly words: string[] = []
  /** All values, whatever their key. */
  series: NumberSeries | undefined
  trend: Trend | undefined
  /** Of a counter: the last value of each series and source, so that two sources do not look like falls. */
  #totals: Map<string, number> | undefined

  constructor(path: string, index: number, isNumber: boolean, hint: FieldHint | undefined) {
    this.path = path
    this.index = index
    this.hint = hint
    const named = isNumber ? kindByName(path) : 'state'
    this.kind = hint?.kind ?? named ?? 'gauge'
    this.off = hint?.show === 'hide'
    if (isNumber && hint?.kind === undefined && named === undefined) this.trend = new Trend()
  }

  get spread(): boolean {
    return this.kind === 'duration' || this.kind === 'amount'
  }

  /** Number of a word; -1 when there are too many. */
  word(text: string): number {
    const known = this.words.indexOf(text)
    if (known >= 0) return known
    const hinted = this.hint?.kind === 'state'
    if (this.words.length >= (hinted ? MAX_HINTED_WORDS : MAX_WORDS)) {
      if (!hinted) this.off = true
      return -1
    }
    return this.words.push(text) - 1
  }

  /** What a counter has grown by. After a restart it grows from 0. */
  increase(of: string, value: number): number {
    this.#totals ??= new Map()
    const last = this.#totals.get(of)
    if (last !== undefined || this.#totals.size < 1000) this.#totals.set(of, value)
    if (last === undefined) return 0
    return value >= last ? value - last : value
  }
}

/**
 * The members that data of a type have, as a tree. Data of one type mostly have the same members in the same order, so
 * each node remembers which one came at which place, and finding it again is one comparison.
 */
export class FieldNode {
  readonly name: string
  readonly path: string
  readonly depth: number
  field: Field | undefined
  /** Nothing below it is looked at: a secret, or beyond a bound. */
  skip = false
  #children: Map<string, FieldNode> | undefined
  #order: FieldNode[] | undefined

  constructor(name: string, path: string, depth: number) {
    this.name = name
    this.path = path
    this.depth = depth
  }

  /** The member of that name, expected at that place; made by `make` when it is new. */
  child(name: string, place: number, make: (parent: FieldNode, name: string) => FieldNode): FieldNode {
    const expected = this.#order?.[place]
    if (expected !== undefined && expected.name === name) return expected
    this.#children ??= new Map()
    this.#order ??= []
    let child = this.#children.get(name)
    if (child === undefined) {
      child = make(this, name)
      // One that stands for all beyond a bound is not remembered, or names would pile up.
      if (child.name !== name) return child
      this.#children.set(name, child)
    }
    this.#order[place] = child
    return child
  }
}
