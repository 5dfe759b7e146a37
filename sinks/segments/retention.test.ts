import assert from 'node:assert/strict'
import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { hourFolder, hourFolders, hourOf, makeFolder, writeManifest } from './layout.js'
import { removeHours } from './retention.js'

const NOON = Date.UTC(2026, 0, 31, 12)
const HOUR = 3_600_000

/** A store with these bytes in each hour up to the one of `NOON`, by two writers. */
function storeOf(t: TestContext, sizes: number[]): string {
  const root = mkdtempSync(join(tmpdir(), 'eventstorm-keep-'))
  t.after(() => rmSync(root, { recursive: true }))
  for (const [i, bytes] of sizes.entries()) {
    const folder = hourFolder(root, hourOf(NOON) - sizes.length + 1 + i)
    makeFolder(folder)
    for (const writer of ['a', 'b']) {
      const file = `seg-${writer}-1.parquet`
      writeFileSync(join(folder, file), '')
      writeManifest(folder, writer, [{ file, rows: 1, bytes: bytes / 2, from: 0, to: 1, level: 0 }])
    }
  }
  return root
}

const hours = (root: string) => hourFolders(root).map((folder) => folder.slice(-13))

test('the oldest hours go until the rest is small enough', (t) => {
  const root = storeOf(t, [10, 20, 30, 40])
  assert.deepEqual(removeHours(root, { keep: undefined, keepBytes: 100 }, NOON + HOUR / 2), {
    byAge: 0,
    bySize: 0,
  })
  assert.deepEqual(removeHours(root, { keep: undefined, keepBytes: 75 }, NOON + HOUR / 2), {
    byAge: 0,
    bySize: 2,
  })
  assert.deepEqual(hours(root), ['2026-01-31/11', '2026-01-31/12'])
  assert.deepEqual(readdirSync(join(root, 'events', '2026-01-31')), ['11', '12'], 'nothing is left of them')
})

test('the hour that is written stays, however large, and the one before for a moment too', (t) => {
  const root = storeOf(t, [10, 20, 30])
  assert.deepEqual(removeHours(root, { keep: undefined, keepBytes: 1 }, NOON + 59_999).bySize, 1)
  assert.deepEqual(hours(root), ['2026-01-31/11', '2026-01-31/12'])
  assert.equal(removeHours(root, { keep: 0, keepBytes: undefined }, NOON + 59_999).byAge, 0, 'however old')
  assert.deepEqual(removeHours(root, { keep: HOUR, keepBytes: 1 }, NOON + 60_000).bySize, 1)
  assert.deepEqual(hours(root), ['2026-01-31/12'])
})

test('age goes first, and a day without hours goes as well', (t) => {
  const root = storeOf(
    t,
    Array.from({ length: 15 }, () => 10),
  )
  assert.deepEqual(removeHours(root, { keep: 12 * HOUR, keepBytes: 100 }, NOON + HOUR / 2), {
    byAge: 2,
    bySize: 3,
  })
  assert.equal(existsSync(join(root, 'events', '2026-01-30')), false)
  assert.equal(hours(root).length, 10)
  assert.deepEqual(removeHours(root, { keep: undefined, keepBytes: undefined }, NOON + 100 * HOUR).byAge, 0)
})
