import type { TypeInfo } from '../protocol.js'

/** Cards that are open without anybody's asking. */
export const OPEN_BY_ITSELF = 12

export interface Wishes {
  pinned: string[]
  opened: string[]
  closed: string[]
}

export interface Arrangement {
  /** Open, in order; those of one group stand together. */
  cards: string[]
  /** The others. */
  strips: string[]
}

/**
 * Which types are cards and which are strips, and in what order: pinned ones first, then by the hints' order, then
 * by rate; types that never were heard of come last and are strips. A type keeps its place once it has one, since nothing should jump while one reads it; only `settled` false
 * (the page has just begun) sorts anew.
 */
export class Arranger {
  #places = new Map<string, number>()
  #auto = new Set<string>()

  /** @param rate events a second; undefined: never heard of */
  arrange(
    types: TypeInfo[],
    rate: (type: string) => number | undefined,
    wishes: Wishes,
    settled: boolean,
  ): Arrangement {
    if (!settled) {
      this.#places.clear()
      this.#auto.clear()
    }
    const there = new Set(types.map(({ type }) => type))
    for (const type of this.#places.keys()) if (!there.has(type)) this.#forget(type)

    const groups = new Map<string, number>()
    const order = ({ hint }: TypeInfo) => hint?.order ?? 100
    for (const info of types) {
      const group = info.hint?.group ?? ''
      groups.set(group, Math.min(groups.get(group) ?? Number.POSITIVE_INFINITY, order(info)))
    }
    const fresh = types
      .filter(({ type }) => !this.#places.has(type))
      .map((info) => ({ info, silent: rate(info.type) === undefined, rate: rate(info.type) || 0 }))
    fresh.sort(
      (a, b) =>
        Number(a.silent) - Number(b.silent) ||
        order(a.info) - order(b.info) ||
        b.rate - a.rate ||
        (a.info.type < b.info.type ? -1 : 1),
    )
    for (const { info } of fresh) this.#places.set(info.type, this.#places.size)

    const place = ({ type }: TypeInfo) => this.#places.get(type)!
    const pinned = ({ type }: TypeInfo) => {
      const at = wishes.pinned.indexOf(type)
      return at === -1 ? wishes.pinned.length : at
    }
    const group = ({ hint }: TypeInfo) => hint?.group ?? ''
    const rank = (info: TypeInfo) => groups.get(group(info))!
    const sorted = [...types].sort((a, b) => pinned(a) - pinned(b) || place(a) - place(b))

    // Open first, then put the open ones of a group side by side.
    for (const { type } of sorted) {
      if (this.#auto.size >= OPEN_BY_ITSELF) break
      if (rate(type) !== undefined) this.#auto.add(type)
    }
    const open = (info: TypeInfo) =>
      !wishes.closed.includes(info.type) &&
      (this.#auto.has(info.type) || wishes.opened.includes(info.type) || wishes.pinned.includes(info.type))
    const cards = sorted.filter(open)
    cards.sort((a, b) => {
      const [pa, pb] = [pinned(a), pinned(b)]
      if (pa !== pb) return pa - pb
      if (group(a) === group(b)) return place(a) - place(b)
      return rank(a) - rank(b) || (group(a) < group(b) ? -1 : 1)
    })
    return {
      cards: cards.map(({ type }) => type),
      strips: sorted.filter((info) => !open(info)).map(({ type }) => type),
    }
  }

  #forget(type: string): void {
    this.#places.delete(type)
    this.#auto.delete(type)
    // Places stay unique and in order.
    const kept = [...this.#places].sort(([, a], [, b]) => a - b)
    this.#places = new Map(kept.map(([each], i) => [each, i]))
  }
}
