import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { DuckDBInstance } from '@duckdb/node-api'
import type { Segment } from './layout.js'
import { mergeable, mergeableAtLast, mergeFiles } from './merge.js'

const some = (count: number, rows: number, level = 0, bytes = rows * 10): Segment[] =>
  Array.from({ length: count }, (_, i) => ({ file: `${level}-${i}`, rows, bytes, from: 0, to: 1, level }))

test('sixteen files of one level are merged, the oldest first', () => {
  assert.deepEqual(mergeable(some(15, 10)), [])
  assert.deepEqual(mergeable([...some(15, 10), ...some(15, 10, 1)]), [])
  assert.deepEqual(mergeable(some(20, 10)), some(20, 10).slice(0, 16))
  assert.deepEqual(mergeable([...some(3, 10), ...some(16, 160, 1)]), some(16, 160, 1))
})

test('a merge stays small', () => {
  assert.equal(mergeable(some(16, 25_000)).length, 16)
  assert.deepEqual(mergeable(some(16, 30_000)), [])
  assert.equal(mergeable(some(16, 10, 0, 16 * 1024 * 1024)).length, 4)
  assert.deepEqual(mergeable(some(100, 300_000)), [])
  assert.deepEqual(mergeable(some(100, 10, 0, 40 * 1024 * 1024)), [])
})

test('of an hour that is over all are merged, in groups that can be sorted', () => {
  const [all] = mergeableAtLast(some(100, 30_000)) as [Segment[]]
  assert.equal(all.length, 100)
  assert.deepEqual(
    mergeableAtLast([...some(3, 1_500_000), ...some(1, 4_000_000), ...some(1, 1)]).map(
      (group) => group.length,
    ),
    [2],
  )
  assert.deepEqual(mergeableAtLast(some(1, 10)), [])
})

test('the largest merge fits into its share of the default memory, with events of usual length', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'eventstorm-merge-'))
  const instance = await DuckDBInstance.create(':memory:', {
    memory_limit: '192MiB',
    threads: '1',
    preserve_insertion_order: 'false',
    temp_directory: join(folder, 'spill'),
  })
  const connection = await instance.connect()
  t.after(async () => {
    connection.closeSync()
    instance.closeSync()
    await rm(folder, { recursive: true })
  })
  const parts = some(16, 25_000)
  for (const { file, rows } of parts) {
    await connection.run(`COPY (SELECT make_timestamp_ms(n * 7919 % 10007) AS time, 'a.b' AS type, n AS seq,
      repeat(md5(n::VARCHAR), 12) AS data FROM range(${rows}) AS t(n)) TO '${folder}/${file}' (FORMAT parquet)`)
  }
  const merged = await mergeFiles(connection, folder, 'merged', parts)
  const result = await connection.runAndReadAll(`SELECT count(*) FROM read_parquet('${folder}/merged')`)
  assert.deepEqual([merged.rows, result.getRows()], [400_000, [[400_000n]]])
})
