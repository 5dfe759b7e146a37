import { fork } from 'node:child_process'
import { once } from 'node:events'
import { rmSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import type { WorkerSettings } from './channel.js'
import type { Segment } from './layout.js'
import type { Merge, MergeJob } from './merger.js'
import { apart, spillFolder } from './spill.js'

const PROGRAM = fileURLToPath(new URL('./merge-process.js', import.meta.url))

export interface ApartJob {
  settings: WorkerSettings
  job: MergeJob
}
export type ApartResult = { segment: Segment } | { error: string }

/**
 * Merges in a process of its own, which ends with it: for a whole hour, once an hour. What sorting it took would not be
 * given back otherwise, by DuckDB in part and by the allocators not at all.
 */
export const mergeApart =
  (settings: WorkerSettings): Merge =>
  async (job, signal) => {
    signal.throwIfAborted()
    // What spills has a folder of its own.
    const own = { ...settings, writer: apart(settings.writer) }
    const child = fork(PROGRAM, { execArgv: [], stdio: ['ignore', 'ignore', 'ignore', 'ipc'] })
    const kill = () => child.kill('SIGKILL')
    signal.addEventListener('abort', kill, { once: true })
    try {
      const gone = once(child, 'exit')
      let result: ApartResult | undefined
      child.on('message', (message: ApartResult) => {
        result = message
      })
      child.send({ settings: own, job } satisfies ApartJob, () => {})
      const [code, by] = await gone
      signal.throwIfAborted()
      if (result === undefined) throw new Error(`merging ended with ${code ?? by}`)
      if ('error' in result) throw new Error(result.error)
      return result.segment
    } finally {
      signal.removeEventListener('abort', kill)
      rmSync(spillFolder(own), { recursive: true, force: true })
    }
  }
