import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { until } from '../../testing/index.js'
import { Compactor } from './compactor.js'
import { hourFolder, type Segment } from './layout.js'
import type { Merge } from './merger.js'
import { Retired } from './retired.js'

const HOUR = 492_000

/** A compactor over an hour of 40 small files, whose merges do what the test says. */
function compactorOf(t: TestContext, merge: Merge) {
  const root = mkdtempSync(join(tmpdir(), 'eventstorm-compactor-'))
  t.after(() => rmSync(root, { recursive: true }))
  const folder = hourFolder(root, HOUR)
  mkdirSync(folder, { recursive: true })
  let segments = Array.from({ length: 40 }, (_, i): Segment => {
    return { file: `seg-a-${i}.parquet`, rows: 1, bytes: 10, from: i, to: i, level: 0 }
  })
  for (const { file } of segments) writeFileSync(join(folder, file), '')
  const counts = { merges: 0, mergesFailed: 0, hoursMerged: 0 }
  const asked: string[][] = []
  const counting: Merge = (task, signal) => {
    asked.push(task.parts.map(({ file }) => file))
    return merge(task, signal)
  }
  let files = 0
  let present = HOUR
  const compactor = new Compactor(
    {
      root,
      newFile: () => `seg-b-${files++}.parquet`,
      hour: () => present,
      segments: (hour) => (hour === HOUR ? segments : []),
      replace(_hour, parts, merged) {
        segments = [...segments.filter((each) => !parts.includes(each)), merged]
        return true
      },
    },
    { near: { merge: counting, close: () => {} }, apart: counting },
    new Retired(0),
    counts as never,
    () => {},
  )
  const endHour = () => {
    present++
    compactor.close(HOUR)
  }
  return { compactor, counts, asked, endHour, files: () => readdirSync(folder) }
}

test('what fails to merge is counted, left as it was, and not tried again', async (t) => {
  const { compactor, counts, asked, endHour, files } = compactorOf(t, async ({ folder, file }) => {
    for (const name of [file, `${file}.tmp`]) writeFileSync(join(folder, name), 'half')
    throw new Error('the disk is full')
  })
  for (let looks = 0; looks < 5; looks++) {
    compactor.look()
    await new Promise((resolve) => setImmediate(resolve))
  }
  // Two times sixteen of forty; eight are too few.
  await until('it is done', () => counts.mergesFailed === 2)
  assert.equal(asked.length, 2)
  assert.equal(new Set(asked.flat()).size, 32)
  assert.equal(files().length, 40, 'half of a file is left of nothing')
  // Once the hour is over they get another chance, all together, and the hour is not merged.
  endHour()
  await until('it has failed as well', () => counts.mergesFailed === 3)
  assert.equal(asked[2]!.length, 40)
  await compactor.stop()
  assert.deepEqual(counts, { merges: 0, mergesFailed: 3, hoursMerged: 0 })
})

test('a merge under way is given up when it is stopped, which is no failure', async (t) => {
  let aborted = 0
  const { compactor, counts, asked } = compactorOf(
    t,
    (_, signal) =>
      new Promise((_, reject) => {
        signal.addEventListener('abort', () => {
          aborted++
          reject(new Error('given up'))
        })
      }),
  )
  compactor.look()
  await until('it has begun', () => asked.length === 1)
  await compactor.stop()
  assert.equal(aborted, 1)
  assert.deepEqual([asked.length, counts], [1, { merges: 0, mergesFailed: 0, hoursMerged: 0 }])
})
