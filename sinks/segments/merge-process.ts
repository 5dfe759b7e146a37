/** The process that `mergeApart` starts: takes one job over its channel, and ends. */
import { openForMerging } from './duckdb.js'
import { mergeFiles } from './merge.js'
import type { ApartJob, ApartResult } from './merge-apart.js'

// A word to the whole group is one to whoever started this, who knows what is to become of it.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => {})
// Nobody waits for it any more.
process.on('disconnect', () => process.exit(1))

process.once('message', async ({ settings, job }: ApartJob) => {
  let result: ApartResult
  try {
    const { connection } = await openForMerging(settings)
    result = { segment: await mergeFiles(connection, job.folder, job.file, job.parts) }
  } catch (error) {
    result = { error: error instanceof Error ? error.message : String(error) }
  }
  process.send!(result, () => process.exit(0))
})
