/** Texts that places of the process keep, all together. */
const MAX_KEPT = 100_000
let kept = 0
const gone = new FinalizationRegistry<number>((slots) => {
  kept -= slots
})

/**
 * Asked by a place before it keeps texts for the first time.
 * @param slots how many it may come to keep, until it is collected
 * @returns whether there is room
 */
export function mayKeep(place: object, slots: number): boolean {
  if (kept + slots > MAX_KEPT) return false
  kept += slots
  gone.register(place, slots)
  return true
}
