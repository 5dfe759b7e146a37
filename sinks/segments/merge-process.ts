/** The process that `mergeApart` starts: takes one job over its channel, and ends. */
import { rmSync } from 'node:fs'
import { openForMerging } from './duckdb.js'
import { mergeFiles } from './merge.js'
import type { ApartJob, ApartResult } from './merge-apart.js'
import { spillFolder } from './spill.js'

// A word to the whole group is one to whoever started this, who knows what is to become of it.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => {})

process.once('message', async ({ settings, job }: ApartJob) => {
  // Nobody waits for it any more, and nobody else would remove what it has spilt.
  process.on('disconnect', () => {
    rmSync(spillFolder(settings), { recursive: true, force: true })
    process.exit(1)
  })
  let result: ApartResult
  try {
    const { connection } = await openForMerging(settings)
    result = { segment: await mergeFiles(connection, job.folder, job.file, job.parts) }
  } catch (error) {
    result = { error: error instanceof Error ? error.message : String(error) }
  }
  process.send!(result, () => process.exit(0))
})
