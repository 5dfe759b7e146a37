/** Something on the page that is drawn by hand. */
export interface Drawing {
  readonly element: Element
  draw(): void
}

/** Draws take at most this share of the time; beyond, they become rarer. */
const SHARE = 0.3

/**
 * The one place that draws: at most once a frame, only what is on the screen, and less often when drawing is dear, so
 * that the page stays usable on any machine.
 */
export class Scheduler {
  #known = new Map<Element, Drawing>()
  #visible = new Set<Drawing>()
  #dirty = new Set<Drawing>()
  #observer = new IntersectionObserver((entries) => this.#seen(entries), { rootMargin: '80px' })
  #frame = 0
  #earliest = 0
  /** Milliseconds that the last pass took, and the shortest time between two. */
  cost = 0
  /** People who asked for less motion get one picture a second. */
  pause = matchMedia('(prefers-reduced-motion: reduce)').matches ? 900 : 0

  add(drawing: Drawing): () => void {
    this.#known.set(drawing.element, drawing)
    this.#observer.observe(drawing.element)
    this.#dirty.add(drawing)
    return () => {
      this.#observer.unobserve(drawing.element)
      this.#known.delete(drawing.element)
      this.#visible.delete(drawing)
      this.#dirty.delete(drawing)
    }
  }

  /** How many drawings are on the screen. */
  get visible(): number {
    return this.#visible.size
  }

  /** There is something new to see, on one drawing or on all. */
  invalidate(drawing?: Drawing, urgent = false): void {
    if (drawing) this.#dirty.add(drawing)
    else for (const each of this.#known.values()) this.#dirty.add(each)
    if (urgent) this.#earliest = 0
    this.#ask()
  }

  #ask(): void {
    this.#frame ||= requestAnimationFrame(this.#pass)
  }

  #pass = (now: number): void => {
    this.#frame = 0
    if (now < this.#earliest) {
      this.#ask()
      return
    }
    const begin = performance.now()
    for (const drawing of this.#visible) {
      if (this.#dirty.delete(drawing)) drawing.draw()
    }
    this.cost = performance.now() - begin
    this.#earliest = now + Math.max(this.pause, this.cost / SHARE)
  }

  #seen(entries: IntersectionObserverEntry[]): void {
    for (const { target, isIntersecting } of entries) {
      const drawing = this.#known.get(target)
      if (!drawing) continue
      if (isIntersecting) this.#visible.add(drawing)
      else this.#visible.delete(drawing)
    }
    this.#ask()
  }
}
