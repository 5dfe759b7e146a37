/** A source or a sink that does not report for so long, milliseconds, is taken for dead: a quiet one goes on reporting. */
const SILENT_AFTER = 5000
/** Of those that report seldom, so many reports may be missing. */
const MISSING_REPORTS = 3

/**
 * Where a member of the bus stands: it reports, it was drained, or nothing is heard of it any more. That may be a
 * process that was killed, one that stands still, or one whose connections are cut.
 */
export type Vitality = 'alive' | 'ended' | 'dead'

/** When a source or a sink was heard of. */
export class Member {
  /** When it reported last, milliseconds since 1970; never: it is only known from others. */
  heard = Number.NEGATIVE_INFINITY
  #every = 0
  #ended = false

  hear({ every, ended }: { every: number; ended: boolean }, now: number): void {
    this.heard = now
    this.#every = every
    this.#ended = ended
  }

  /** How long a silence of it means nothing, milliseconds. */
  get patience(): number {
    return Math.max(SILENT_AFTER, MISSING_REPORTS * this.#every)
  }

  /** Whether its numbers can still change for all that is known. */
  isAlive(now: number): boolean {
    return now - this.heard < this.patience
  }

  vitality(now: number): Vitality {
    return this.#ended ? 'ended' : this.isAlive(now) ? 'alive' : 'dead'
  }
}
