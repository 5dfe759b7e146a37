import type { DuckDBInstance } from '@duckdb/node-api'
import type { WorkerSettings } from './channel.js'
import { openForMerging } from './duckdb.js'
import { interruptible } from './interrupt.js'
import type { Segment } from './layout.js'
import { mergeFiles } from './merge.js'

/** Several files of a folder that are to become one. */
export interface MergeJob {
  folder: string
  file: string
  parts: readonly Segment[]
}

/** Makes one file of several. Rejects when that fails, and when `signal` aborts. */
export type Merge = (job: MergeJob, signal: AbortSignal) => Promise<Segment>

/** Merges in this thread, in a DuckDB that is opened when there is something to do: for small files, often. */
export class Merger {
  #settings: WorkerSettings
  #instance: DuckDBInstance | undefined

  constructor(settings: WorkerSettings) {
    this.#settings = settings
  }

  merge: Merge = async ({ folder, file, parts }, signal) => {
    if (this.#instance === undefined) {
      const { instance, connection } = await openForMerging(this.#settings)
      connection.closeSync()
      this.#instance = instance
    }
    const connection = await this.#instance.connect()
    try {
      return await interruptible(connection, signal, () => mergeFiles(connection, folder, file, parts))
    } finally {
      connection.closeSync()
    }
  }

  close(): void {
    this.#instance?.closeSync()
    this.#instance = undefined
  }
}
