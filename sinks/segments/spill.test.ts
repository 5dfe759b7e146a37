import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, utimesSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { attach } from '../../lib/index.js'
import { freeEndpoint, until } from '../../testing/index.js'
import segments, { SegmentsSink } from './segments.js'

/** Sorts what does not fit into its memory, for ever. */
const SPILLING = `
const { openForMerging } = await import(process.argv[1])
const { connection } = await openForMerging({ path: process.argv[2], writer: 'killed', memory: 128 * 1024 ** 2 })
for (;;) await connection.run('SELECT max(n) FROM (SELECT n, row_number() OVER (ORDER BY hash(n)) FROM range(20000000) AS t(n))')
`

test('what a merge has spilt when it was killed is removed by the next sink of the folder, and counted', async (t) => {
  const path = mkdtempSync(join(tmpdir(), 'eventstorm-spill-'))
  t.after(() => rmSync(path, { recursive: true }))
  const duckdb = new URL('./duckdb.js', import.meta.url).href
  const child = spawn(process.execPath, ['--input-type=module', '--eval', SPILLING, duckdb, path], {
    stdio: ['ignore', 'ignore', 'inherit'],
  })
  t.after(() => child.kill('SIGKILL'))
  const killed = join(path, 'spill-killed')
  const spilt = () => existsSync(killed) && readdirSync(killed).length > 0
  await until(
    'it spills',
    () => {
      if (!spilt()) return false
      // Between two sorts nothing is there: it has to stand still before it is sure what is left of it.
      child.kill('SIGSTOP')
      if (spilt()) return true
      child.kill('SIGCONT')
      return false
    },
    60_000,
  )
  child.kill('SIGKILL')
  await once(child, 'exit')
  assert.ok(readdirSync(killed).length > 0, 'the folder is left')
  const alive = join(path, 'spill-of-a-neighbour')
  mkdirSync(alive)

  const start = () => attach(new SegmentsSink(segments.options.parse({ path })), { bind: [freeEndpoint()] })
  const young = await start()
  assert.deepEqual([existsSync(killed), young.counters().leftovers], [true, 0], 'it may be at work still')
  await young.drain()

  const old = Date.now() / 1000 - 301
  for (const each of [killed, ...readdirSync(killed).map((name) => join(killed, name))])
    utimesSync(each, old, old)
  const next = await start()
  assert.deepEqual([existsSync(killed), existsSync(alive), next.counters().leftovers], [false, true, 1])
  await next.drain()
})
