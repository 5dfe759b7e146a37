import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { DuckDBInstance } from '@duckdb/node-api'
import type { Segment } from './layout.js'
import { mergeApart } from './merge-apart.js'

const PARTS = ['seg-1.parquet', 'seg-2.parquet']
const ROWS = 1000

test('a process of its own makes one file of several, or says why not, and leaves nothing behind', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'eventstorm-apart-'))
  t.after(() => rm(folder, { recursive: true }))
  const instance = await DuckDBInstance.create(':memory:')
  const connection = await instance.connect()
  const parts = PARTS.map((file): Segment => ({ file, rows: ROWS, bytes: 1, from: 0, to: 1, level: 0 }))
  for (const { file } of parts) {
    await connection.run(`COPY (SELECT make_timestamp_ms(${ROWS} - n) AS time, 'a.b' AS type FROM range(${ROWS}) AS t(n))
      TO '${folder}/${file}' (FORMAT parquet)`)
  }
  const merge = mergeApart({
    path: folder,
    writer: 'w',
    rollRows: 1,
    rollBytes: 1,
    memory: 256 * 1024 ** 2,
    keep: undefined,
    keepBytes: undefined,
    extracts: [],
  })
  const nothing = new AbortController().signal

  const merged = await merge({ folder, file: 'merged.parquet', parts }, nothing)
  assert.deepEqual([merged.rows, merged.level], [2 * ROWS, 1])
  const result = await connection.runAndReadAll(
    `SELECT count(*), count(DISTINCT time) FROM '${folder}/merged.parquet'`,
  )
  assert.deepEqual(result.getRows(), [[BigInt(2 * ROWS), BigInt(ROWS)]])
  connection.closeSync()
  instance.closeSync()

  await writeFile(join(folder, PARTS[1]!), 'not a Parquet file')
  await assert.rejects(merge({ folder, file: 'damaged.parquet', parts }, nothing), /seg-2\.parquet/)
  assert.equal(existsSync(join(folder, 'damaged.parquet')), false)

  const halt = new AbortController()
  const halted = merge({ folder, file: 'halted.parquet', parts }, halt.signal)
  halt.abort(new Error('the sink closes'))
  await assert.rejects(halted, /the sink closes/)
  const left = (await readdir(folder)).filter((name) => !name.endsWith('.tmp'))
  assert.deepEqual(left.sort(), ['merged.parquet', ...PARTS].sort())
})
