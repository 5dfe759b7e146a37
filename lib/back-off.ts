/**
 * How long to wait before attempt number `attempt`, from 0 on: `first`, doubled with each attempt up to `most`. Half of
 * it is certain, half is chance, so that many who failed together do not come back at the same moment.
 *
 * @param random from 0 up to but without 1
 */
export function backOff(attempt: number, first: number, most: number, random: () => number): number {
  return Math.min(first * 2 ** attempt, most) * (0.5 + random() / 2)
}
