import { type Partition, partitionKey } from './rows.js'
import { DAY } from './schema.js'

const MOST = 10_000

/** The partitions that this process has listed in the store, within the last day; forgetting one does no harm. */
export class ListedPartitions {
  #at = new Map<string, number>()

  /** Those that are to be listed, at the time `now`. */
  missing(partitions: Partition[], now: number): Partition[] {
    return partitions.filter((partition) => {
      const at = this.#at.get(partitionKey(partition))
      return at === undefined || now - at > DAY || now < at
    })
  }

  add(partitions: Partition[], now: number): void {
    if (this.#at.size + partitions.length > MOST) this.#at.clear()
    for (const partition of partitions) this.#at.set(partitionKey(partition), now)
  }
}
